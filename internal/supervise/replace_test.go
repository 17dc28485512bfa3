package supervise

import (
	"math/rand/v2"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/worker"
)

// strength follows how many workers are in service.
type strength struct{ now, least, most int }

// follow has h keep the strength from when it is first full.
func follow(cfg *Config) *strength {
	s := &strength{least: cfg.Size}
	up, leaving := cfg.OnUp, cfg.OnLeaving
	full := false
	cfg.OnUp = func(w *worker.Worker) {
		s.now++
		full = full || s.now == cfg.Size
		s.most = max(s.most, s.now)
		up(w)
	}
	cfg.OnLeaving = func(w *worker.Worker, missed bool) {
		s.now--
		if full {
			s.least = min(s.least, s.now)
		}
		leaving(w, missed)
	}
	return s
}

func answer(t testing.TB, told <-chan error) error {
	t.Helper()
	select {
	case err := <-told:
		return err
	case <-testkit.Context(t, patience).Done():
		t.Fatal("a replacement has no outcome")
		return nil
	}
}

// CHK-121: the size is kept during recycling, and no call is killed.
func TestAReplacementIsUpBeforeTheOldWorkerLeaves(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		h := newWatch()
		cfg := h.config(3)
		seen := follow(&cfg)
		s := start(t, cfg, open(workers(t)))
		h.await(t, "full strength", h.full)
		old := s.Workers()
		running := begin(t, old[0], "sleep", `{"ms":200}`)
		var told []<-chan error
		for _, w := range old {
			told = append(told, s.Replace(w, "too old"), s.Replace(w, "too old"))
		}
		for _, c := range told {
			if err := answer(t, c); err != nil {
				t.Errorf("Replace: %v", err)
			}
		}
		h.await(t, "the old workers' ends", func() bool { return len(h.exits) == 3 })
		for _, e := range h.exits {
			if !e.Expected() || e.Reason != "too old" {
				t.Errorf("exit %+v", e)
			}
		}
		if o := running.Outcome(); o.Err != nil {
			t.Errorf("the call in flight: %v", o.Err)
		}
		if err := answer(t, s.Replace(old[0], "again")); err != nil {
			t.Errorf("Replace of a worker that is gone: %v", err)
		}
		h.note(func() { // the loop writes seen before it tells the watch
			if len(h.up) != 6 || seen.least != 3 || seen.most != 4 {
				t.Errorf("%d workers started for 3 and 3 replacements, between %d and %d in service", len(h.up), seen.least, seen.most)
			}
		})
	})
}

func TestReplacementsTakeTurns(t *testing.T) {
	t.Parallel()
	for limit, most := range map[int]int{0: 5, 1: 5, 3: 7} {
		h := newWatch()
		cfg := h.config(4)
		cfg.Replacements = limit
		seen := follow(&cfg)
		s := start(t, cfg, worker.NewForkServer(workers(t)))
		h.await(t, "full strength", h.full)
		var told []<-chan error
		for _, w := range s.Workers() {
			told = append(told, s.Replace(w, "new code"))
		}
		for _, c := range told {
			if err := answer(t, c); err != nil {
				t.Error(err)
			}
		}
		h.await(t, "the old workers' ends", func() bool { return len(h.exits) == 4 })
		h.note(func() {
			if seen.least != 4 || seen.most > most {
				t.Errorf("limit %d: between %d and %d in service, want 4 to %d", limit, seen.least, seen.most, most)
			}
		})
	}
}

func TestAFailedReplacementLeavesTheWorkerInService(t *testing.T) {
	t.Parallel()
	h := newWatch()
	file := flag(t)
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := h.config(1)
	cfg.Pace = Pace{Backoff: time.Millisecond}
	s := start(t, cfg, worker.NewSpawner(only(t, file)))
	h.await(t, "full strength", h.full)
	old := h.latest()
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if err := answer(t, s.Replace(old, "too old")); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Replace: %v", err)
	}
	if o := call(t, old, "echo", `{}`); o.Err != nil {
		t.Errorf("the worker that was to stay: %v", o.Err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := answer(t, s.Replace(old, "too old")); err != nil {
		t.Errorf("a later Replace: %v", err)
	}
}

func TestReplaceHasAnOutcomeInEveryPhase(t *testing.T) {
	t.Parallel()
	h := newWatch()
	s := New(h.config(1), worker.NewSpawner(workers(t)))
	if err := answer(t, s.Replace(nil, "")); fault.CodeOf(err) != fault.ShuttingDown {
		t.Errorf("before the start: %v", err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.await(t, "full strength", h.full)
	w := h.latest()
	var told []<-chan error
	var all sync.WaitGroup
	for range 2 {
		all.Go(func() { stop(t, s) })
	}
	for range 50 {
		told = append(told, s.Replace(w, "in the middle of a stop"))
	}
	all.Wait()
	for _, c := range append(told, s.Replace(w, "after the stop")) {
		if err := answer(t, c); err != nil && fault.CodeOf(err) != fault.ShuttingDown {
			t.Error(err)
		}
	}
}

// CHK-106, CHK-121: whatever comes together, the count is right in the end.
func TestAStormOfReplacementsAndKills(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		h := newWatch()
		cfg := h.config(3)
		cfg.Replacements = 2
		cfg.Pace = Pace{Failures: 1 << 20}
		s := start(t, cfg, open(workers(t)))
		h.await(t, "full strength", h.full)
		for range 40 {
			h.await(t, "a worker", func() bool { return len(h.up) > len(h.leaving) })
			all := s.Workers()
			w := all[rand.IntN(len(all))] //nolint:gosec // a test
			told := s.Replace(w, "storm")
			if rand.IntN(2) == 0 { //nolint:gosec // a test
				_ = syscall.Kill(w.PID(), syscall.SIGKILL)
			}
			if err := answer(t, told); err != nil {
				t.Errorf("Replace: %v", err)
			}
		}
		h.await(t, "three workers and no more", func() bool { return h.full() && len(h.up)-len(h.exits) == 3 })
	})
}
