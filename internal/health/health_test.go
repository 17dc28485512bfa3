package health_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/internal/health"
	"github.com/dspool/dspool/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// defaults are those of the pool.
func defaults() health.Config {
	return health.Config{
		Interval: time.Second, DegradedInterval: 500 * time.Millisecond, Timeout: time.Second,
		Failures: 3, BusyMax: time.Minute,
	}
}

// pass lets the bubble's clock run on.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

// A fake is a worker whose health the test decides.
type fake struct {
	mu      sync.Mutex
	silent  bool  // answers no ping
	deaf    bool  // answers no call
	tryErr  error // what the call fails with
	vitals  health.Vitals
	unknown bool // the system tells no vitals
	burns   bool // uses a whole processor
	calls   int
	leaving bool
	born    time.Time
	done    chan struct{}
	changed chan struct{} // closed and replaced by set
	told    []string
	results []health.Result
}

func newFake() *fake {
	return &fake{done: make(chan struct{}), changed: make(chan struct{}), born: time.Now()}
}

func (f *fake) set(change func(*fake)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change(f)
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *fake) answer(ctx context.Context, never func(*fake) bool) error {
	for {
		f.mu.Lock()
		silent, changed := never(f), f.changed
		f.mu.Unlock()
		if !silent {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (f *fake) Ping(ctx context.Context) (health.Pulse, error) {
	return health.Pulse{RSS: 7}, f.answer(ctx, func(f *fake) bool { return f.silent })
}

func (f *fake) Try(ctx context.Context) error {
	if err := f.answer(ctx, func(f *fake) bool { return f.silent || f.deaf }); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tryErr
}

func (f *fake) Vitals() (health.Vitals, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v := f.vitals
	if f.burns {
		v.CPU = time.Since(f.born)
	}
	return v, !f.unknown
}

func (f *fake) InFlight() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls
}

func (f *fake) Leaving() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.leaving
}

func (f *fake) Done() <-chan struct{} { return f.done }

func (f *fake) Checked(r health.Result) {
	f.set(func(f *fake) { f.results = append(f.results, r) })
}
func (f *fake) Degrade(reason string) { f.tell("degrade", reason) }
func (f *fake) Restore(reason string) { f.tell("restore", reason) }
func (f *fake) Replace(reason string) { f.tell("replace", reason) }
func (f *fake) GiveUp(reason string)  { f.tell("give up", reason) }

func (f *fake) tell(what, reason string) {
	f.set(func(f *fake) { f.told = append(f.told, what+": "+reason) })
}

// verdicts are what the worker was told, without the reasons.
func (f *fake) verdicts() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	words := make([]string, len(f.told))
	for i, t := range f.told {
		words[i], _, _ = strings.Cut(t, ":")
	}
	return strings.Join(words, ", ")
}

func (f *fake) wants(t *testing.T, verdicts string) {
	t.Helper()
	if got := f.verdicts(); got != verdicts {
		t.Fatalf("told %q, want %q: %q", got, verdicts, f.told)
	}
}

// watched runs a test in a bubble with a worker that is watched.
func watched(t *testing.T, cfg health.Config, f func(t *testing.T, s *fake, w *health.Watch)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m := health.New(cfg)
		defer m.Stop()
		s := newFake()
		f(t, s, m.Watch(s))
	})
}

// CHK-121, CHK-107: degraded after one failure, given up after three, in less
// than five seconds from the moment it froze, whenever that was.
func TestAFrozenWorkerIsFoundInFiveSeconds(t *testing.T) {
	t.Parallel()
	for offset := time.Duration(0); offset < 2*time.Second; offset += 100 * time.Millisecond {
		watched(t, defaults(), func(t *testing.T, s *fake, _ *health.Watch) {
			pass(offset)
			s.set(func(s *fake) { s.silent, s.calls, s.vitals.Stopped = true, 3, true })
			pass(2200 * time.Millisecond)
			s.wants(t, "degrade")
			pass(2100 * time.Millisecond)
			s.wants(t, "degrade, give up")
			pass(time.Minute)
			s.wants(t, "degrade, give up")
		})
	}
}

// CHK-107, CHK-121: one success restores.
func TestOneSuccessRestores(t *testing.T) {
	t.Parallel()
	watched(t, defaults(), func(t *testing.T, s *fake, w *health.Watch) {
		for range 5 {
			s.set(func(s *fake) { s.silent, s.told = true, nil })
			pass(2200 * time.Millisecond)
			s.wants(t, "degrade")
			if !w.Failing() {
				t.Error("a silent worker does not count as failing")
			}
			s.set(func(s *fake) { s.silent = false })
			pass(time.Millisecond) // the ping that is under way is answered
			s.wants(t, "degrade, restore")
			if w.Failing() {
				t.Error("a restored worker counts as failing")
			}
		}
	})
}

func TestABusyWorkerIsNotGivenUp(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*fake)
		want   string
	}{
		{"a call burns the processor and holds the interpreter", func(s *fake) { s.silent, s.burns, s.calls = true, true, 1 }, "degrade"},
		{"its process waits for a processor", func(s *fake) { s.silent, s.vitals.Waiting = true, true }, "degrade"},
		{"it answers pings but has no time for the call", func(s *fake) { s.deaf, s.calls = true, 16 }, "degrade"},
		{"it burns the processor for nobody", func(s *fake) { s.silent, s.burns = true, true }, "degrade, give up"},
		{"it sleeps and holds the interpreter", func(s *fake) { s.silent, s.calls = true, 1 }, "degrade, give up"},
		{"nobody tells what it does", func(s *fake) { s.silent, s.calls, s.unknown = true, 1, true }, "degrade, give up"},
		{"it has no calls and does not answer this one", func(s *fake) { s.deaf = true }, "degrade, replace"},
		{"its answer is an error", func(s *fake) { s.calls, s.tryErr = 16, errors.New("no model") }, "degrade, replace"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			watched(t, defaults(), func(t *testing.T, s *fake, _ *health.Watch) {
				pass(1500 * time.Millisecond)
				s.set(tt.change)
				pass(4200 * time.Millisecond)
				if got := s.verdicts(); !strings.HasPrefix(got, tt.want) {
					t.Errorf("told %q, want %q: %q", got, tt.want, s.told)
				}
				if strings.Count(tt.want, ",") == 0 {
					pass(50 * time.Second)
					s.wants(t, tt.want)
					pass(20 * time.Second)
					if got := s.verdicts(); got == tt.want {
						t.Errorf("still only %q after more than BusyMax", got)
					}
				}
			})
		})
	}
}

func TestWithoutBusyMaxABusyWorkerMayGoOnForEver(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.BusyMax = 0
	watched(t, cfg, func(t *testing.T, s *fake, _ *health.Watch) {
		s.set(func(s *fake) { s.silent, s.burns, s.calls = true, true, 1 })
		pass(time.Hour)
		s.wants(t, "degrade")
	})
}

func TestABusyWorkerThatThenFreezesIsGivenUp(t *testing.T) {
	t.Parallel()
	watched(t, defaults(), func(t *testing.T, s *fake, _ *health.Watch) {
		s.set(func(s *fake) { s.silent, s.burns, s.calls = true, true, 1 })
		pass(20 * time.Second)
		s.wants(t, "degrade")
		s.set(func(s *fake) { s.burns, s.vitals.CPU = false, time.Since(s.born) })
		pass(4500 * time.Millisecond)
		s.wants(t, "degrade, give up")
	})
}

func TestAWorkerThatLivesButIsNotReadyIsReplacedAgainAndAgain(t *testing.T) {
	t.Parallel()
	watched(t, defaults(), func(t *testing.T, s *fake, _ *health.Watch) {
		s.set(func(s *fake) { s.tryErr = errors.New("no model") })
		pass(10 * time.Second) // the order may have failed, so it is told again
		s.mu.Lock()
		defer s.mu.Unlock()
		if len(s.told) < 3 || !strings.Contains(s.told[1], "3 checks in a row failed") || !strings.Contains(s.told[1], "no model") {
			t.Errorf("told %q", s.told)
		}
	})
}

// A worker that drains is still pinged, so that its last calls cannot hang, but
// no call is tried on it.
func TestALeavingWorkerIsOnlyPinged(t *testing.T) {
	t.Parallel()
	watched(t, defaults(), func(t *testing.T, s *fake, _ *health.Watch) {
		s.set(func(s *fake) { s.leaving, s.tryErr = true, errors.New("it takes no calls") })
		pass(5 * time.Second)
		s.wants(t, "")
		s.set(func(s *fake) { s.silent = true })
		pass(4500 * time.Millisecond)
		if got := s.verdicts(); !strings.HasSuffix(got, "give up") {
			t.Errorf("told %q", got)
		}
	})
}

func TestAWatchEndsWithItsWorker(t *testing.T) {
	t.Parallel()
	watched(t, defaults(), func(t *testing.T, s *fake, _ *health.Watch) {
		pass(3 * time.Second)
		close(s.done)
		pass(time.Second)
		n := len(s.results)
		pass(time.Minute)
		if len(s.results) != n {
			t.Errorf("%d checks of a worker that is gone", len(s.results)-n)
		}
	})
}

// One slow worker delays no other: each is checked on its own.
func TestWorkersAreCheckedInParallel(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := health.New(defaults())
		defer m.Stop()
		all := make([]*fake, 20)
		for i := range all {
			all[i] = newFake()
			all[i].silent = i%2 == 0
			m.Watch(all[i])
		}
		pass(10 * time.Second)
		var firsts []time.Time
		for i, s := range all {
			if i%2 == 1 {
				if n := len(s.results); n < 9 || n > 11 {
					t.Errorf("a healthy worker was checked %d times in 10 s", n)
				}
				s.wants(t, "")
				firsts = append(firsts, s.results[0].At)
			}
		}
		slices.SortFunc(firsts, time.Time.Compare)
		if len(slices.CompactFunc(firsts, time.Time.Equal)) < 5 {
			t.Errorf("the workers are checked at the same moments: %v", firsts)
		}
	})
}

// CHK-107, CHK-60: a check can be asked for at any time, and counts.
func TestACheckOnDemandCountsUnlessItIsCutShort(t *testing.T) {
	t.Parallel()
	cfg := defaults()
	cfg.Interval = 0 // none but those
	watched(t, cfg, func(t *testing.T, s *fake, w *health.Watch) {
		if r := w.Check(t.Context()); r.Err != nil || !r.Alive || r.Pulse.RSS != 7 {
			t.Errorf("%+v", r)
		}
		s.set(func(s *fake) { s.silent = true })
		short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if r := w.Check(short); r.Err == nil {
			t.Error("a check that had no time passed")
		}
		s.wants(t, "")
		for range 3 {
			w.Check(t.Context())
		}
		s.wants(t, "degrade, give up")
		w.Check(t.Context())
		if len(s.results) != 4 {
			t.Errorf("%d checks counted, want 4", len(s.results))
		}
	})
}

func TestNothingIsWatchedAfterStop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := health.New(defaults())
		s := newFake()
		m.Watch(s)
		m.Stop()
		m.Stop()
		m.Watch(newFake())
		pass(time.Minute)
		if len(s.results) != 0 {
			t.Errorf("%d checks after the stop", len(s.results))
		}
	})
}

// CHK-107: the numbers of checks.
func TestRecord(t *testing.T) {
	t.Parallel()
	var r health.Record
	if got := r.Tally(); got.SuccessRate() != 100 || got.Average != 0 {
		t.Errorf("without checks: %+v, %v %%", got, got.SuccessRate())
	}
	bad := health.Result{Err: errors.New("silent"), Took: time.Hour}
	r.Add(bad)
	r.Add(health.Result{Took: time.Second, Alive: true, Pulse: health.Pulse{RSS: 5}})
	if got := r.Tally(); got.SuccessRate() != 50 || got.Row != 0 || got.Average != time.Second || got.LastError != "silent" || got.Pulse.RSS != 5 {
		t.Errorf("after one of each: %+v, %v %%", got, got.SuccessRate())
	}
	var failing health.Record
	for range 3 {
		failing.Add(bad)
	}
	if got := failing.Tally(); got.SuccessRate() != 0 || got.Row != 3 || got.Failures != 3 {
		t.Errorf("after three failures: %+v", got)
	}
	for range 100 {
		r.Add(health.Result{Took: 3 * time.Second})
	}
	if got := r.Tally(); got.Average != 3*time.Second || got.Checks != 102 {
		t.Errorf("the average is not that of the last hundred: %+v", got)
	}
}

// CHK-121: what ends a worker's time, and what does not.
func TestLimits(t *testing.T) {
	t.Parallel()
	all := health.Limits{Calls: 10, Errors: 5, Age: time.Hour, Idle: time.Minute, Memory: 100}
	tests := []struct {
		limits health.Limits
		use    health.Use
		want   health.Cause
	}{
		{health.Limits{}, health.Use{Calls: 1 << 40, Errors: 99, Age: 1 << 60, Idle: 1 << 60, Memory: 1 << 60}, health.None},
		{all, health.Use{Calls: 9, Errors: 4, Age: time.Hour - 1, Idle: time.Minute - 1, Memory: 99}, health.None},
		{all, health.Use{Calls: 10}, health.ByCalls},
		{all, health.Use{Age: time.Hour}, health.ByAge},
		{all, health.Use{Idle: time.Minute}, health.ByIdle},
		{all, health.Use{Memory: 100, Calls: 10}, health.ByMemory},
		{all, health.Use{Errors: 5, Memory: 100}, health.ByErrors},
	}
	for _, tt := range tests {
		if got := tt.limits.Reached(tt.use); got != tt.want {
			t.Errorf("%+v with %+v: %q, want %q", tt.limits, tt.use, got, tt.want)
		}
	}
}

func TestLimitsAreSpreadDownwards(t *testing.T) {
	t.Parallel()
	all := health.Limits{Calls: 10, Errors: 5, Age: time.Hour, Idle: time.Minute, Memory: 100}
	if got := all.Spread(0.2, 0); got != all {
		t.Errorf("%+v", got)
	}
	want := health.Limits{Calls: 9, Errors: 5, Age: 54 * time.Minute, Idle: 54 * time.Second, Memory: 100}
	if got := all.Spread(0.2, 0.5); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := (health.Limits{Calls: 1}).Spread(1, 0.999); got.Calls != 1 {
		t.Errorf("%+v: a limit of one call became none", got)
	}
	if got := (health.Limits{}).Spread(1, 0.5); got != (health.Limits{}) {
		t.Errorf("%+v: limits out of nothing", got)
	}
}

func ExampleLimits_Reached() {
	limits := health.Limits{Calls: 1000}
	fmt.Println(limits.Reached(health.Use{Calls: 1000}))
	// Output: calls
}
