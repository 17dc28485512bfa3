package history_test

import (
	"context"
	"math"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/history"
	"github.com/dspool/dspool/internal/testkit"
)

// A source has the numbers that a test gives it.
type source struct {
	mu    sync.Mutex
	stats dspool.Stats
}

func (s *source) Stats() dspool.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Totals.Errors = map[fault.Code]int64{fault.ProgramError: s.stats.Totals.Errors[fault.ProgramError]}
	return st
}

// calls lets calls end.
func (s *source) calls(succeeded, failed int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Totals.Succeeded += succeeded
	if s.stats.Totals.Errors == nil {
		s.stats.Totals.Errors = map[fault.Code]int64{}
	}
	s.stats.Totals.Errors[fault.ProgramError] += failed
}

func busyPool() *source {
	return &source{stats: dspool.Stats{Status: dspool.Status{
		Serving: 3, Utilisation: 0.5, Queue: dspool.QueueStatus{Length: 7},
		Workers: []dspool.WorkerStatus{
			{State: dspool.WorkerStateBusy, InFlight: 4},
			{State: dspool.WorkerStateReady},
			{State: dspool.WorkerStateReady},
			{State: dspool.WorkerStateDraining, InFlight: 1},
			{State: dspool.WorkerStateInitializing},
		},
	}}}
}

// record starts a Recorder in a bubble and lets its first reading pass.
func record(t *testing.T, s history.Source) *history.Recorder {
	t.Helper()
	rec, err := history.New(s, history.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
	return rec
}

func stop(t *testing.T, rec *history.Recorder) {
	t.Helper()
	if err := rec.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func near(a, b float64) bool { return math.Abs(a-b) < 1e-9 }

// CHK-127
func TestASampleTellsOfOneSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := busyPool()
		rec := record(t, s)
		defer stop(t, rec)
		if _, ok := rec.Last(); ok {
			t.Error("there is a sample before a second has passed")
		}
		s.calls(90, 10)
		<-time.After(time.Second)
		synctest.Wait()
		got, ok := rec.Last()
		if !ok {
			t.Fatal("no sample after a second")
		}
		want := history.Sample{
			At: time.Now(), Step: time.Second, PoolSize: 5, ActiveWorkers: 2, IdleWorkers: 2, QueueDepth: 7,
			Utilization: 0.5, Throughput: 100, ErrorRate: 0.1, HealthScore: 0.5,
		}
		if !got.At.Equal(want.At) {
			t.Errorf("at %v, want %v", got.At, want.At)
		}
		got.At, want.At = time.Time{}, time.Time{}
		if got != want {
			t.Errorf("got %+v\nwant %+v", got, want)
		}
		<-time.After(time.Second)
		synctest.Wait()
		if quiet, _ := rec.Last(); quiet.Throughput != 0 || quiet.ErrorRate != 0 || !near(quiet.HealthScore, 1) {
			t.Errorf("a quiet second: %+v", quiet)
		}
	})
}

// CHK-127
func TestAnHourIsKeptInBoundedMemory(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := busyPool()
		rec := record(t, s)
		defer stop(t, rec)
		<-time.After(time.Second / 2) // calls end between the readings
		for range 2 * 3600 {
			s.calls(9, 1)
			<-time.After(time.Second)
		}
		synctest.Wait()
		for _, c := range []struct {
			window, step time.Duration
			samples      int
		}{
			{time.Minute, time.Second, 60},
			{5 * time.Minute, time.Second, 300},
			{15 * time.Minute, 5 * time.Second, 180},
			{time.Hour, 20 * time.Second, 180},
			{time.Hour, 20 * time.Second, 180},
			{24 * time.Hour, 20 * time.Second, 180}, // no more than there is
		} {
			v := rec.View(c.window)
			if v.Step != c.step || len(v.Samples) != c.samples {
				t.Errorf("%v: %d samples of %v, want %d of %v", c.window, len(v.Samples), v.Step, c.samples, c.step)
				continue
			}
			var calls float64
			for i, sample := range v.Samples {
				if sample.Step != c.step || i > 0 && sample.At.Sub(v.Samples[i-1].At) != c.step {
					t.Fatalf("%v: sample %d at %v, %v long", c.window, i, sample.At, sample.Step)
				}
				if !near(sample.Throughput, 10) || !near(sample.ErrorRate, 0.1) || !near(sample.QueueDepth, 7) {
					t.Fatalf("%v: sample %d is %+v", c.window, i, sample)
				}
				calls += sample.Throughput * sample.Step.Seconds()
			}
			if want := 10 * min(c.window, time.Hour).Seconds(); !near(calls, want) {
				t.Errorf("%v: %v calls, want %v", c.window, calls, want)
			}
		}
	})
}

// CHK-127
func TestTheHealthScoreFollowsItsFormula(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		utilisation       float64
		serving           int
		succeeded, failed int64
		want              float64
	}{
		"idle":            {0, 1, 0, 0, 1},
		"busy":            {0.8, 1, 100, 0, 1},
		"nearly full":     {0.9, 1, 100, 0, 0.85},
		"full":            {1, 1, 100, 0, 0.7},
		"few errors":      {0.5, 1, 999, 1, 1},
		"every 20th":      {0.5, 1, 95, 5, 0.5 + 0.5*(0.1-0.05)/(0.1-0.001)},
		"every 10th":      {0.5, 1, 90, 10, 0.5},
		"full of errors":  {1, 1, 0, 10, 0.2},
		"nobody at work":  {0, 0, 0, 0, 0},
		"nothing but bad": {0, 0, 0, 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := &source{stats: dspool.Stats{Status: dspool.Status{Serving: c.serving, Utilisation: c.utilisation}}}
				rec := record(t, s)
				defer stop(t, rec)
				s.calls(c.succeeded, c.failed)
				<-time.After(time.Second)
				synctest.Wait()
				if got, _ := rec.Last(); !near(got.HealthScore, c.want) {
					t.Errorf("score %v, want %v", got.HealthScore, c.want)
				}
			})
		})
	}
}

func TestARecorderStartsAndStopsAsOftenAsAsked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		rec, err := history.New(busyPool(), history.Config{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := rec.Start(t.Context()); err != nil {
				t.Error(err)
			}
		}
		<-time.After(3 * time.Second)
		synctest.Wait()
		for range 2 {
			stop(t, rec)
		}
		if err := rec.Start(t.Context()); fault.CodeOf(err) != fault.ShuttingDown {
			t.Errorf("Start after Stop: %v", err)
		}
		if n := len(rec.View(time.Minute).Samples); n != 3 {
			t.Errorf("%d samples after the stop, want 3", n)
		}
		never, err := history.New(busyPool(), history.Config{})
		if err != nil {
			t.Fatal(err)
		}
		stop(t, never)
	})
}

func TestABadConfigurationIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := history.New(nil, history.Config{}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("no source: %v", err)
	}
	if _, err := history.New(busyPool(), history.Config{WaitTarget: -1}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a negative target: %v", err)
	}
}

// CHK-127: over a real pool, with the latencies that the pool has counted.
func TestAPoolsOwnSecondIsRecorded(t *testing.T) {
	t.Parallel()
	pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t), Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, time.Minute)
	if err := pool.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Stop(context.Background()) })
	if err := pool.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	turn := &turned{Source: pool, read: make(chan struct{}, 8)}
	rec, err := history.New(turn, history.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := rec.Start(ctx); err != nil {
		t.Fatal(err)
	}
	<-turn.read
	spec, err := dspool.NewFunc("mock:echo")
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if _, err := pool.Call(ctx, dspool.Request{Program: spec}); err != nil {
			t.Fatal(err)
		}
	}
	<-turn.read // the second that had the calls
	stop(t, rec)
	v := rec.View(time.Minute)
	var ended float64
	var slowest time.Duration
	for _, s := range v.Samples {
		ended += s.Throughput * s.Step.Seconds()
		slowest = max(slowest, s.P99Latency)
	}
	if math.Round(ended) != 10 || slowest <= 0 {
		t.Errorf("%v calls ended, the slowest took %v: %+v", ended, slowest, v)
	}
}

// turned tells of each reading.
type turned struct {
	history.Source
	read chan struct{}
}

func (t *turned) Stats() dspool.Stats {
	st := t.Source.Stats()
	select {
	case t.read <- struct{}{}:
	default:
	}
	return st
}
