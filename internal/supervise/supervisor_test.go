package supervise

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/worker"
)

func TestAllWorkersComeUp(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		h := newWatch()
		s := start(t, h.config(4), open(workers(t)))
		h.await(t, "full strength", h.full)
		select {
		case <-s.Ready():
		default:
			t.Error("full and not ready")
		}
		seen := map[string]bool{}
		for _, w := range s.Workers() {
			seen[w.ID()] = true
			if o := call(t, w, "echo", `{}`); o.Err != nil {
				t.Error(o.Err)
			}
		}
		if c := s.Condition(); len(seen) != 4 || c.Up != 4 || c.Size != 4 || !c.CanServe() || c.Failure != nil {
			t.Errorf("workers %v, condition %+v", seen, c)
		}
		stop(t, s)
		if c := s.Condition(); c.Phase != Stopped || len(s.Workers()) != 0 || c.CanServe() {
			t.Errorf("after the stop: %+v, %d workers", c, len(s.Workers()))
		}
		h.await(t, "every report", func() bool { return len(h.exits) == 4 && len(h.leaving) == 4 })
		for _, e := range h.exits {
			if !e.Expected() || !e.OK() {
				t.Errorf("exit = %+v", e)
			}
		}
	})
}

// CHK-106: a killed child returns with a new identity, same child count.
func TestALostWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		h := newWatch()
		s := start(t, h.config(3), open(workers(t)))
		h.await(t, "full strength", h.full)
		victim := h.latest()
		_ = syscall.Kill(victim.PID(), syscall.SIGKILL)
		h.await(t, "the replacement", func() bool { return len(h.up) == 4 && h.full() && len(h.exits) == 1 })
		if e := h.exits[0]; e.Worker != victim.ID() || e.Signal != syscall.SIGKILL || e.Expected() {
			t.Errorf("exit = %+v", e)
		}
		for _, w := range s.Workers() {
			if w.ID() == victim.ID() || w.PID() == victim.PID() {
				t.Errorf("the dead worker %s is still listed", w.ID())
			}
		}
	})
}

func TestARetiredWorkerIsReplacedBeforeItIsGone(t *testing.T) {
	t.Parallel()
	h := newWatch()
	start(t, h.config(1), worker.NewSpawner(workers(t)))
	h.await(t, "full strength", h.full)
	old := h.latest()
	release := begin(t, old, "heed", `{}`)
	old.Retire("old")
	h.await(t, "the replacement", func() bool { return len(h.up) == 2 && h.full() })
	select {
	case <-old.Done():
		t.Error("the old worker is gone although its call goes on")
	default:
	}
	old.Cancel(release, "canceled")
	h.await(t, "the old worker's end", func() bool { return len(h.exits) == 1 })
	if !h.exits[0].Expected() {
		t.Errorf("exit = %+v", h.exits[0])
	}
}

// flag is a file on which a command depends.
func flag(t *testing.T) string { return filepath.Join(t.TempDir(), "flag") }

// only makes workers that start only once the file exists.
func only(t *testing.T, file string) worker.Config {
	t.Helper()
	cfg := workers(t)
	path := filepath.Join(t.TempDir(), "command")
	text := "#!/bin/sh\ntest -e " + file + " && exec " + cfg.Command[0] + " \"$@\"\necho no licence for gizmo >&2\nexit 3\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil { //nolint:gosec // it has to be executable
		t.Fatal(err)
	}
	cfg.Command = []string{path}
	return cfg
}

func TestStartsThatFailMakeACrashLoopThatSaysWhyAndEnds(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		h := newWatch()
		file := flag(t)
		cfg := h.config(2)
		cfg.Pace = Pace{Failures: 3, Backoff: 10 * time.Millisecond, BackoffMax: 40 * time.Millisecond}
		start(t, cfg, open(only(t, file)))
		h.await(t, "the crash loop", func() bool { return h.opened() != nil })
		if c := h.crashLoop(); c.Failure.Code != fault.Unavailable || !strings.Contains(c.Failure.Details["stderr"], "no licence") || c.CanServe() {
			t.Errorf("condition = %+v", c)
		}
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		h.await(t, "full strength", h.full)
	})
}

func TestACommandThatDoesNotExistIsHopelessAtOnce(t *testing.T) {
	t.Parallel()
	h := newWatch()
	cfg := workers(t)
	cfg.Command = []string{"/no/such/python"}
	start(t, h.config(2), worker.NewForkServer(cfg))
	h.await(t, "the crash loop", func() bool { return h.opened() != nil })
	if n := len(h.conditions); n > 3 {
		t.Errorf("%d conditions before it was given up", n)
	}
}

func TestCallersAreToldSoonWhenNothingComesUp(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		h := newWatch()
		since := time.Now()
		start(t, h.config(1), open(only(t, flag(t))))
		h.await(t, "the crash loop", func() bool { return h.opened() != nil })
		if took := time.Since(since); took > 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

func TestWorkersThatDieBeforeTheirFirstCallMakeACrashLoop(t *testing.T) {
	t.Parallel()
	h := newWatch()
	cfg := h.config(1)
	cfg.Pace = Pace{Failures: 3, Backoff: 10 * time.Millisecond, BackoffMax: 20 * time.Millisecond, Decay: time.Hour}
	up := cfg.OnUp
	kills := 5
	cfg.OnUp = func(w *worker.Worker) {
		up(w)
		if kills > 0 {
			kills--
			_ = syscall.Kill(w.PID(), syscall.SIGKILL)
		}
	}
	start(t, cfg, worker.NewSpawner(workers(t)))
	h.await(t, "the crash loop", func() bool { return h.opened() != nil })
	h.await(t, "full strength", func() bool { return len(h.up) == 6 && h.full() })
	for _, c := range h.conditions {
		if c.Phase == Open && (c.Failure == nil || c.Failure.Details["signal"] != "SIGKILL") {
			t.Errorf("condition = %+v", c)
		}
	}
}

// Whoever sends calls that crash workers must not close the pool for others.
func TestWorkersThatDieOfCallsNeverMakeACrashLoop(t *testing.T) {
	t.Parallel()
	h := newWatch()
	cfg := h.config(1)
	cfg.Pace = Pace{Failures: 2, Decay: time.Hour, Backoff: time.Hour}
	start(t, cfg, worker.NewSpawner(workers(t)))
	for i := range 20 {
		h.await(t, "a worker", func() bool { return len(h.up) == i+1 })
		if o := call(t, h.latest(), "crash", `{}`); fault.CodeOf(o.Err) != fault.WorkerCrashed {
			t.Fatalf("outcome = %+v", o.Err)
		}
	}
	h.await(t, "full strength", func() bool { return len(h.up) == 21 && h.full() })
	for _, c := range h.conditions {
		if c.Phase == Open {
			t.Fatalf("condition = %+v", c)
		}
	}
}

func TestAForkServerThatIsKilledIsReplacedWithAllItsWorkers(t *testing.T) {
	t.Parallel()
	h := newWatch()
	source := worker.NewForkServer(workers(t))
	start(t, h.config(4), source)
	for round := range 3 {
		h.await(t, "full strength", func() bool { return len(h.up) == 4*(round+1) && h.full() && len(h.infos) == round+1 })
		_ = syscall.Kill(h.infos[round].PID, syscall.SIGKILL)
	}
	h.await(t, "full strength", func() bool { return len(h.up) == 16 && h.full() && len(h.exits) == 12 })
	for _, c := range h.conditions {
		if c.Phase == Open {
			t.Errorf("the death of the fork server was taken for a crash loop: %+v", c)
		}
	}
}

func TestAForkServerThatEndsAgainAndAgainIsACrashLoop(t *testing.T) {
	t.Parallel()
	h := newWatch()
	cfg := h.config(1)
	cfg.Pace = Pace{Failures: 3, Backoff: 10 * time.Millisecond, BackoffMax: 20 * time.Millisecond, Decay: time.Hour}
	start(t, cfg, worker.NewForkServer(workers(t)))
	for round := range 3 {
		h.await(t, "full strength", func() bool { return len(h.infos) == round+1 && h.full() })
		_ = syscall.Kill(h.infos[round].PID, syscall.SIGKILL)
	}
	h.await(t, "the crash loop", func() bool { return h.opened() != nil })
	if c := h.crashLoop(); !strings.Contains(c.Failure.Message, "SIGKILL") {
		t.Errorf("condition = %+v", c)
	}
	h.await(t, "full strength", func() bool { return len(h.infos) == 4 && h.full() })
}

func TestALazySupervisorStartsNothingUntilItIsNeeded(t *testing.T) {
	t.Parallel()
	h := newWatch()
	cfg := h.config(2)
	cfg.Lazy = true
	s := start(t, cfg, worker.NewForkServer(workers(t)))
	if c := s.Condition(); c.Phase != Idle || !c.CanServe() {
		t.Errorf("condition = %+v", c)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(s.Demand)
	}
	wg.Wait()
	h.await(t, "full strength", h.full)
	if len(h.infos) != 1 || len(h.up) != 2 {
		t.Errorf("%d starts of the source, %d workers", len(h.infos), len(h.up))
	}
}

func TestALazySupervisorMayBeStoppedUnused(t *testing.T) {
	t.Parallel()
	h := newWatch()
	cfg := h.config(2)
	cfg.Lazy = true
	s := start(t, cfg, worker.NewForkServer(workers(t)))
	stop(t, s)
	s.Demand()
	if len(h.up) != 0 || s.Condition().Phase != Stopped {
		t.Errorf("%d workers, %+v", len(h.up), s.Condition())
	}
}

func TestStartAndStopInAnyOrder(t *testing.T) {
	t.Parallel()
	ctx := testkit.Context(t, patience)
	s := New(Config{Size: 1}, worker.NewSpawner(workers(t)))
	stop(t, s)
	stop(t, s)
	if err := s.Start(ctx); fault.CodeOf(err) != fault.ShuttingDown {
		t.Errorf("Start after Stop: %v", err)
	}
	s = New(Config{Size: 1}, worker.NewSpawner(workers(t)))
	for range 2 {
		if err := s.Start(ctx); err != nil {
			t.Errorf("Start: %v", err)
		}
	}
	stop(t, s)
	stop(t, s)
}

func TestStartStopStorm(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		for range 15 {
			s := New(Config{Size: 2}, open(workers(t)))
			var wg sync.WaitGroup
			for i := range 4 {
				wg.Go(func() {
					_ = s.Start(context.Background()) // may come after the stop
					s.Demand()
				})
				wg.Go(func() {
					if i%2 == 0 {
						<-anyOf(s.Ready(), s.Done())
					}
					stop(t, s)
				})
			}
			wg.Wait()
			if c := s.Condition(); c.Phase != Stopped || len(s.Workers()) != 0 {
				t.Fatalf("after the storm: %+v, %d workers", c, len(s.Workers()))
			}
		}
	})
}

// anyOf is closed with the first of two channels.
func anyOf(a, b <-chan struct{}) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		defer close(out)
		select {
		case <-a:
		case <-b:
		}
	}()
	return out
}

func TestStopDuringTheStartIsQuick(t *testing.T) {
	t.Parallel()
	cfg := workers(t)
	path := filepath.Join(t.TempDir(), "silent")
	if err := os.WriteFile(path, []byte("#!/bin/sh\nexec sleep 1000\n"), 0o700); err != nil { //nolint:gosec // it has to be executable
		t.Fatal(err)
	}
	cfg.Command = []string{path}
	for name, open := range sources() {
		s := New(Config{Size: 2}, open(cfg))
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		since := time.Now()
		stop(t, s)
		if took := time.Since(since); took > 5*time.Second {
			t.Errorf("%s: stopping took %v", name, took)
		}
	}
}

func TestStopWithoutTimeKills(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(worker.Config) worker.Source) {
		h := newWatch()
		s := New(h.config(2), open(workers(t)))
		if err := s.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.await(t, "full strength", h.full)
		p := begin(t, h.latest(), "hang", `{}`)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		since := time.Now()
		if err := s.Stop(ctx); fault.CodeOf(err) != fault.Canceled {
			t.Errorf("Stop: %v", err)
		}
		if took := time.Since(since); took > 3*time.Second {
			t.Errorf("took %v", took)
		}
		if o := p.Outcome(); o.Err == nil || o.Err.Code != fault.ShuttingDown {
			t.Errorf("outcome = %+v", o.Err)
		}
	})
}

func TestStartsAndStopsLeakNoDescriptors(t *testing.T) { //nolint:paralleltest // counts descriptors
	for name, open := range sources() {
		round := func() {
			s := New(Config{Size: 2}, open(workers(t)))
			if err := s.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			<-s.Ready()
			stop(t, s)
		}
		round()
		before := descriptors(t)
		for range 100 {
			round()
		}
		if after := descriptors(t); after > before {
			t.Errorf("%s: %d descriptors before, %d after 100 rounds", name, before, after)
		}
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc/self/fd on this system")
	}
	return len(list)
}
