package worker

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dspool/dspool/internal/mux"
)

// Cancel asks the worker to end a call's work. When it has not stopped after
// the grace time the worker is given up: it takes no more calls, its
// neighbours get the same grace, and then it is killed. Returns at once.
func (w *Worker) Cancel(p *mux.Pending, why string) {
	p.Cancel(why)
	time.AfterFunc(w.cfg.CancelGrace, func() {
		if !isDone(p) {
			w.hung.add(p)
			w.condemn(fmt.Sprintf("a call did not stop within %v of its cancellation", w.cfg.CancelGrace))
			w.wish.nudge()
		}
	})
}

// hung holds the calls that did not stop in their grace time.
type hung struct {
	mu    sync.Mutex
	calls []*mux.Pending
}

// add enters a call, once however often it was cancelled.
func (h *hung) add(p *mux.Pending) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !slices.Contains(h.calls, p) {
		h.calls = append(h.calls, p)
	}
}

// count tells how many of them still have not stopped.
func (h *hung) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	n := 0
	for _, p := range h.calls {
		if !isDone(p) {
			n++
		}
	}
	return n
}

func isDone(p *mux.Pending) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}
