package chaos

import (
	"context"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// A watch reads a pool's events.
type watch struct {
	pool   *dspool.Pool
	cancel context.CancelFunc
	done   chan struct{}
	change chan struct{}

	mu   sync.Mutex
	took []time.Duration // recoveries
	pids map[int]bool
}

func watchPool(pool *dspool.Pool) *watch {
	ctx, cancel := context.WithCancel(context.Background())
	w := &watch{pool: pool, cancel: cancel, done: make(chan struct{}), change: make(chan struct{}, 1), pids: map[int]bool{}}
	events := pool.EventsOf(ctx, dspool.WorkerReady, dspool.WorkerReplaced) // from here on
	go func() {
		defer close(w.done)
		for ev := range events {
			w.see(ev)
		}
	}()
	return w
}

func (w *watch) see(ev dspool.PoolEvent) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if ev.Kind == dspool.WorkerReplaced {
		w.took = append(w.took, ev.Took)
	} else {
		w.pids[ev.PID] = true
	}
	select {
	case w.change <- struct{}{}:
	default:
	}
}

// whole waits for full strength.
func (w *watch) whole(ctx context.Context) error {
	for {
		if st := w.pool.Status(); st.Serving >= st.Want {
			return nil
		}
		select {
		case <-w.change:
		case <-ctx.Done():
			return fault.From(context.Cause(ctx))
		}
	}
}

// alive counts the workers' processes that are still there.
func (w *watch) alive() (n int) {
	if runtime.GOOS == "linux" {
		return 0 // marks tell, and they tell of descendants too
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for pid := range w.pids {
		if pid > 0 && syscall.Kill(pid, 0) == nil {
			n++
		}
	}
	return n
}

func (w *watch) end() {
	w.cancel()
	<-w.done
}
