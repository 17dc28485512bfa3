package dspool_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// fails returns a Runner whose calls end with the error that next gives; nil is
// a success.
func fails(next func() error) *fakeRunner {
	return &fakeRunner{answer: func(context.Context, dspool.Request) (dspool.Response, error) {
		if err := next(); err != nil {
			return dspool.Response{}, err
		}
		return dspool.Response{Output: []byte(`"ok"`), Attempts: 1}, nil
	}}
}

// broken is an error of a code that says that the call never began.
func broken(code fault.Code) *fault.Error {
	return fault.New(code, "it is broken").WithStarted(fault.StartedNo)
}

func newBreaker(t testing.TB, runner dspool.Runner, config dspool.BreakerConfig) *dspool.Breaker {
	t.Helper()
	b, err := dspool.NewBreaker(runner, config)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pass makes fake time pass.
func pass(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // in a bubble

func circuitIs(t *testing.T, c *dspool.Breaker, want dspool.CircuitState) {
	t.Helper()
	if got := c.State(); got != want {
		t.Fatalf("the circuit is %s, want %s", got, want)
	}
}

// callErr makes a call and returns its error.
func callErr(r dspool.Runner) error {
	_, err := r.Call(context.Background(), dspool.Request{})
	return err
}

// CHK-124
func TestABreakerOpensRefusesProbesAndCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var answer error = broken(fault.WorkerCrashed)
		b := newBreaker(t, fails(func() error { return answer }), dspool.BreakerConfig{Name: "pool"})
		for range 5 {
			circuitIs(t, b, dspool.CircuitStateClosed)
			wantFault(t, callErr(b), fault.WorkerCrashed)
		}
		pass(15 * time.Second)
		err := callErr(b)
		wantFault(t, err, fault.Unavailable, `the circuit "pool" is open`)
		f := fault.From(err)
		if f.RetryAfter != 45*time.Second || f.Started != fault.StartedNo || !fault.Retryable(err) ||
			f.Details["circuit"] != "pool" || f.Details["state"] != "open" || f.Details["last_error"] == "" {
			t.Errorf("%+v", f)
		}
		answer = nil
		pass(45 * time.Second)
		for range 3 {
			if err := callErr(b); err != nil {
				t.Fatal(err)
			}
		}
		circuitIs(t, b, dspool.CircuitStateClosed)
		s := b.Status()
		if s.Name != "pool" || s.Failures != 5 || s.Successes != 3 || s.Refused != 1 || s.Streak != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// What is not the Runner's fault never opens its circuit. CHK-124
func TestWhatCountsFollowsFromTheMatrix(t *testing.T) {
	t.Parallel()
	for _, code := range fault.Codes() {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			b := newBreaker(t, fails(func() error { return fmt.Errorf("call: %w", fault.New(code, "x")) }), dspool.BreakerConfig{Failures: 2})
			for range 2 {
				_ = callErr(b)
			}
			verdict := fault.ClassOf(code).Verdict
			opens := verdict == fault.VerdictFailed || verdict == fault.VerdictDown
			if open := b.State() == dspool.CircuitStateOpen; open != opens {
				t.Errorf("open %v, the verdict is %s", open, verdict)
			}
		})
	}
}

func TestACallThatComesTooLateOrIsToBeIgnoredDoesNotCount(t *testing.T) {
	t.Parallel()
	over, cancel := context.WithTimeout(t.Context(), -1)
	defer cancel()
	runner := &fakeRunner{answer: func(ctx context.Context, _ dspool.Request) (dspool.Response, error) {
		return dspool.Response{}, ctx.Err()
	}}
	b := newBreaker(t, runner, dspool.BreakerConfig{Failures: 1})
	for range 10 {
		_, err := b.Call(over, dspool.Request{})
		wantFault(t, err, fault.DeadlineExceeded)
	}
	circuitIs(t, b, dspool.CircuitStateClosed)
	lenient := newBreaker(t, fails(func() error { return broken(fault.DeadlineExceeded) }), dspool.BreakerConfig{Failures: 1, IgnoreDeadlines: true})
	_ = callErr(lenient)
	circuitIs(t, lenient, dspool.CircuitStateClosed)
}

// A call runs under no lock: calls overlap, and a call may use its own breaker.
// CHK-124
func TestCallsRunUnderNoLock(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b *dspool.Breaker
		runner := &fakeRunner{}
		runner.answer = func(ctx context.Context, req dspool.Request) (dspool.Response, error) {
			pass(time.Second)
			_ = b.Status()
			b.RecordSuccess()
			if req.LM == "nested" {
				return b.Call(ctx, dspool.Request{})
			}
			return dspool.Response{}, nil
		}
		b = newBreaker(t, runner, dspool.BreakerConfig{})
		began := time.Now()
		var calls sync.WaitGroup
		for range 50 {
			calls.Go(func() {
				if _, err := b.Call(t.Context(), dspool.Request{LM: "nested"}); err != nil {
					t.Error(err)
				}
			})
		}
		calls.Wait()
		if took := time.Since(began); took != 2*time.Second {
			t.Errorf("50 calls of two seconds took %s: they waited for each other", took)
		}
	})
}

func TestAPanicOfTheRunnerCountsAndGoesOn(t *testing.T) {
	t.Parallel()
	b := newBreaker(t, fails(func() error { panic("a bug") }), dspool.BreakerConfig{Failures: 1}) //nolint:forbidigo // what is tested
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = callErr(b)
	}()
	circuitIs(t, b, dspool.CircuitStateOpen)
}

// CHK-124, CHK-126
func TestACircuitTellsOfEverythingInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var answer error = broken(fault.Unavailable)
		var told []string
		b := newBreaker(t, fails(func() error { return answer }), dspool.BreakerConfig{
			Name: "c", Failures: 1, Successes: 1,
			OnChange: func(c dspool.CircuitChange) {
				told = append(told, fmt.Sprint(c.Name, " ", c.From, ">", c.To, " ", c.Pause, " ", c.Manual, " ", c.Err != nil))
			},
		})
		ctx, cancel := context.WithCancel(t.Context())
		events := b.Events(ctx)
		_ = callErr(b)
		pass(time.Minute)
		answer = nil
		_ = callErr(b)
		b.Trip(time.Second)
		b.Reset()
		cancel()
		var kinds []dspool.PoolEventKind
		for ev := range events {
			kinds = append(kinds, ev.Kind)
			if ev.Name != "c" || ev.At.IsZero() || ev.Kind == dspool.CircuitFailure && ev.Severity != fault.SeverityCritical {
				t.Errorf("%+v", ev)
			}
		}
		wantKinds(t, kinds,
			dspool.CircuitOpened, dspool.CircuitFailure, dspool.CircuitHalfOpened, dspool.CircuitClosed, dspool.CircuitSuccess,
			dspool.CircuitOpened, dspool.CircuitClosed)
		want := []string{
			"c closed>open 1m0s false true", "c open>half_open 0s false false", "c half_open>closed 0s false false",
			"c closed>open 1s true false", "c open>closed 0s true false",
		}
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("told\n%v, want\n%v", told, want)
		}
	})
}

func wantKinds(t *testing.T, got []dspool.PoolEventKind, want ...dspool.PoolEventKind) {
	t.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("events\n%v, want\n%v", got, want)
	}
}

// streams is a Runner whose streams yield some items and then end with an
// error, or a result.
type streams struct {
	items int
	err   error
}

func (s streams) Call(context.Context, dspool.Request) (dspool.Response, error) {
	return dspool.Response{Attempts: 1}, s.err
}

func (s streams) Stream(context.Context, dspool.Request) iter.Seq2[dspool.Event, error] {
	return func(yield func(dspool.Event, error) bool) {
		for i := range s.items {
			if !yield(dspool.Event{Kind: dspool.EventItem, Data: fmt.Append(nil, i)}, nil) {
				return
			}
		}
		if s.err != nil {
			yield(dspool.Event{}, s.err)
			return
		}
		yield(dspool.Event{Kind: dspool.EventResult, Response: &dspool.Response{Attempts: 1}}, nil)
	}
}

// drain reads a stream and returns the number of its events and its error.
func drain(r dspool.Runner) (events int, err error) {
	for _, e := range r.Stream(context.Background(), dspool.Request{}) {
		if e != nil {
			err = e
		} else {
			events++
		}
	}
	return events, err
}

func TestStreamsCountWhenTheyEnd(t *testing.T) {
	t.Parallel()
	b := newBreaker(t, streams{items: 3, err: broken(fault.WorkerCrashed)}, dspool.BreakerConfig{Failures: 2})
	for range 2 {
		if n, err := drain(b); n != 3 || fault.CodeOf(err) != fault.WorkerCrashed {
			t.Fatalf("%d events, %v", n, err)
		}
	}
	circuitIs(t, b, dspool.CircuitStateOpen)
	if _, err := drain(b); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("an open circuit let a stream through: %v", err)
	}
	if got := b.Status().Successes; got != 0 {
		t.Errorf("%d successes", got)
	}
}

// A probe's first event is its proof; if it breaks later, that counts too.
func TestAProbingStreamProvesWithItsFirstEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBreaker(t, streams{items: 2, err: broken(fault.WorkerCrashed)}, dspool.BreakerConfig{Failures: 1, Successes: 1})
		b.Trip(time.Second)
		pass(time.Second)
		events := 0
		for _, err := range b.Stream(t.Context(), dspool.Request{}) {
			if events++; events == 1 {
				circuitIs(t, b, dspool.CircuitStateClosed)
			}
			if events == 3 {
				wantFault(t, err, fault.WorkerCrashed)
			}
		}
		circuitIs(t, b, dspool.CircuitStateOpen)
	})
}

func TestAReaderWhoLeavesIsNoFailure(t *testing.T) {
	t.Parallel()
	b := newBreaker(t, streams{items: 3}, dspool.BreakerConfig{Failures: 1})
	for range b.Stream(t.Context(), dspool.Request{}) {
		break
	}
	s := b.Status()
	if s.State != dspool.CircuitStateClosed || s.Failures != 0 || s.Successes != 1 {
		t.Errorf("%+v", s)
	}
}

// CHK-124: named circuits.
func TestCircuitsByName(t *testing.T) {
	t.Parallel()
	circuits, err := dspool.NewCircuits(dspool.BreakerConfig{Failures: 1})
	if err != nil {
		t.Fatal(err)
	}
	bad := circuits.Guard("openai", fails(func() error { return broken(fault.LMServer) }))
	alike := circuits.Guard("openai", says(`1`))
	other := circuits.Guard("anthropic", says(`1`))
	_ = callErr(bad)
	wantFault(t, callErr(alike), fault.Unavailable, `"openai"`)
	if err := callErr(other); err != nil {
		t.Errorf("another name: %v", err)
	}
	status := circuits.Status()
	if len(status) != 2 || status[0].Name != "anthropic" || status[1].State != dspool.CircuitStateOpen || status[1].Opened != 1 {
		t.Errorf("%+v", status)
	}
	if c, ok := circuits.Lookup("openai"); !ok || c.Name() != "openai" {
		t.Error("the circuit is not found")
	} else {
		c.Reset()
	}
	if err := callErr(alike); err != nil {
		t.Errorf("after Reset: %v", err)
	}
	circuits.Forget("openai")
	if _, ok := circuits.Lookup("openai"); ok {
		t.Error("a forgotten circuit is found")
	}
}

func TestABreakerRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	_, err := dspool.NewBreaker(says(`1`), dspool.BreakerConfig{
		Failures: -1, Window: -1, Rate: 2, Minimum: -1, Pause: -1, PauseMax: -2, Probes: -1, Successes: -1, ProbeFailures: -1,
	})
	wantFault(t, err, fault.InvalidArgument, "BreakerConfig.Failures", "BreakerConfig.Window", "BreakerConfig.Rate", "BreakerConfig.Minimum",
		"BreakerConfig.Pause:", "BreakerConfig.PauseMax", "BreakerConfig.Probes", "BreakerConfig.Successes", "BreakerConfig.ProbeFailures")
	_, err = dspool.NewBreaker(nil, dspool.BreakerConfig{})
	wantFault(t, err, fault.InvalidArgument, "nil")
	_, err = dspool.NewCircuits(dspool.BreakerConfig{Failures: -1})
	wantFault(t, err, fault.InvalidArgument)
}

// A hundred callers against a Runner that is down: it is hardly asked, and
// serves again soon after it has come back.
func TestAStormDiesAtTheCircuit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		asked := 0
		up := time.Now().Add(10 * time.Minute)
		b := newBreaker(t, fails(func() error {
			mu.Lock()
			asked++
			mu.Unlock()
			if time.Now().Before(up) {
				return errors.Join(broken(fault.Unavailable))
			}
			return nil
		}), dspool.BreakerConfig{})
		var served sync.WaitGroup
		for n := range 100 {
			served.Go(func() {
				for callErr(b) != nil {
					pass(time.Duration(900+n*2%200) * time.Millisecond)
				}
				if late := time.Since(up); late < 0 || late > 62*time.Second {
					t.Errorf("served %s after it was up again", late)
				}
			})
		}
		served.Wait()
		if asked > 250 { // by each once at the end, and by probes before
			t.Errorf("asked %d times", asked)
		}
	})
}

func BenchmarkBreakerClosed(b *testing.B) {
	runner := newBreaker(b, still{}, dspool.BreakerConfig{})
	for b.Loop() {
		if _, err := runner.Call(b.Context(), dspool.Request{}); err != nil {
			b.Fatal(err)
		}
	}
}

// still is a Runner that does nothing.
type still struct{}

func (still) Call(context.Context, dspool.Request) (dspool.Response, error) {
	return dspool.Response{Attempts: 1}, nil
}

func (still) Stream(context.Context, dspool.Request) iter.Seq2[dspool.Event, error] {
	return streams{}.Stream(context.Background(), dspool.Request{})
}
