package dspool_test

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

const (
	targetCallers = 16
	targetCalls   = 20_000
	// usualEcho is a bound for a lone echo through a Python worker on a machine
	// that does nothing else; the targets are for such a machine.
	usualEcho = time.Millisecond
)

// slowness is how many times slower this machine is now than one for which the
// targets are meant: the slowest tenth of lone calls against the usual one.
func slowness(t *testing.T, pool *dspool.Pool, req dspool.Request) float64 {
	t.Helper()
	took := make([]time.Duration, 200)
	for i := range took {
		began := time.Now()
		if _, err := pool.Call(t.Context(), req); err != nil {
			t.Fatal(err)
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	return max(1, float64(took[len(took)*9/10])/float64(usualEcho))
}

// The targets, with Python workers of which one is killed in the middle: 16
// callers, and everything read from Stats. On a busy machine times are compared
// with a multiple of the targets, the same for all: what a lone call takes above
// the usual. CHK-131
func TestTargetsUnderLoadWithALostWorker(t *testing.T) {
	testkit.Require(t, "python")
	echo, err := dspool.NewFunc("good:echo", dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	pool, err := dspool.New(dspool.Config{Python: testkit.Python(t), Path: []string{"testdata/misbehaviour"}, Workers: 2})
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	accepts := time.Since(began)
	t.Cleanup(func() { stopPool(t, pool) })
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	req := dspool.Request{Program: echo, Input: []byte(`{"text":"x"}`)}
	slow := slowness(t, pool, req)
	replaced := pool.EventsOf(testkit.Context(t, time.Minute), dspool.WorkerReplaced)
	before := pool.Stats()

	began = time.Now()
	var callers sync.WaitGroup
	var number atomic.Int64
	for range targetCallers {
		callers.Go(func() {
			for n := number.Add(1); n <= targetCalls; n = number.Add(1) {
				if n == targetCalls/2 {
					kill(t, pool.Status().Workers[0].PID)
				}
				if _, err := pool.Call(t.Context(), req); err != nil {
					t.Logf("call %d: %v", n, err)
				}
			}
		})
	}
	callers.Wait()
	throughput := targetCalls / time.Since(began).Seconds()
	var recovery time.Duration
	for ev := range replaced {
		recovery = ev.Took
		break
	}
	st := pool.Stats()
	total := st.Total.Since(before.Total)
	t.Logf("lone calls are %.1f times slower than the usual; %.0f calls/s, p50 %s, p99 %s, accepts after %s, recovery in %s",
		slow, throughput, total.Quantile(0.5), total.Quantile(0.99), accepts, recovery)

	calls := st.Totals.Calls - before.Totals.Calls
	if calls != targetCalls || total.Count != calls {
		t.Errorf("%d calls were accepted and %d ended, want %d", calls, total.Count, targetCalls)
	}
	if failed := calls - (st.Totals.Succeeded - before.Totals.Succeeded); failed*1000 >= calls {
		t.Errorf("%d of %d calls failed (%v), want less than 0.1 %%", failed, calls, st.Totals.Errors)
	}
	if skipped := st.Verdicts.Skip - before.Verdicts.Skip; skipped*100 >= calls {
		t.Errorf("%d hand-outs for %d calls were refused, want less than 1 %%", skipped, calls)
	}
	if n := st.Totals.Errors[fault.Protocol]; n != 0 || st.Totals.Crashes != 1 || st.Ended.Crashed != 1 {
		t.Errorf("%d protocol errors, %d crashes, want only the one that was made", n, st.Totals.Crashes)
	}
	if throughput*slow <= 1000 {
		t.Errorf("%.0f calls/s on a machine that is %.1f times slower, want 1000 on a usual one", throughput, slow)
	}
	for what, c := range map[string]struct{ is, target time.Duration }{
		"accepting calls": {accepts, 100 * time.Millisecond},
		"recovery":        {recovery, 500 * time.Millisecond},
		"p50":             {total.Quantile(0.5), 50 * time.Millisecond},
		"p99":             {total.Quantile(0.99), 100 * time.Millisecond},
	} {
		if bound := time.Duration(float64(c.target) * slow); c.is <= 0 || c.is >= bound {
			t.Errorf("%s took %s, want less than %s", what, c.is, bound)
		}
	}
}
