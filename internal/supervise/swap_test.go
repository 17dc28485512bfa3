package supervise

import (
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/worker"
	"github.com/dspool/dspool/internal/zygotemock"
)

// broken is a source that misbehaves in one way.
func broken(t *testing.T, how string) worker.Source {
	t.Helper()
	cfg := workers(t)
	cfg.Env = append(os.Environ(), zygotemock.Variable+"="+how)
	return worker.NewForkServer(cfg)
}

func pids(s *Supervisor) (list []int) {
	for _, w := range s.Workers() {
		list = append(list, w.PID())
	}
	return list
}

func TestNewWorkersTakeOverAllAtOnceAndTheOldOnesFinish(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		h := newWatch()
		cfg := h.config(2)
		seen := follow(&cfg)
		ended := make(chan worker.Source, 1)
		cfg.OnEnded = func(s worker.Source) { ended <- s }
		first := open(workers(t))
		s := start(t, cfg, first)
		h.await(t, "full strength", h.full)
		before := s.Workers()
		running := begin(t, before[0], "heed", `{}`)
		if err := s.Swap(testkit.Context(t, patience), open(workers(t))); err != nil {
			t.Fatal(err)
		}
		for _, w := range before {
			if w.State().Takes() {
				t.Errorf("%s still takes calls", w.ID())
			}
		}
		h.await(t, "the end of the idle one", func() bool { return len(h.exits) == 1 && h.full() })
		h.note(func() {
			if len(h.up) != 4 || len(h.infos) != 2 || seen.least != 2 {
				t.Errorf("%d up, %d sources, at least %d in service", len(h.up), len(h.infos), seen.least)
			}
		})
		select {
		case <-ended:
			t.Error("the old source has ended although a call goes on")
		default:
		}
		before[0].Cancel(running, "canceled")
		if got := <-ended; got != first {
			t.Error("another source has ended")
		}
		h.await(t, "both ends", func() bool { return len(h.exits) == 2 })
	})
}

func TestASwapThatFailsChangesNothing(t *testing.T) {
	t.Parallel()
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	t.Cleanup(cancel)
	tests := map[string]struct {
		source worker.Source
		ctx    context.Context //nolint:containedctx // a test's table
		code   fault.Code
		says   string
	}{
		"the fork server does not start":     {broken(t, zygotemock.Dies), t.Context(), fault.Unavailable, "dspy"},
		"it speaks another version":          {broken(t, zygotemock.WrongVersion), t.Context(), fault.Protocol, "version"},
		"workers cannot be started":          {broken(t, zygotemock.Refuses), t.Context(), fault.ResourceExhausted, "fork"},
		"the fork server dies of each order": {broken(t, zygotemock.DiesOnOrder), t.Context(), fault.Unavailable, "ends again and again"},
		"the time is over":                   {broken(t, zygotemock.Silent), short, fault.DeadlineExceeded, ""},
		"the program is not there":           {worker.NewSpawner(worker.Config{Command: []string{"/no/such/thing"}}), t.Context(), fault.Unavailable, "/no/such/thing"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newWatch()
			cfg := h.config(2)
			cfg.Pace = Pace{Backoff: time.Millisecond}
			s := start(t, cfg, worker.NewForkServer(workers(t)))
			h.await(t, "full strength", h.full)
			before := pids(s)
			err := s.Swap(tt.ctx, tt.source)
			if fault.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("Swap: %v, want %s and %q", err, tt.code, tt.says)
			}
			if after := pids(s); len(after) != 2 || after[0] != before[0] || after[1] != before[1] {
				t.Errorf("workers %v before, %v after", before, after)
			}
			if c := s.Condition(); c.Phase != Full || c.Failure != nil || c.Next != 0 {
				t.Errorf("condition %+v", c)
			}
			if o := call(t, s.Workers()[0], "echo", `{}`); o.Err != nil {
				t.Error(o.Err)
			}
			if len(h.up) != 2 || len(h.leaving) != 0 || len(h.infos) != 1 {
				t.Errorf("%d up, %d leaving, %d sources: the new ones were put into service", len(h.up), len(h.leaving), len(h.infos))
			}
			if err := s.Swap(testkit.Context(t, patience), worker.NewForkServer(workers(t))); err != nil {
				t.Errorf("a later swap: %v", err)
			}
		})
	}
}

func TestASwapMendsACrashLoop(t *testing.T) {
	t.Parallel()
	h := newWatch()
	cfg := h.config(2)
	cfg.Pace = Pace{Backoff: time.Minute, BackoffMax: time.Minute, Failures: 1}
	s := start(t, cfg, broken(t, zygotemock.Refuses))
	h.await(t, "the crash loop", func() bool { return h.opened() != nil })
	if err := s.Swap(testkit.Context(t, patience), worker.NewForkServer(workers(t))); err != nil {
		t.Fatal(err)
	}
	h.await(t, "full strength", func() bool { return h.full() && h.now().Failure == nil })
}

// swapRow swaps again and again under load: no call may fail.
func swapRow(t *testing.T, rows int, program string, source func() worker.Source) {
	t.Helper()
	h := newWatch()
	s := start(t, h.config(2), source())
	h.await(t, "full strength", h.full)
	l := startLoad(s, 8, program)
	for range rows {
		if err := s.Swap(testkit.Context(t, patience), source()); err != nil {
			t.Fatal(err)
		}
	}
	l.stop(t)
	h.await(t, "the end of all old workers", func() bool { return len(h.exits) == 2*rows })
	if lost := l.lost.Load(); lost > 0 || l.served.Load() < int64(rows) {
		t.Errorf("%d calls served, %d lost", l.served.Load(), lost)
	}
	t.Logf("%d calls served in %d swaps", l.served.Load(), rows)
}

func TestTwentySwapsInARowLoseNoCall(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		swapRow(t, 20, "echo", func() worker.Source { return open(workers(t)) })
	})
}

func TestSwapsOfRealWorkersLoseNoCall(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	rows := 3
	if os.Getenv("DSPOOL_SLOW") != "" {
		rows = 20
	}
	swapRow(t, rows, "good:echo", func() worker.Source { return worker.NewForkServer(realWorkers(t)) })
}

func TestConcurrentSwapsHappenOneAfterTheOther(t *testing.T) {
	t.Parallel()
	h := newWatch()
	s := start(t, h.config(2), worker.NewForkServer(workers(t)))
	h.await(t, "full strength", h.full)
	var all sync.WaitGroup
	for range 5 {
		all.Go(func() {
			if err := s.Swap(testkit.Context(t, patience), worker.NewForkServer(workers(t))); err != nil {
				t.Errorf("Swap: %v", err)
			}
		})
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Swap(gone, worker.NewForkServer(workers(t))); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("a swap whose caller has left: %v", err)
	}
	all.Wait()
	h.await(t, "the end of all old workers", func() bool { return len(h.infos) == 6 && len(h.up) == 12 && h.full() })
	h.note(func() {
		for _, c := range h.conditions {
			if c.Next > 2 {
				t.Errorf("%d workers waited to take over, the size is 2", c.Next)
			}
		}
	})
}

func TestSwapHasAnOutcomeInEveryPhase(t *testing.T) {
	t.Parallel()
	s := New(Config{Size: 1}, worker.NewForkServer(workers(t)))
	swap := func() error { return s.Swap(testkit.Context(t, patience), worker.NewForkServer(workers(t))) }
	if err := swap(); fault.CodeOf(err) != fault.ShuttingDown {
		t.Errorf("before the start: %v", err)
	}
	stop(t, s)
	if err := swap(); fault.CodeOf(err) != fault.ShuttingDown {
		t.Errorf("after the stop: %v", err)
	}
}

// A stop at any moment of a swap ends everything, and the swap has an outcome.
func TestAStopDuringASwap(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		for range 25 {
			h := newWatch()
			s := New(h.config(2), open(workers(t)))
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-s.Ready()
			var all sync.WaitGroup
			for range 2 {
				all.Go(func() {
					err := s.Swap(testkit.Context(t, patience), open(workers(t)))
					if err != nil && fault.CodeOf(err) != fault.ShuttingDown {
						t.Errorf("Swap: %v", err)
					}
				})
			}
			<-time.After(time.Duration(rand.IntN(30)) * time.Millisecond) //nolint:gosec // a test
			stop(t, s)
			all.Wait()
			if c := s.Condition(); c.Phase != Stopped || len(s.Workers()) != 0 {
				t.Fatalf("after the stop: %+v, %d workers", c, len(s.Workers()))
			}
		}
	})
}

// CHK-130: workers and fork servers are killed while generations change.
func TestAStormOfSwapsResizesAndKills(t *testing.T) {
	t.Parallel()
	h := newWatch()
	cfg := h.config(3)
	cfg.Pace = Pace{Failures: 1 << 20, Backoff: time.Millisecond, BackoffMax: 5 * time.Millisecond}
	s := start(t, cfg, worker.NewForkServer(workers(t)))
	h.await(t, "full strength", h.full)
	quit := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() { killOnAndOn(h, s, quit) })
	for n := range 25 {
		if n%2 == 0 {
			s.Resize(1 + rand.IntN(5)) //nolint:gosec // a test
		}
		if err := s.Swap(testkit.Context(t, patience), worker.NewForkServer(workers(t))); err != nil {
			t.Logf("swap %d: %v", n, err) // its fork server was killed too early or too often
		}
	}
	close(quit)
	killer.Wait()
	s.Resize(3)
	h.await(t, "three workers and no more", func() bool {
		return h.full() && h.now().Size == 3 && len(s.Workers()) == 3 && len(h.up)-len(h.leaving) == 3
	})
}

func killOnAndOn(h *watch, s *Supervisor, quit <-chan struct{}) {
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-quit:
			return
		case <-tick.C:
		}
		switch all := s.Workers(); {
		case n%10 == 9:
			h.mu.Lock()
			pid := h.infos[len(h.infos)-1].PID
			h.mu.Unlock()
			_ = syscall.Kill(pid, syscall.SIGKILL)
		case len(all) > 0:
			_ = syscall.Kill(all[rand.IntN(len(all))].PID(), syscall.SIGKILL) //nolint:gosec // a test
		}
	}
}
