package dspool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

func newRetry(t testing.TB, runner dspool.Runner, config dspool.RetryConfig) *dspool.Retry {
	t.Helper()
	r, err := dspool.NewRetry(runner, config)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// inTurn gives one error after the other, then nil.
func inTurn(errs ...error) func() error {
	n := 0
	return func() error {
		if n == len(errs) {
			return nil
		}
		n++
		return errs[n-1]
	}
}

// always gives the same error.
func always(err error) func() error { return func() error { return err } }

func repeatable(t testing.TB) *dspool.Spec {
	t.Helper()
	spec, err := dspool.NewFunc("mock:echo", dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// CHK-125
func TestBackoffs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		backoff dspool.BackoffFunc
		want    []time.Duration // in seconds
	}{
		"linear":      {dspool.LinearBackoff(0, 0), []time.Duration{1, 2, 3, 4, 5, 6}},
		"exponential": {dspool.ExponentialBackoff(0, 0), []time.Duration{1, 2, 4, 8, 16, 30, 30}},
		"fibonacci":   {dspool.FibonacciBackoff(0, 0), []time.Duration{1, 1, 2, 3, 5, 8, 13, 21, 30, 30}},
	}
	for name, tt := range tests {
		for i, want := range tt.want {
			if got := tt.backoff(i+1, 0); got != want*time.Second {
				t.Errorf("%s: pause %d is %s, want %ds", name, i+1, got, want)
			}
		}
		if got := tt.backoff(1<<40, 0); got != 30*time.Second {
			t.Errorf("%s: after very many attempts the pause is %s", name, got)
		}
	}
	jitter, last := dspool.DecorrelatedBackoff(0, 0), time.Duration(0)
	seen := map[time.Duration]bool{}
	for range 1000 {
		pause := jitter(1, last)
		if pause < time.Second || pause > min(30*time.Second, 3*max(last, time.Second)) {
			t.Fatalf("after %s comes %s", last, pause)
		}
		seen[pause], last = true, pause
	}
	if len(seen) < 500 {
		t.Errorf("only %d different pauses of 1000", len(seen))
	}
}

// The pauses between attempts are those of the matrix. CHK-123, CHK-125
func TestTheMatrixPaces(t *testing.T) {
	t.Parallel()
	tests := map[fault.Code][]time.Duration{ // in milliseconds
		fault.WorkerCrashed:      {1000, 2000, 4000, 8000, 16000},
		fault.WorkerUnresponsive: {1000, 2000, 3000},
		fault.Protocol:           {0, 100, 200},
		fault.ResourceExhausted:  {1000},
		fault.InvalidArgument:    {},
		fault.ProgramError:       {},
	}
	for code, want := range tests {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var at []time.Time
				r := newRetry(t, fails(func() error { at = append(at, time.Now()); return broken(code) }), dspool.RetryConfig{Attempts: 10, Jitter: -1})
				wantFault(t, callErr(r), code)
				if len(at) != len(want)+1 {
					t.Fatalf("%d attempts, want %d", len(at), len(want)+1)
				}
				for i, pause := range want {
					if got := at[i+1].Sub(at[i]); got != pause*time.Millisecond {
						t.Errorf("pause %d is %s, want %d ms", i+1, got, pause)
					}
				}
			})
		})
	}
}

// What may be repeated follows from the error and the program. CHK-125
func TestOnlyWhatDoesNoHarmIsRepeated(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, code := range fault.Codes() {
			for _, started := range []fault.Started{fault.StartedNo, fault.StartedUnknown, fault.StartedYes} {
				for _, idempotent := range []bool{false, true} {
					err := fault.New(code, "x").WithStarted(started)
					runner := fails(always(err))
					r := newRetry(t, runner, dspool.RetryConfig{})
					var req dspool.Request
					if idempotent {
						req.Program = repeatable(t)
					}
					_, _ = r.Call(t.Context(), req)
					if again := len(runner.requests) > 1; again != err.Repeatable(idempotent) {
						t.Errorf("%s, started %q, idempotent %v: repeated %v", code, started, idempotent, again)
					}
				}
			}
		}
	})
}

// CHK-125, CHK-126
func TestARecoveredCallCountsItsAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRetry(t, fails(inTurn(broken(fault.WorkerCrashed), broken(fault.Unavailable))), dspool.RetryConfig{Name: "again", Jitter: -1})
		ctx, cancel := context.WithCancel(t.Context())
		events := r.Events(ctx)
		resp, err := r.Call(t.Context(), dspool.Request{})
		if err != nil || resp.Attempts != 3 {
			t.Fatalf("%d attempts, %v", resp.Attempts, err)
		}
		cancel()
		var kinds []dspool.PoolEventKind
		for ev := range events {
			kinds = append(kinds, ev.Kind)
			if ev.Name != "again" || ev.Attempts < 2 || ev.Took <= 0 {
				t.Errorf("%+v", ev)
			}
		}
		wantKinds(t, kinds, dspool.CallRepeated, dspool.CallRepeated, dspool.CallRecovered)
		s := r.Status()
		if s.Calls != 1 || s.Failed != 0 || s.Repeated != 2 || s.Series != 1 || s.Recovered != 1 || s.RecoveryRate != 1 || s.SuccessRate != 1 || len(s.Running) != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestACallGivenUpSaysWhy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		soon := broken(fault.Unavailable)
		soon.RetryAfter = time.Minute
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		r := newRetry(t, fails(always(soon)), dspool.RetryConfig{})
		_, err := r.Call(ctx, dspool.Request{})
		wantFault(t, err, fault.Unavailable, "it is broken; not repeated: the pause of 1m", "does not fit into the 10s")
		if time.Since(began) != 0 {
			t.Errorf("it slept for %s although there is no room", time.Since(began))
		}
		if soon.Message != "it is broken" {
			t.Errorf("the Runner's own error was changed: %s", soon.Message)
		}
		r = newRetry(t, fails(always(broken(fault.WorkerCrashed))), dspool.RetryConfig{})
		wantFault(t, callErr(r), fault.WorkerCrashed, "given up after attempt 3")
		r = newRetry(t, fails(always(soon)), dspool.RetryConfig{Timeout: 30 * time.Second})
		wantFault(t, callErr(r), fault.Unavailable, "does not fit into the 30s") // the budget of its own
		if s := r.Status(); s.Late != 1 || s.Failed != 1 || s.SuccessRate != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestRetryAfterIsHeeded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		busy := broken(fault.QueueFull)
		busy.RetryAfter = 50 * time.Millisecond
		r := newRetry(t, fails(inTurn(busy, busy)), dspool.RetryConfig{})
		began := time.Now()
		if err := callErr(r); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 100*time.Millisecond || took > 120*time.Millisecond {
			t.Errorf("took %s, want two pauses of 50 to 60 ms", took)
		}
	})
}

func TestACallerWhoLeavesDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(100*time.Millisecond, cancel)
		began := time.Now()
		r := newRetry(t, fails(always(broken(fault.WorkerCrashed))), dspool.RetryConfig{})
		_, err := r.Call(ctx, dspool.Request{})
		wantFault(t, err, fault.Canceled, "while it waited to be repeated", "worker_crashed")
		if time.Since(began) != 100*time.Millisecond {
			t.Errorf("returned after %s", time.Since(began))
		}
	})
}

// An attempt that never began does not undo one that did.
func TestTheLastErrorTellsTheTruthAboutAllAttempts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ran := fault.New(fault.WorkerCrashed, "x").WithStarted(fault.StartedYes)
		r := newRetry(t, fails(inTurn(ran, broken(fault.Unavailable), broken(fault.NotFound))), dspool.RetryConfig{})
		_, err := r.Call(t.Context(), dspool.Request{Program: repeatable(t)})
		wantFault(t, err, fault.NotFound, "an earlier attempt failed while it ran")
		if fault.From(err).Started != fault.StartedYes {
			t.Errorf("Started %q", fault.From(err).Started)
		}
	})
}

// Calls in repetition are listed, and cancelled by id. CHK-125
func TestRepetitionsAreListedAndCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := newRetry(t, fails(always(broken(fault.WorkerCrashed))), dspool.RetryConfig{Limit: 2})
		errs := make(chan error, 3)
		for range 2 {
			go func() {
				_, err := r.Call(context.Background(), dspool.Request{Program: repeatable(t)})
				errs <- err
			}()
		}
		synctest.Wait()
		running := r.Status().Running
		if len(running) != 2 || running[0].ID == running[1].ID || running[0].Attempt != 2 || running[0].Program != "mock:echo" || running[0].LastError == "" || !running[0].Next.After(time.Now()) {
			t.Fatalf("%+v", running)
		}
		wantFault(t, callErr(r), fault.WorkerCrashed, "not repeated: 2 calls are being repeated already")
		if !r.Cancel(running[0].ID) || r.Cancel("r99") {
			t.Error("Cancel does not tell whether there is such a call")
		}
		synctest.Wait()
		wantFault(t, <-errs, fault.Canceled, "cancelled by its id")
		if s := r.Status(); len(s.Running) != 1 || s.Canceled != 1 || s.Crowded != 1 {
			t.Errorf("%+v", s)
		}
		wantFault(t, <-errs, fault.WorkerCrashed)
	})
}

// A running attempt is cut off by Cancel, and by the budget of its own.
func TestARunningRepetitionIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		first := true
		runner := &fakeRunner{answer: func(ctx context.Context, _ dspool.Request) (dspool.Response, error) {
			if first {
				first = false
				return dspool.Response{}, broken(fault.WorkerCrashed)
			}
			<-ctx.Done()
			return dspool.Response{}, fault.Wrap(fault.CodeOf(ctx.Err()), context.Cause(ctx), "cut off")
		}}
		r := newRetry(t, runner, dspool.RetryConfig{Timeout: 10 * time.Second})
		began := time.Now()
		wantFault(t, callErr(r), fault.DeadlineExceeded)
		if time.Since(began) != 10*time.Second {
			t.Errorf("cut off after %s", time.Since(began))
		}
		first = true
		go func() {
			pass(5 * time.Second)
			r.Cancel("r2")
		}()
		wantFault(t, callErr(r), fault.Canceled, "r2 was cancelled by its id")
	})
}

func TestAStreamIsRepeatedWhileNothingWasYielded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		flaky := &fakeRunner{answer: fails(inTurn(broken(fault.WorkerCrashed), broken(fault.WorkerCrashed))).answer}
		r := newRetry(t, flaky, dspool.RetryConfig{})
		n, attempts := 0, 0
		for ev, err := range r.Stream(t.Context(), dspool.Request{}) {
			if err != nil {
				t.Fatal(err)
			}
			n++
			attempts = ev.Response.Attempts
		}
		if n != 1 || attempts != 3 || r.Status().Recovered != 1 {
			t.Errorf("%d events, %d attempts, %+v", n, attempts, r.Status())
		}
		torn := newRetry(t, streams{items: 1, err: broken(fault.WorkerCrashed)}, dspool.RetryConfig{})
		n, err := drain(torn)
		wantFault(t, err, fault.WorkerCrashed)
		if n != 1 || torn.Status().Repeated != 0 {
			t.Errorf("%d events, %+v", n, torn.Status())
		}
		dead := newRetry(t, streams{err: broken(fault.WorkerCrashed)}, dspool.RetryConfig{})
		_, err = drain(dead)
		wantFault(t, err, fault.WorkerCrashed, "given up after attempt 3")
		for range newRetry(t, streams{items: 3}, dspool.RetryConfig{}).Stream(t.Context(), dspool.Request{}) {
			break // a reader who leaves ends it
		}
	})
}

// When everything fails, repetitions add a tenth to the load, and not twice as
// much again.
func TestAStormOfRetriesDiesOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const calls = 10_000
		var asked atomic.Int64
		runner := &fakeRunner{answer: func(context.Context, dspool.Request) (dspool.Response, error) {
			asked.Add(1)
			return dspool.Response{}, broken(fault.Unavailable)
		}}
		r := newRetry(t, runner, dspool.RetryConfig{Limit: calls})
		var callers sync.WaitGroup
		for range calls {
			callers.Go(func() { _ = callErr(r) })
			pass(time.Millisecond) // a thousand calls a second
		}
		callers.Wait()
		amplification := float64(asked.Load()) / calls
		if amplification > 1.15 || amplification < 1.1 {
			t.Errorf("%d calls became %d: %.2f times the load, want 1.10 to 1.15", calls, asked.Load(), amplification)
		}
		if s := r.Status(); s.Throttled < 8000 {
			t.Errorf("%+v", s)
		}
	})
}

func TestARetryBudgetFillsAgainAndCanBeOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		down := true
		runner := fails(func() error {
			if down {
				return broken(fault.WorkerCrashed)
			}
			return nil
		})
		r := newRetry(t, runner, dspool.RetryConfig{Attempts: 2, Budget: dspool.RetryBudget{Ratio: 0.5, PerSecond: -1, Burst: 2}})
		for range 2 {
			wantFault(t, callErr(r), fault.WorkerCrashed, "given up")
		}
		wantFault(t, callErr(r), fault.WorkerCrashed, "given up") // the calls themselves have paid for one
		wantFault(t, callErr(r), fault.WorkerCrashed, "the retry budget is spent")
		down = false
		for range 10 {
			_ = callErr(r)
		}
		if room := r.Status().Budget; room != 2 {
			t.Errorf("room for %g repetitions, want the whole burst of 2", room)
		}
		free := newRetry(t, fails(always(broken(fault.WorkerCrashed))), dspool.RetryConfig{Budget: dspool.RetryBudget{Ratio: -1, Burst: 1}})
		for range 10 {
			wantFault(t, callErr(free), fault.WorkerCrashed, "given up")
		}
		if free.Status().Budget != -1 {
			t.Error("a budget that is off has a limit")
		}
	})
}

func TestARetryRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	_, err := dspool.NewRetry(says(`1`), dspool.RetryConfig{
		Attempts: -1, Base: -1, Max: -2, Jitter: 2, Timeout: -2, Limit: -1, Budget: dspool.RetryBudget{Ratio: -2, PerSecond: -2, Burst: -1},
	})
	wantFault(t, err, fault.InvalidArgument, "RetryConfig.Attempts", "RetryConfig.Base", "RetryConfig.Max", "RetryConfig.Jitter", "RetryConfig.Timeout",
		"RetryConfig.Limit", "RetryConfig.Budget.Ratio", "RetryConfig.Budget.PerSecond", "RetryConfig.Budget.Burst")
	_, err = dspool.NewRetry(nil, dspool.RetryConfig{})
	wantFault(t, err, fault.InvalidArgument, "nil")
}

// A pool's own repetitions spend a budget too.
func TestAPoolsRepetitionsSpendItsBudget(t *testing.T) {
	t.Parallel()
	config := mockConfig(t)
	config.RetryBudget = dspool.RetryBudget{Ratio: 0.001, PerSecond: -1, Burst: 1}
	pool, err := dspool.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Stop(soon(t)) })
	crash, err := dspool.NewFunc("mock:crash", dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.Call(soon(t), dspool.Request{Program: crash, Input: json.RawMessage(`{}`)})
	wantFault(t, err, fault.WorkerCrashed, "the pool's retry budget is spent")
	totals := pool.Status().Totals
	if totals.Retried != 1 || totals.Unretried != 1 || fault.From(err).Started != fault.StartedYes {
		t.Errorf("retried %d, unretried %d, started %q", totals.Retried, totals.Unretried, fault.From(err).Started)
	}
}

// A full queue is a matter of a moment: with a Retry before the pool every call
// of a crowd is served.
func TestARetryServesACrowd(t *testing.T) {
	t.Parallel()
	config := mockConfig(t)
	config.Workers, config.WorkerConcurrency, config.QueueSize = 1, 1, 1
	pool, err := dspool.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Stop(soon(t)) })
	r := newRetry(t, pool, dspool.RetryConfig{Attempts: 4, Budget: dspool.RetryBudget{Ratio: -1}})
	program, err := dspool.NewFunc("mock:sleep")
	if err != nil {
		t.Fatal(err)
	}
	var crowd sync.WaitGroup
	var served atomic.Int64
	for range 6 {
		crowd.Go(func() {
			_, err := r.Call(soon(t), dspool.Request{Program: program, Input: fmt.Appendf(nil, `{"ms":%d}`, 5)})
			switch fault.CodeOf(err) {
			case "":
				served.Add(1)
			case fault.QueueFull: // four times: unlucky
			default:
				t.Error(err)
			}
		})
	}
	crowd.Wait()
	if s := r.Status(); s.Repeated == 0 || served.Load() < 3 {
		t.Errorf("served %d, %+v", served.Load(), s)
	}
}

func BenchmarkRetryWithoutFailure(b *testing.B) {
	runner := newRetry(b, still{}, dspool.RetryConfig{})
	for b.Loop() {
		if _, err := runner.Call(b.Context(), dspool.Request{}); err != nil {
			b.Fatal(err)
		}
	}
}
