package dspool_test

import (
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// busily keeps callers busy until enough says so, and returns how many calls
// were made. None may fail.
func busily(t *testing.T, pool *dspool.Pool, req dspool.Request, enough func() bool) int64 {
	t.Helper()
	ctx := testkit.Context(t, 2*time.Minute)
	var made atomic.Int64
	var callers sync.WaitGroup
	for range 16 {
		callers.Go(func() {
			for !enough() && ctx.Err() == nil {
				if _, err := pool.Call(ctx, req); err != nil {
					t.Errorf("a call failed: %v", err)
					return
				}
				made.Add(1)
			}
		})
	}
	callers.Wait()
	return made.Load()
}

// recycling has a pool replace its workers again and again under load: no call
// fails, and there are never fewer workers in service than there should be.
func recycling(t *testing.T, pool *dspool.Pool, seen *recorder, req dspool.Request) {
	t.Helper()
	want := pool.Status().Want
	waitStart(t, pool)
	until(t, "full strength", func() bool { return pool.Status().Serving == want })
	least := atomic.Int64{}
	least.Store(int64(want))
	made := busily(t, pool, req, func() bool {
		st := pool.Status()
		for now, was := int64(st.Serving), least.Load(); now < was && !least.CompareAndSwap(was, now); was = least.Load() {
		}
		return st.Totals.RestartsBy[dspool.ByCalls] >= 6
	})
	st := pool.Status()
	if least.Load() < int64(want) || st.Totals.Crashes != 0 || len(st.Totals.Errors) != 0 {
		t.Errorf("between %d and %d workers in service, %+v", least.Load(), want, st.Totals)
	}
	ev := seen.await(t, dspool.WorkerRecycled)
	if ev.Restart != dspool.ByCalls || !strings.Contains(ev.Reason, "calls") || ev.Took <= 0 || ev.Worker == "" {
		t.Errorf("%+v", ev)
	}
	t.Logf("%d calls, %d workers replaced", made, st.Totals.RestartsBy[dspool.ByCalls])
}

// CHK-121: the pool's size is kept during recycling, and no call is killed.
func TestRecyclingMockWorkersUnderLoadFailsNoCall(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.Workers, c.Recycle.Calls, c.Health.Interval = 3, 200, -1 })
	recycling(t, pool, seen, dspool.Request{Program: mock(t, "sleep"), Input: []byte(`{"ms":1}`)})
}

// CHK-121
func TestRecyclingPythonWorkersUnderLoadFailsNoCall(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		c.Command, c.Python, c.Workers, c.Path, c.Recycle.Calls = nil, testkit.Python(t), 2, []string{"testdata/misbehaviour"}, 300
		c.Health.Interval = -1
	})
	recycling(t, pool, seen, request(t, "good:wait", `{"seconds":0.002}`))
}

// CHK-121: every limit ends a worker's time, and says so.
func TestEachLimitRecyclesAWorker(t *testing.T) {
	t.Parallel()
	call := func(name, input string) dspool.Request {
		return dspool.Request{Program: mock(t, name), Input: []byte(input)}
	}
	tests := []struct {
		reason  dspool.RestartReason
		recycle dspool.Recycle
		req     dspool.Request
		code    fault.Code
		says    string
	}{
		{dspool.ByAge, dspool.Recycle{Age: 10 * time.Millisecond}, call("echo", `{}`), "", "old"},
		{dspool.ByIdle, dspool.Recycle{Idle: 10 * time.Millisecond}, call("echo", `{}`), "", "nothing to do"},
		{dspool.ByMemory, dspool.Recycle{Memory: 1 << 20}, call("grow", `{"bytes":2097152}`), "", "MiB of memory"},
		{dspool.ByErrors, dspool.Recycle{Errors: 3}, call("fail", `{"code":"program_error","message":"no"}`), fault.ProgramError, "3 calls in a row failed"},
		{dspool.ByCalls, dspool.Recycle{Calls: 3, Jitter: -1}, call("echo", `{}`), "", "3 calls"},
	}
	for _, tt := range tests {
		t.Run(string(tt.reason), func(t *testing.T) {
			t.Parallel()
			pool, seen := recorded(t, func(c *dspool.Config) {
				sick(c)
				c.Health.Timeout, c.Recycle = time.Second, tt.recycle
			})
			first := seen.await(t, dspool.WorkerReady)
			for range 3 {
				_, err := pool.Call(testkit.Context(t, time.Minute), tt.req)
				if fault.CodeOf(err) != tt.code {
					t.Fatal(err)
				}
			}
			ev := seen.await(t, dspool.WorkerRecycled)
			if ev.Restart != tt.reason || !strings.Contains(ev.Reason, tt.says) || ev.Worker != first.Worker {
				t.Errorf("%+v", ev)
			}
			st := pool.Status()
			if st.Serving != 1 || st.Totals.RestartsBy[tt.reason] == 0 || st.Totals.Crashes != 0 {
				t.Errorf("%d serving, %+v", st.Serving, st.Totals)
			}
		})
	}
}

func TestFailuresOfCallersAndLanguageModelsDoNotCountAgainstAWorker(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.Recycle.Errors = 2 })
	first := seen.await(t, dspool.WorkerReady)
	ctx := testkit.Context(t, time.Minute)
	inputs := []string{
		`{"code":"lm_rate_limit","message":"no"}`, `{"code":"invalid_argument","message":"no"}`, `{"code":"program_error","message":"no"}`,
		`{"code":"not_found","message":"no"}`,
	}
	for range 5 {
		for _, in := range inputs {
			if _, err := pool.Call(ctx, dspool.Request{Program: mock(t, "fail"), Input: []byte(in)}); err == nil {
				t.Fatal("it did not fail")
			}
		}
		if _, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo")}); err != nil {
			t.Fatal(err)
		}
	}
	if w := pool.Status().Workers; len(w) != 1 || w[0].ID != first.Worker {
		t.Errorf("%+v", w)
	}
}

// A fork server that is stopped carries out no order. The pool gives it up when
// the first one is overdue, and is whole again.
func TestAFrozenForkServerIsReplacedWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		c.Command, c.Python, c.Start, c.Workers, c.StartTimeout = nil, testkit.Python(t), dspool.ForkServer, 2, 25*time.Second
		c.Path = []string{"testdata/misbehaviour"}
	})
	waitStart(t, pool)
	until(t, "full strength", func() bool { return pool.Status().Serving == 2 })
	st := pool.Status()
	signal(t, st.ForkServerPID, syscall.SIGSTOP)
	ctx := testkit.Context(t, time.Minute)
	if _, err := pool.Call(ctx, request(t, "good:echo", `{"text":"a"}`)); err != nil {
		t.Errorf("a call that needs no fork: %v", err)
	}
	kill(t, st.Workers[0].PID)
	began := time.Now()
	if c := seen.condition(t, dspool.ConditionRaised, dspool.SourceRestarted); c.Severity != dspool.SeverityInfo {
		t.Errorf("%+v", c)
	}
	seen.await(t, dspool.WorkerReady)
	until(t, "full strength again", func() bool { return pool.Status().Serving == 2 })
	t.Logf("whole after %s", time.Since(began))
	if resp, err := pool.Call(ctx, request(t, "good:echo", `{"text":"a"}`)); err != nil || string(resp.Output) != `"a"` {
		t.Errorf("%s, %v", resp.Output, err)
	}
	if now := pool.Status().ForkServerPID; now == st.ForkServerPID || now == 0 {
		t.Errorf("the fork server is still %d", now)
	}
}
