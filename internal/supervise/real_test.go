package supervise

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/worker"
)

// A load keeps every worker that is up busy, from many callers, and counts how
// the calls end.
type load struct {
	program string
	quit    chan struct{}
	callers sync.WaitGroup
	served  atomic.Int64
	lost    atomic.Int64
	odd     atomic.Pointer[string]
}

func startLoad(s *Supervisor, callers int, program string) *load {
	l := &load{program: program, quit: make(chan struct{})}
	for i := range callers {
		l.callers.Go(func() { l.run(s, i) })
	}
	return l
}

func (l *load) run(s *Supervisor, seed int) {
	for n := seed; ; n++ {
		select {
		case <-l.quit:
			return
		default:
		}
		all := s.Workers()
		if len(all) == 0 {
			continue
		}
		p, err := all[n%len(all)].Begin(&mux.Call{Program: l.program, Body: []byte(`{"text":"x"}`)})
		if err != nil {
			continue // it is on its way out
		}
		<-p.Done()
		l.judge(p.Outcome())
	}
}

func (l *load) judge(o mux.Outcome) {
	switch {
	case o.Err == nil && string(o.Reply.Body) == `"x"`:
		l.served.Add(1)
	case fault.CodeOf(o.Err) == fault.WorkerCrashed && o.Err.Started != fault.StartedUnknown:
		l.lost.Add(1)
	default:
		text := fmt.Sprint(string(o.Reply.Body), o.Err)
		l.odd.CompareAndSwap(nil, &text)
	}
}

func (l *load) stop(t testing.TB) {
	t.Helper()
	close(l.quit)
	l.callers.Wait()
	if odd := l.odd.Load(); odd != nil {
		t.Errorf("a call ended as none may: %s", *odd)
	}
}

func TestRealWorkersKilledUnderLoadAreReplacedFast(t *testing.T) { //nolint:paralleltest // measures
	h := newWatch()
	s := start(t, h.config(2), worker.NewForkServer(realWorkers(t)))
	h.await(t, "full strength", h.full)
	l := startLoad(s, 16, "good:echo")
	var took []time.Duration
	for range 40 {
		victim := h.random()
		since, ups := time.Now(), h.ups()
		_ = syscall.Kill(victim.PID(), syscall.SIGKILL)
		h.await(t, "full strength", func() bool { return len(h.up) > ups && h.full() })
		took = append(took, time.Since(since))
	}
	l.stop(t)
	slices.Sort(took)
	t.Logf("recovery p50 %v, p99 %v; %d calls served, %d lost with their worker", took[20], took[39], l.served.Load(), l.lost.Load())
	if took[20] > 250*time.Millisecond {
		t.Errorf("recovery p50 = %v", took[20])
	}
	h.await(t, "every report", func() bool { return len(h.exits) == 40 })
	for _, e := range h.exits {
		if !e.Known || e.Signal != syscall.SIGKILL {
			t.Errorf("exit = %+v", e)
		}
	}
}

// random returns one of the workers that are up.
func (w *watch) random() *worker.Worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	alive := slices.DeleteFunc(slices.Clone(w.up), func(x *worker.Worker) bool { return !x.State().Takes() })
	return alive[rand.IntN(len(alive))]
}

func (w *watch) ups() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.up)
}

func TestRealWorkersStopFastWhenIdle(t *testing.T) { //nolint:paralleltest // measures
	for name, open := range sources() {
		h := newWatch()
		s := New(h.config(8), open(realWorkers(t)))
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.await(t, "full strength", h.full)
		since := time.Now()
		stop(t, s)
		took := time.Since(since)
		t.Logf("%s: 8 idle workers stopped in %v", name, took)
		if took > time.Second {
			t.Errorf("%s: stopping took %v", name, took)
		}
		for _, e := range h.exits {
			if !e.OK() || !e.Expected() || e.Goodbye != "drained" {
				t.Errorf("%s: exit = %+v", name, e)
			}
		}
	}
}

func TestARealForkServerThatIsKilledIsReplacedWithAllItsWorkers(t *testing.T) {
	t.Parallel()
	h := newWatch()
	start(t, h.config(2), worker.NewForkServer(realWorkers(t)))
	h.await(t, "full strength", h.full)
	_ = syscall.Kill(h.infos[0].PID, syscall.SIGKILL)
	h.await(t, "full strength", func() bool { return len(h.infos) == 2 && len(h.up) == 4 && h.full() && len(h.exits) == 2 })
	if o := call(t, h.latest(), "good:echo", `{"text":"x"}`); o.Err != nil {
		t.Error(o.Err)
	}
}
