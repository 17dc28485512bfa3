package dspool_test

import (
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// brisk reacts within milliseconds.
func brisk(size, overflow int) dspool.Scale {
	return dspool.Scale{
		Max: size, Overflow: overflow, Interval: 5 * time.Millisecond, Window: 150 * time.Millisecond, WaitMax: 10 * time.Millisecond,
		Cooldown: 25 * time.Millisecond, OverflowLinger: 50 * time.Millisecond,
	}
}

// pressure is n calls that each take a place for ms milliseconds, over and over
// until the returned function is called. No call may fail.
func pressure(t *testing.T, pool *dspool.Pool, n int) (release func()) {
	t.Helper()
	quit := make(chan struct{})
	req := dspool.Request{Program: mock(t, "sleep"), Input: []byte(`{"ms":30}`)}
	var callers sync.WaitGroup
	for range n {
		callers.Go(func() {
			for {
				select {
				case <-quit:
					return
				default:
				}
				if _, err := pool.Call(testkit.Context(t, time.Minute), req); err != nil && fault.CodeOf(err) != fault.WorkerCrashed {
					t.Errorf("a call under pressure: %v", err)
					return
				}
			}
		})
	}
	return func() {
		close(quit)
		callers.Wait()
	}
}

// CHK-128: the size goes up with the load and down again without it.
func TestTheNumberOfWorkersFollowsTheLoad(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.WorkerConcurrency, c.Scale = 2, brisk(4, 0) })
	release := pressure(t, pool, 12)
	if ev := seen.await(t, dspool.PoolResized); ev.Workers != 2 || !strings.Contains(ev.Reason, "calls wait") {
		t.Errorf("resized %+v", ev)
	}
	until(t, "four workers serve", func() bool { return pool.Status().Serving == 4 })
	st := pool.Status()
	if st.Want != 4 || *st.Scale != (dspool.ScaleStatus{Min: 1, Max: 4, Size: 4}) || st.Capacity != 8 {
		t.Errorf("status %+v, scale %+v", st, st.Scale)
	}
	release()
	until(t, "one worker is left", func() bool { return pool.Status().Want == 1 && len(pool.Status().Workers) == 1 })
	if st := pool.Status().Totals; st.Crashes != 0 || st.Restarts != 0 || len(st.Errors) != 0 {
		t.Errorf("totals %+v", st)
	}
}

// CHK-26: overflow works: temporary workers above the size, gone when idle.
func TestOverflowWorkersHelpOutAndLeave(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.WorkerConcurrency, c.Scale = 2, brisk(0, 2) })
	until(t, "the worker serves", func() bool { return pool.Status().Serving == 1 })
	release := pressure(t, pool, 12)
	until(t, "three workers serve", func() bool { return pool.Status().Serving == 3 })
	if st := pool.Status(); st.Want != 3 || *st.Scale != (dspool.ScaleStatus{Min: 1, Max: 1, Size: 1, Overflow: 2, OverflowMax: 2}) {
		t.Errorf("want %d, scale %+v", st.Want, st.Scale)
	}
	release()
	until(t, "one worker is left", func() bool { return pool.Status().Want == 1 && len(pool.Status().Workers) == 1 })
	if ev := seen.await(t, dspool.WorkerRetired); !strings.Contains(ev.Reason, "fewer workers") {
		t.Errorf("retired %+v", ev)
	}
	if n := pool.Status().Totals.Crashes; n != 0 {
		t.Errorf("%d crashes", n)
	}
}

// CHK-12: a lazy pool starts what is needed, and no more while nothing happens.
func TestALazyPoolThatScalesDoesNotGrowByItself(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.Lazy, c.Workers, c.Scale = true, 2, brisk(6, 2) })
	if st := pool.Status(); len(st.Workers) != 0 || st.Want != 2 {
		t.Errorf("before the first call: %+v", st)
	}
	if _, err := pool.Call(testkit.Context(t, time.Minute), dspool.Request{Program: mock(t, "echo")}); err != nil {
		t.Fatal(err)
	}
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	<-time.After(200 * time.Millisecond) // 40 looks at the load
	stopPool(t, pool)
	starts := 0
	for _, ev := range seen.all(t) {
		if ev.Kind == dspool.WorkerStarting {
			starts++
		}
	}
	if starts != 2 {
		t.Errorf("%d workers were started", starts)
	}
}

func TestMistakesInScaleAreNamedWithTheirPath(t *testing.T) {
	t.Parallel()
	_, err := dspool.New(dspool.Config{Workers: 4, Command: testkit.Worker(t), Scale: dspool.Scale{
		Max: 3, Overflow: -1, Interval: -1, Window: -1, GrowAt: 0.5, ShrinkAt: 0.6, WaitMax: -1, Cooldown: -1, OverflowLinger: -1,
	}})
	wantFault(t, err, fault.InvalidArgument,
		"Config.Scale.Max: must not be less than Workers (4), got 3", "Config.Scale.Overflow", "Config.Scale.Interval", "Config.Scale.Window",
		"Config.Scale.ShrinkAt: must be above 0 and below GrowAt (0.5), got 0.6", "Config.Scale.WaitMax", "Config.Scale.Cooldown", "Config.Scale.OverflowLinger")
	_, err = dspool.NewSingle(dspool.Config{Scale: dspool.Scale{Max: 2}})
	wantFault(t, err, fault.InvalidArgument, "Config.Scale")
}

// CHK-130: the size goes up and down while workers are killed and generations
// change; in the end the count is right.
func TestAScaleStorm(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) {
		c.Workers, c.WorkerConcurrency, c.Restart.Failures, c.Scale = 2, 2, 1<<20, brisk(5, 2)
	})
	for end := time.Now().Add(stormTime()); time.Now().Before(end); {
		release := pressure(t, pool, 1+rand.IntN(24)) //nolint:gosec // a test
		for range 8 {
			<-time.After(20 * time.Millisecond)
			if ws := pool.Status().Workers; len(ws) > 0 {
				_ = syscall.Kill(ws[rand.IntN(len(ws))].PID, syscall.SIGKILL) //nolint:gosec // a test
			}
		}
		swapped(t, pool, dspool.Change{})
		if n := len(pool.Status().Workers); n > 3*7 {
			t.Errorf("%d workers", n)
		}
		release()
	}
	until(t, "two workers are left", func() bool {
		st := pool.Status()
		return st.Want == 2 && st.Serving == 2 && len(st.Workers) == 2 && st.InFlight == 0
	})
}

func TestStopWhileTheSizeChanges(t *testing.T) {
	t.Parallel()
	for range 10 {
		pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t), Workers: 1, WorkerConcurrency: 1, Scale: brisk(4, 2)})
		if err != nil {
			t.Fatal(err)
		}
		if err := pool.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		release := pressure(t, pool, 8)
		<-time.After(time.Duration(rand.IntN(80)) * time.Millisecond) //nolint:gosec // a test
		release()
		stopPool(t, pool)
		if st := pool.Status(); len(st.Workers) != 0 || st.Phase != dspool.PoolHasStopped {
			t.Errorf("%+v", st)
		}
	}
}
