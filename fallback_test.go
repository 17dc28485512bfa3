package dspool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

func newFallback(t testing.TB, config dspool.FallbackConfig, layers ...dspool.Layer) *dspool.Fallback {
	t.Helper()
	f, err := dspool.NewFallback(config, layers...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// answeredBy makes a call that has to succeed and returns its layer.
func answeredBy(t *testing.T, r dspool.Runner) string {
	t.Helper()
	resp, err := r.Call(t.Context(), dspool.Request{})
	if err != nil {
		t.Fatal(err)
	}
	return resp.Layer
}

// Layers are asked in order, each failure goes on to the next one. CHK-68, CHK-70
func TestAFallbackAsksLayerAfterLayer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFallback(t, dspool.FallbackConfig{},
			dspool.Layer{Name: "pool", Runner: fails(always(broken(fault.Unavailable)))},
			dspool.Layer{Name: "single", Runner: fails(always(broken(fault.WorkerCrashed)))},
			dspool.Layer{Name: "mock", Runner: says(`"mock"`)})
		ctx, cancel := context.WithCancel(t.Context())
		events := f.Events(ctx)
		for range 4 {
			if layer := answeredBy(t, f); layer != "mock" {
				t.Errorf("answered by %s", layer)
			}
		}
		cancel()
		var told []string
		for ev := range events {
			told = append(told, fmt.Sprint(ev.Kind, " ", ev.Layer, ">", ev.Next, " ", ev.Code))
			if ev.Name != "fallback" || ev.Reason == "" || ev.Severity == "" {
				t.Errorf("%+v", ev)
			}
		}
		want := []string{
			"fallback_engaged pool>single unavailable", "call_cascaded pool>single unavailable", "call_cascaded single>mock worker_crashed",
			"call_cascaded single>mock worker_crashed", "fallback_engaged single>mock worker_crashed", "call_cascaded single>mock worker_crashed",
		}
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("told\n%v, want\n%v", told, want)
		}
		st := f.Status()
		if st.Serving != "mock" || st.Layers[0].State != dspool.LayerPassedOver || st.Layers[1].Cascaded != 3 || st.Layers[2].Served != 4 || st.Layers[0].Refused != 3 {
			t.Errorf("%+v", st)
		}
	})
}

// The rule of the cascade, for every code, start and program. CHK-68
func TestWhatCascadesFollowsFromTheMatrix(t *testing.T) {
	t.Parallel()
	configs := []dspool.FallbackConfig{{}, {Overload: true}, {Providers: true}}
	for _, code := range fault.Codes() {
		for _, started := range []fault.Started{fault.StartedNo, fault.StartedUnknown, fault.StartedYes} {
			for _, idempotent := range []bool{false, true} {
				for _, config := range configs {
					err := fault.New(code, "x").WithStarted(started)
					f := newFallback(t, config,
						dspool.Layer{Name: "a", Runner: fails(always(err))}, dspool.Layer{Name: "b", Runner: says(`1`)})
					var req dspool.Request
					if idempotent {
						req.Program = repeatable(t)
					}
					_, got := f.Call(t.Context(), req)
					rule := fault.ClassOf(code).Cascade
					want := rule == fault.CascadeAlways || rule == fault.CascadeOverload && config.Overload || rule == fault.CascadeProvider && config.Providers
					want = want && (idempotent || started == fault.StartedNo || started == fault.StartedUnknown && err.Retryable())
					if (got == nil) != want {
						t.Errorf("%s, started %q, idempotent %v, %+v: went on %v, want %v", code, started, idempotent, config, got == nil, want)
					}
				}
			}
		}
	}
}

// A program's own failures and crashes say nothing about a layer.
func TestAProgramsFailuresDoNotPutALayerOutOfUse(t *testing.T) {
	t.Parallel()
	for _, err := range []error{
		fault.New(fault.ProgramError, "x").WithStarted(fault.StartedYes),
		fault.New(fault.WorkerCrashed, "it crashes its worker").WithStarted(fault.StartedYes),
		broken(fault.InvalidArgument), broken(fault.QueueFull), errors.New("foreign"),
		&fault.Error{Code: fault.Unavailable, Started: fault.StartedNo, Details: map[string]string{fault.DetailSession: "s1"}},
	} {
		f := newFallback(t, dspool.FallbackConfig{Failures: 1},
			dspool.Layer{Name: "a", Runner: fails(always(err))}, dspool.Layer{Name: "b", Runner: says(`1`)})
		for range 5 {
			wantFault(t, callErr(f), fault.CodeOf(err))
		}
		if st := f.Status(); st.Serving != "a" {
			t.Errorf("%v: %+v", err, st)
		}
	}
}

// One call tries a layer that was passed over, after a pause that grows; if it
// goes well everybody returns.
func TestEverybodyReturnsAfterOneGoodProbe(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		up := false
		better := fails(func() error {
			if up {
				return nil
			}
			return broken(fault.Unavailable)
		})
		f := newFallback(t, dspool.FallbackConfig{}, dspool.Layer{Name: "a", Runner: better}, dspool.Layer{Name: "b", Runner: says(`1`)})
		asked := func() int { return len(better.requests) }
		for n, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			answeredBy(t, f)
			if asked() != n+1 {
				t.Fatalf("after %d probes the better layer was asked %d times", n, asked())
			}
			answeredBy(t, f) // passed over
			pass(pause*time.Second - time.Millisecond)
			answeredBy(t, f)
			if asked() != n+1 {
				t.Fatalf("asked again within the pause of %ds", pause)
			}
			pass(time.Millisecond)
		}
		up = true
		ctx, cancel := context.WithCancel(t.Context())
		events := f.Events(ctx)
		for range 3 {
			if layer := answeredBy(t, f); layer != "a" {
				t.Errorf("answered by %s", layer)
			}
		}
		cancel()
		for ev := range events {
			if ev.Kind != dspool.FallbackRestored || ev.Layer != "a" {
				t.Errorf("%+v", ev)
			}
		}
	})
}

// While one call tries a layer, the others do not wait for it.
func TestOnlyOneCallTriesALayer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		slow := &fakeRunner{answer: func(context.Context, dspool.Request) (dspool.Response, error) {
			asked.Add(1)
			pass(500 * time.Millisecond)
			return dspool.Response{}, nil
		}}
		f := newFallback(t, dspool.FallbackConfig{}, dspool.Layer{Name: "a", Runner: slow}, dspool.Layer{Name: "b", Runner: says(`1`)})
		if !f.Trip("a") || f.Trip("c") {
			t.Error("Trip does not tell whether there is such a layer")
		}
		pass(time.Second)
		began := time.Now()
		var callers sync.WaitGroup
		var byB atomic.Int64
		for range 100 {
			callers.Go(func() {
				resp, err := f.Call(t.Context(), dspool.Request{})
				if err != nil {
					t.Error(err)
				}
				if resp.Layer == "b" {
					byB.Add(1)
					if time.Since(began) != 0 {
						t.Errorf("waited for %s", time.Since(began))
					}
				}
			})
		}
		callers.Wait()
		if asked.Load() != 1 || byB.Load() != 99 {
			t.Errorf("%d probes, %d calls served by the next layer", asked.Load(), byB.Load())
		}
		f.Trip("a")
		if !f.Reset("a") || f.Reset("c") || f.Status().Serving != "a" {
			t.Error("Reset does not bring a layer back")
		}
	})
}

func TestNoLayerLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFallback(t, dspool.FallbackConfig{},
			dspool.Layer{Name: "a", Runner: fails(always(broken(fault.Unavailable)))},
			dspool.Layer{Name: "b", Runner: fails(always(broken(fault.ShuttingDown)))})
		err := callErr(f)
		wantFault(t, err, fault.ShuttingDown, "layers before it failed too")
		if d := fault.From(err).Details["layers"]; d != "a: unavailable: it is broken" {
			t.Errorf("details %q", d)
		}
		pass(400 * time.Millisecond)
		err = callErr(f)
		wantFault(t, err, fault.Unavailable, `no layer of "fallback" is in use`)
		e := fault.From(err)
		if e.RetryAfter != 600*time.Millisecond || !fault.Retryable(err) || e.Details["b"] != "shutting_down: it is broken" {
			t.Errorf("%+v", e)
		}
		if _, err := drain(f); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("a stream: %v", err)
		}
		if s := f.Status().Serving; s != "" {
			t.Errorf("serving %q", s)
		}
	})
}

// Layers spend one budget, and a layer's own limit leaves something of it.
func TestLayersSpendOneBudget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := &fakeRunner{answer: func(ctx context.Context, _ dspool.Request) (dspool.Response, error) {
			<-ctx.Done()
			return dspool.Response{}, fault.Wrap(fault.CodeOf(ctx.Err()), ctx.Err(), "it waits").WithStarted(fault.StartedNo)
		}}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		f := newFallback(t, dspool.FallbackConfig{}, dspool.Layer{Name: "a", Runner: stuck}, dspool.Layer{Name: "b", Runner: says(`1`)})
		_, err := f.Call(ctx, dspool.Request{})
		wantFault(t, err, fault.DeadlineExceeded)
		began := time.Now()
		ctx, cancel = context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		f = newFallback(t, dspool.FallbackConfig{}, dspool.Layer{Name: "a", Runner: stuck, Timeout: 2 * time.Second}, dspool.Layer{Name: "b", Runner: says(`1`)})
		resp, err := f.Call(ctx, dspool.Request{})
		if err != nil || resp.Layer != "b" || time.Since(began) != 2*time.Second {
			t.Errorf("answered by %q after %s: %v", resp.Layer, time.Since(began), err)
		}
		if n := f.Status().Layers[0].Failures; n != 1 {
			t.Errorf("%d failures of a layer that hangs", n)
		}
	})
}

func TestAStreamStaysInItsLayerOnceItHasYielded(t *testing.T) {
	t.Parallel()
	f := newFallback(t, dspool.FallbackConfig{},
		dspool.Layer{Name: "a", Runner: streams{items: 2, err: broken(fault.WorkerCrashed)}}, dspool.Layer{Name: "b", Runner: streams{items: 5}})
	n, err := drain(f)
	wantFault(t, err, fault.WorkerCrashed)
	if n != 2 {
		t.Errorf("%d events", n)
	}
	f = newFallback(t, dspool.FallbackConfig{},
		dspool.Layer{Name: "a", Runner: streams{err: broken(fault.WorkerCrashed)}}, dspool.Layer{Name: "b", Runner: streams{items: 5}})
	var layer string
	for ev, err := range f.Stream(t.Context(), dspool.Request{}) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Response != nil {
			layer = ev.Response.Layer
		}
	}
	if layer != "b" {
		t.Errorf("the result names the layer %q", layer)
	}
	for range f.Stream(t.Context(), dspool.Request{}) {
		break
	}
}

// What a failed layer may have begun is not forgotten when the next one fails.
func TestAFallbacksErrorTellsTheTruthAboutAllLayers(t *testing.T) {
	t.Parallel()
	f := newFallback(t, dspool.FallbackConfig{},
		dspool.Layer{Name: "a", Runner: fails(always(fault.New(fault.WorkerCrashed, "x").WithStarted(fault.StartedYes)))},
		dspool.Layer{Name: "b", Runner: fails(always(broken(fault.NotFound)))})
	_, err := f.Call(t.Context(), dspool.Request{Program: repeatable(t)})
	wantFault(t, err, fault.NotFound)
	if s := fault.From(err).Started; s != fault.StartedYes {
		t.Errorf("Started %q", s)
	}
}

// owned is a Runner with a life.
type owned struct {
	still

	fails  error
	starts atomic.Int64
	stops  atomic.Int64
}

func (o *owned) Start(context.Context) error { o.starts.Add(1); return o.fails }
func (o *owned) Stop(context.Context) error  { o.stops.Add(1); return nil }

// The next layer serves when a better one cannot even be started. CHK-70
func TestALayerWhoseStartFailsIsLeftOut(t *testing.T) {
	t.Parallel()
	a, b := &owned{fails: errors.New("no Python here")}, &owned{}
	f := newFallback(t, dspool.FallbackConfig{},
		dspool.Layer{Name: "a", Runner: a}, dspool.Layer{Name: "b", Runner: b}, dspool.Layer{Name: "c", Runner: still{}})
	events := f.Events(t.Context())
	for range 2 {
		if err := f.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if layer := answeredBy(t, f); layer != "b" {
		t.Errorf("answered by %s", layer)
	}
	st := f.Status()
	if st.Serving != "b" || st.Layers[0].State != dspool.LayerNotStarted || st.Layers[0].LastError == "" || st.Layers[0].Engaged != 1 {
		t.Errorf("%+v", st)
	}
	for range 2 {
		if err := f.Stop(soon(t)); err != nil {
			t.Fatal(err)
		}
	}
	if a.starts.Load() != 1 || b.starts.Load() != 1 || a.stops.Load() != 1 || b.stops.Load() != 1 {
		t.Errorf("starts %d and %d, stops %d and %d", a.starts.Load(), b.starts.Load(), a.stops.Load(), b.stops.Load())
	}
	wantFault(t, f.Start(t.Context()), fault.ShuttingDown)
	for ev := range events { // ends with Stop
		if ev.Kind != dspool.FallbackEngaged || ev.Layer != "a" || ev.Next != "b" {
			t.Errorf("%+v", ev)
		}
	}
	none := newFallback(t, dspool.FallbackConfig{}, dspool.Layer{Name: "a", Runner: a})
	wantFault(t, none.Start(t.Context()), fault.Unavailable, "a: no Python here")
	wantFault(t, callErr(none), fault.Unavailable)
}

// The cascade of old: pool, single, mock. The pool's worker cannot be started
// at all, the single's is killed, the mock answers. CHK-70
func TestPoolThenSingleThenMock(t *testing.T) {
	t.Parallel()
	pool, err := dspool.New(dspool.Config{Command: []string{"/nonexistent/worker"}, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	config := mockConfig(t)
	config.Workers = 1
	single, err := dspool.NewSingle(config)
	if err != nil {
		t.Fatal(err)
	}
	mock, err := dspool.NewMock(dspool.MockConfig{Answers: map[string]any{"mock:upper": "ECHO"}})
	if err != nil {
		t.Fatal(err)
	}
	f := newFallback(t, dspool.FallbackConfig{},
		dspool.Layer{Name: "pool", Runner: pool}, dspool.Layer{Name: "single", Runner: single}, dspool.Layer{Name: "mock", Runner: mock})
	if err := f.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Stop(soon(t)) })
	upper, err := dspool.NewFunc("mock:upper")
	if err != nil {
		t.Fatal(err)
	}
	req := dspool.Request{Program: upper, Input: json.RawMessage(`{"text":"echo"}`)}
	resp, err := f.Call(soon(t), req)
	if err != nil || resp.Layer != "single" || string(resp.Output) != `"ECHO"` {
		t.Fatalf("%s by %q: %v", resp.Output, resp.Layer, err)
	}
	if err := single.Stop(soon(t)); err != nil {
		t.Fatal(err)
	}
	resp, err = f.Call(soon(t), req)
	if err != nil || resp.Layer != "mock" || string(resp.Output) != `"ECHO"` {
		t.Fatalf("%s by %q: %v", resp.Output, resp.Layer, err)
	}
}

func TestAFallbackRefusesWhatCannotBe(t *testing.T) {
	t.Parallel()
	_, err := dspool.NewFallback(dspool.FallbackConfig{Failures: -1, Pause: -1, PauseMax: -2},
		dspool.Layer{}, dspool.Layer{Name: "a", Runner: still{}, Timeout: -1}, dspool.Layer{Name: "a", Runner: still{}})
	wantFault(t, err, fault.InvalidArgument, "FallbackConfig.Failures", "FallbackConfig.Pause:", "FallbackConfig.PauseMax",
		"layers[0].Name", "layers[0].Runner", "layers[1].Timeout", "layers[2].Name")
	_, err = dspool.NewFallback(dspool.FallbackConfig{})
	wantFault(t, err, fault.InvalidArgument, "layers: must not be empty")
	wantFault(t, dspool.FallbackConfig{Failures: -1}.Validate(), fault.InvalidArgument)
}

// All three together, under a storm: the better layer is down for a minute, no
// call is lost, and it is hardly asked meanwhile.
func TestAStormGoesThroughTheNextLayer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int64
		down := time.Now().Add(time.Minute)
		flaky := &fakeRunner{answer: func(context.Context, dspool.Request) (dspool.Response, error) {
			asked.Add(1)
			if time.Now().Before(down) {
				return dspool.Response{}, broken(fault.WorkerCrashed)
			}
			return dspool.Response{Attempts: 1}, nil
		}}
		guarded := newBreaker(t, flaky, dspool.BreakerConfig{Name: "pool", Pause: 5 * time.Second})
		f := newFallback(t, dspool.FallbackConfig{PauseMax: 10 * time.Second},
			dspool.Layer{Name: "pool", Runner: guarded}, dspool.Layer{Name: "mock", Runner: says(`1`)})
		r := newRetry(t, f, dspool.RetryConfig{})
		var callers sync.WaitGroup
		var late atomic.Int64
		for n := range 50 {
			callers.Go(func() {
				for range 150 {
					resp, err := r.Call(t.Context(), dspool.Request{})
					if err != nil {
						t.Errorf("a call was lost: %v", err)
					}
					if resp.Layer == "mock" && time.Since(down) > 15*time.Second {
						late.Add(1)
					}
					pass(time.Duration(500+n) * time.Millisecond)
				}
			})
		}
		callers.Wait()
		if late.Load() > 0 {
			t.Errorf("%d calls went to the mock long after the pool was back", late.Load())
		}
	})
}

func BenchmarkFallbackBestLayer(b *testing.B) {
	runner := newFallback(b, dspool.FallbackConfig{}, dspool.Layer{Name: "a", Runner: still{}}, dspool.Layer{Name: "b", Runner: still{}})
	for b.Loop() {
		if _, err := runner.Call(b.Context(), dspool.Request{}); err != nil {
			b.Fatal(err)
		}
	}
}
