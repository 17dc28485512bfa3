package dspool_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// stormTime is how long storms blow: 3 s, 1 s with -short, or 20 s with
// DSPOOL_SLOW set.
func stormTime() time.Duration {
	switch {
	case os.Getenv("DSPOOL_SLOW") != "":
		return 20 * time.Second
	case testing.Short():
		return time.Second
	default:
		return 3 * time.Second
	}
}

// A storm is load on a pool that notices every wrong answer, every error
// without a type and every call that hangs.
type storm struct {
	pool    *dspool.Pool
	program *dspool.Spec
	calls   sync.WaitGroup
	stop    chan struct{}

	ok, lost, again atomic.Int64
}

// blow starts 64 callers.
func blow(t *testing.T, pool *dspool.Pool) *storm {
	t.Helper()
	s := &storm{pool: pool, program: mock(t, "echo"), stop: make(chan struct{})}
	for n := range 64 {
		s.calls.Go(func() { s.caller(t, n) })
	}
	return s
}

func (s *storm) caller(t *testing.T, n int) {
	for i := 0; ; i++ {
		select {
		case <-s.stop:
			return
		default:
		}
		want := fmt.Sprintf(`"%d-%d"`, n, i)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		resp, err := s.pool.Call(ctx, dspool.Request{Program: s.program, Input: []byte(`{"text":` + want + `}`)})
		cancel()
		switch code := fault.CodeOf(err); {
		case err == nil && string(resp.Output) != want:
			t.Errorf("a wrong answer: %s for %s", resp.Output, want)
		case err == nil:
			s.ok.Add(1)
			s.again.Add(int64(resp.Attempts - 1))
		case code == fault.WorkerCrashed:
			s.lost.Add(1)
		default:
			t.Errorf("call %s ended with %v", want, err)
			return
		}
	}
}

// end waits for the callers: a call that hangs fails the test.
func (s *storm) end(t *testing.T) {
	t.Helper()
	close(s.stop)
	done := make(chan struct{})
	go func() {
		s.calls.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-testkit.Context(t, 40*time.Second).Done():
		t.Fatal("calls hang")
	}
}

// recovered waits for full strength and for the books to balance.
func recovered(t *testing.T, pool *dspool.Pool) {
	t.Helper()
	until(t, "the pool is at full strength", func() bool {
		st := pool.Status()
		return st.Serving == st.Want && len(st.Workers) == st.Want && st.InFlight == 0 && st.Queue.Length == 0
	})
}

func crashStorm(t *testing.T, config dspool.Config) {
	t.Helper()
	// On a slow machine most workers are killed before their first call. To the
	// pool that is a crash loop, and it would be right; here it is the weather.
	config.Restart.Failures = 1 << 20
	pool := started(t, config)
	until(t, "all workers serve", func() bool { return pool.Status().Serving == pool.Status().Want })
	s := blow(t, pool)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	kills := 0
	for end := time.Now().Add(stormTime()); time.Now().Before(end); <-tick.C {
		if ws := pool.Status().Workers; len(ws) > 0 {
			w := ws[rand.IntN(len(ws))] //nolint:gosec // a test
			if syscall.Kill(w.PID, syscall.SIGKILL) == nil {
				kills++
			}
		}
	}
	s.end(t)
	recovered(t, pool)
	t.Logf("%d kills: %d calls answered, %d lost with their worker, %d moved on silently; %d redispatched, %d restarts",
		kills, s.ok.Load(), s.lost.Load(), s.again.Load(), pool.Status().Totals.Redispatched, pool.Status().Totals.Restarts)
	if s.ok.Load() < 200 || kills < 10 {
		t.Errorf("%d answers and %d kills: this was no storm", s.ok.Load(), kills)
	}
}

// CHK-130: a random worker is killed every 50 ms under 64 callers.
func TestACrashStormOnMockWorkers(t *testing.T) {
	t.Parallel()
	crashStorm(t, dspool.Config{Command: testkit.Worker(t), Workers: 3})
}

func TestACrashStormOnTheForkServer(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	config := pythonConfig(dspool.ForkServer)(t)
	config.Workers = 3
	crashStorm(t, config)
}

// CHK-130: the fork server is killed, with everything that it has forked.
func TestTheForkServerIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	pool := started(t, pythonConfig(dspool.ForkServer)(t))
	until(t, "all workers serve", func() bool { return pool.Status().Serving == 2 })
	s := blow(t, pool)
	for range 2 {
		before := pool.Status().ForkServerPID
		answered := s.ok.Load()
		until(t, "calls are answered", func() bool { return s.ok.Load() > answered+50 })
		kill(t, before)
		until(t, "another fork server serves", func() bool {
			st := pool.Status()
			return st.ForkServerPID != before && st.Serving == 2
		})
	}
	s.end(t)
	recovered(t, pool)
	if n := pool.Status().Totals.Restarts; n < 4 {
		t.Errorf("%d workers replaced, want all of them, twice", n)
	}
}

// tenThousand has 10,000 calls in flight at once on two workers. On a machine
// that is too busy to begin them all within a call's time it makes them longer.
func tenThousand(t *testing.T, config dspool.Config) {
	t.Helper()
	const n = 10_000
	config.WorkerConcurrency, config.QueueSize = n/2, n
	pool := started(t, config)
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	before := heap()
	for _, ms := range []int{1500, 6000, 24000} {
		if most := flood(t, pool, n, ms); most == n {
			break
		} else if ms == 24000 {
			t.Errorf("never more than %d calls in flight", most)
		}
	}
	if grown := int64(heap()) - int64(before); grown > 16<<20 {
		t.Errorf("the heap has grown by %d KiB", grown>>10)
	}
}

// flood makes n calls of some milliseconds, and returns how many were seen in
// flight at once. Each has to be answered.
func flood(t *testing.T, pool *dspool.Pool, n, ms int) (most int) {
	t.Helper()
	req := dspool.Request{Program: mock(t, "sleep"), Input: fmt.Appendf(nil, `{"ms":%d}`, ms)}
	ctx := testkit.Context(t, 100*time.Second)
	var calls sync.WaitGroup
	var answered atomic.Int64
	for range n {
		calls.Go(func() {
			resp, err := pool.Call(ctx, req)
			if err != nil || string(resp.Output) != fmt.Sprint(ms) {
				t.Errorf("%s, %v", resp.Output, err)
				return
			}
			answered.Add(1)
		})
	}
	until(t, "all are in flight, or the first ones over", func() bool {
		most = max(most, pool.Status().InFlight)
		return most == n || answered.Load() > 0
	})
	calls.Wait()
	if answered.Load() != int64(n) {
		t.Errorf("%d of %d calls answered", answered.Load(), n)
	}
	return most
}

func heap() uint64 {
	runtime.GC()
	runtime.GC() // the first one moves what pools hold to where the second finds it
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestTenThousandCallsInFlightOnTwoMockWorkers(t *testing.T) {
	tenThousand(t, mockConfig(t)) // alone: it looks at the heap
}

func TestTenThousandCallsInFlightOnTwoPythonWorkers(t *testing.T) {
	testkit.Require(t, "python")
	tenThousand(t, pythonConfig(dspool.ForkServer)(t))
}
