package dspool_test

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// warmUp has each worker sleep and echo first.
func warmUp(t *testing.T) []dspool.Request {
	t.Helper()
	return []dspool.Request{
		{Program: mock(t, "sleep"), Input: []byte(`{"ms":20}`)},
		{Program: mock(t, "echo"), Input: []byte(`{"text":"warm"}`)},
	}
}

// CHK-32, CHK-118, CHK-128: each worker is warmed, all at once, one after the
// other or a third at a time, and takes no call before.
func TestEachWorkerIsWarmedBeforeItTakesCalls(t *testing.T) {
	t.Parallel()
	for strategy, most := range map[dspool.WarmStrategy]int{
		"": 6, dspool.WarmParallel: 6, dspool.WarmSequential: 1, dspool.WarmStaged: 2,
	} {
		t.Run("strategy "+string(strategy), func(t *testing.T) {
			t.Parallel()
			pool, seen := recorded(t, func(c *dspool.Config) {
				c.Workers, c.Prewarm = 6, dspool.Prewarm{Strategy: strategy, Requests: warmUp(t)}
			})
			report, err := pool.WaitWarm(testkit.Context(t, time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			st := pool.Status()
			if st.Serving != 6 || st.Totals.Calls != 0 || report.Took <= 0 || len(report.Workers) != 6 {
				t.Errorf("%d serve, %d calls, report %+v", st.Serving, st.Totals.Calls, report)
			}
			for _, w := range report.Workers {
				if w.Err != nil || !w.Taken || w.Took < 20*time.Millisecond || w.Start <= 0 || w.Worker == "" {
					t.Errorf("worker %+v", w)
				}
			}
			stopPool(t, pool)
			starting, peak, warmed := 0, 0, map[string]bool{}
			for _, ev := range seen.all(t) {
				switch ev.Kind {
				case dspool.WorkerStarting:
					starting++
					peak = max(peak, starting)
				case dspool.WorkerWarmed:
					warmed[ev.Worker] = ev.Err == nil
					starting--
				case dspool.WorkerReady:
					if !warmed[ev.Worker] {
						t.Errorf("%s took calls before it was warm", ev.Worker)
					}
				case dspool.PoolWarmed:
					if ev.Took != report.Took || len(warmed) != 6 {
						t.Errorf("pool warmed %+v with %d warm workers", ev, len(warmed))
					}
				}
			}
			if peak > most {
				t.Errorf("%d workers started at once, want at most %d", peak, most)
			}
		})
	}
}

func TestAReplacementIsWarmedToo(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.Prewarm.Requests = warmUp(t) })
	first := seen.await(t, dspool.WorkerReady)
	seen.await(t, dspool.PoolWarmed)
	kill(t, first.PID)
	second := seen.await(t, dspool.WorkerWarmed)
	if ready := seen.await(t, dspool.WorkerReady); second.Worker == first.Worker || second.Worker != ready.Worker || ready.Took < second.Took {
		t.Errorf("warmed %+v, ready %+v", second, ready)
	}
	if _, err := pool.Call(testkit.Context(t, time.Minute), dspool.Request{Program: mock(t, "echo")}); err != nil {
		t.Error(err)
	}
}

func TestAFailedWarmUpGoesByTheRule(t *testing.T) {
	t.Parallel()
	requests := map[string]dspool.Request{
		"an error":      {Program: mock(t, "fail"), Input: []byte(`{"code":"program_error","message":"no model"}`)},
		"too slow":      {Program: mock(t, "sleep"), Input: []byte(`{"ms":60000}`)},
		"never heeding": {Program: mock(t, "hang")},
	}
	for name, req := range requests {
		for _, required := range []bool{false, true} {
			rule := map[bool]string{false: "taken", true: "required"}[required]
			t.Run(name+", "+rule, func(t *testing.T) {
				t.Parallel()
				pool, seen := recorded(t, func(c *dspool.Config) {
					c.Workers, c.Restart, c.CancelGrace = 2, quick(), time.Second
					c.Prewarm = dspool.Prewarm{Requests: []dspool.Request{req}, Timeout: 100 * time.Millisecond, Required: required}
				})
				report, err := pool.WaitWarm(testkit.Context(t, time.Minute))
				ev := seen.await(t, dspool.WorkerWarmed)
				if len(report.Workers) == 0 || ev.Err == nil || !strings.Contains(ev.Err.Message, "Config.Prewarm.Requests[0]") {
					t.Fatalf("report %+v, event %+v", report, ev)
				}
				for _, w := range report.Workers {
					if w.Err == nil || w.Taken == required {
						t.Errorf("worker %+v", w)
					}
				}
				if !required {
					if err != nil || pool.Status().Serving != 2 {
						t.Errorf("WaitWarm: %v, %d serve", err, pool.Status().Serving)
					}
					return
				}
				wantCode(t, err, fault.Unavailable, fault.StartedNo)
				if st := pool.Stats(); st.Serving != 0 || st.Ended.Stillborn == 0 || st.Totals.Crashes != 0 {
					t.Errorf("%d serve, ended %+v, totals %+v", st.Serving, st.Ended, st.Totals)
				}
			})
		}
	}
}

// A worker that does not survive its warm-up is never taken, and its like are
// not started without a pause.
func TestAWarmUpThatKillsItsWorkerMakesACrashLoop(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		c.Restart, c.Prewarm.Requests = quick(), []dspool.Request{{Program: mock(t, "crash")}}
	})
	_, err := pool.WaitWarm(testkit.Context(t, time.Minute))
	wantCode(t, err, fault.Unavailable, fault.StartedNo)
	seen.await(t, dspool.WorkerFailed)
	seen.await(t, dspool.CrashLoopOpened)
	if n := len(pool.Status().Workers); n != 0 {
		t.Errorf("%d workers", n)
	}
}

// CHK-34, CHK-39: without a warm-up it waits for full strength.
func TestWaitWarmWithoutAWarmUp(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers, c.Lazy = 3, true })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if report, err := pool.WaitWarm(gone); fault.CodeOf(err) != fault.Canceled || report.Took != 0 {
		t.Errorf("%+v, %v", report, err)
	}
	report, err := pool.WaitWarm(testkit.Context(t, time.Minute))
	if err != nil || len(report.Workers) != 3 || report.Took <= 0 || pool.Status().Serving != 3 {
		t.Errorf("%+v, %v", report, err)
	}
	stopPool(t, pool)
	_, err = pool.WaitWarm(t.Context())
	wantCode(t, err, fault.ShuttingDown, fault.StartedNo)
}

func TestStopDuringAWarmUp(t *testing.T) {
	t.Parallel()
	for range 10 {
		pool := mockPool(t, func(c *dspool.Config) {
			c.Prewarm = dspool.Prewarm{Requests: []dspool.Request{{Program: mock(t, "heed")}}, Strategy: dspool.WarmSequential}
		})
		<-time.After(time.Duration(rand.IntN(60)) * time.Millisecond) //nolint:gosec // a test
		began := time.Now()
		stopPool(t, pool)
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("Stop took %s", took)
		}
	}
}

func TestMistakesInPrewarmAreNamedWithTheirPath(t *testing.T) {
	t.Parallel()
	typed, err := dspool.NewPredict("question: str -> answer: str", "Answer.")
	if err != nil {
		t.Fatal(err)
	}
	_, err = dspool.New(dspool.Config{Command: testkit.Worker(t), Prewarm: dspool.Prewarm{
		Strategy: "fast", Timeout: -1, Requests: []dspool.Request{{}, {Program: typed, Input: []byte(`{"q":1}`)}, {Program: mock(t, "echo"), Session: "s"}},
	}})
	wantFault(t, err, fault.InvalidArgument, `Config.Prewarm.Strategy: must be one of`, "Config.Prewarm.Timeout",
		"Config.Prewarm.Requests[0].Program: must be set", "Config.Prewarm.Requests[1].Input", "Config.Prewarm.Requests[2].Session")
	_, err = dspool.New(dspool.Config{Command: testkit.Worker(t), Prewarm: dspool.Prewarm{Requests: []dspool.Request{{Program: typed, LM: "big", Input: []byte(`{"question":"?"}`)}}}})
	wantFault(t, err, fault.InvalidArgument, "Config.Prewarm.Requests[0]", "big")
}
