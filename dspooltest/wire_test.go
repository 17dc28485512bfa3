package dspooltest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// wired returns a script and a pool whose workers follow it.
func wired(t *testing.T, change func(*dspool.Config)) (*dspooltest.Wire, *dspool.Pool) {
	t.Helper()
	w := dspooltest.NewWire(t)
	config := dspool.Config{Command: w.Command(), Workers: 1}
	if change != nil {
		change(&config)
	}
	return w, started(t, config)
}

func started(t *testing.T, config dspool.Config) *dspool.Pool {
	t.Helper()
	pool, err := dspool.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := pool.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return pool
}

func function(t testing.TB, ref string, options ...dspool.CodeOption) *dspool.Spec {
	t.Helper()
	spec, err := dspool.NewFunc(ref, options...)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

// outcome calls a function and returns its output.
func outcome(t testing.TB, r dspool.Runner, ref, input string) (string, error) {
	t.Helper()
	resp, err := r.Call(testkit.Context(t, time.Minute), dspool.Request{Program: function(t, ref), Input: []byte(input)})
	return string(resp.Output), err
}

// wantCode checks an error's code and what it says.
func wantCode(t testing.TB, err error, code fault.Code, says string) *fault.Error {
	t.Helper()
	if fault.CodeOf(err) != code || !strings.Contains(fmt.Sprint(err), says) {
		t.Fatalf("%v, want %s and the words %q", err, code, says)
	}
	return fault.From(err)
}

// CHK-82: expect(command, response), and the history.
func TestAWireAnswersAndRemembers(t *testing.T) {
	t.Parallel()
	w, pool := wired(t, nil)
	w.Answer("shop:total", dspooltest.Act{Output: map[string]int{"to_pay": 18}})
	w.Answer("", dspooltest.Act{Output: "anything"})
	for ref, want := range map[string]string{"shop:total": `{"to_pay":18}`, "mock:echo": `"anything"`} {
		if out, err := outcome(t, pool, ref, `{"n":1}`); err != nil || out != want {
			t.Errorf("%s: %s, %v", ref, out, err)
		}
	}
	w.Answer("", dspooltest.Act{})
	if out, err := outcome(t, pool, "mock:upper", `{"text":"as usual"}`); err != nil || out != `"AS USUAL"` {
		t.Errorf("%s, %v", out, err)
	}
	_, err := outcome(t, pool, "shop:nothing", "")
	wantCode(t, err, fault.NotFound, "shop:nothing")

	h := w.History()
	if len(h) != 4 || string(h[2].Input) != `{"text":"as usual"}` || string(h[2].Output) != `"AS USUAL"` || h[3].Code != fault.NotFound || h[3].PID == 0 {
		t.Errorf("history %+v", h)
	}
	if st := w.Stats(); st.Hellos != 1 || st.Requests != 4 || st.Responses != 4 || st.Errors != 0 {
		t.Errorf("%+v", st)
	}
	w.Reset()
	if st := w.Stats(); len(w.History()) != 0 || st.Requests != 0 || time.Since(st.Since) > time.Minute {
		t.Errorf("after a reset: %+v", st)
	}
}

// CHK-82: expect_sequence, with an error on an unexpected command.
func TestASequenceIsKept(t *testing.T) {
	t.Parallel()
	w, pool := wired(t, nil)
	w.Sequence(dspooltest.Step{Program: "a:a", Act: dspooltest.Act{Output: 1}}, dspooltest.Step{Program: "b:b", Act: dspooltest.Act{Output: 2}})
	if out, err := outcome(t, pool, "a:a", ""); err != nil || out != "1" {
		t.Errorf("%s, %v", out, err)
	}
	_, err := outcome(t, pool, "a:a", "")
	wantCode(t, err, fault.InvalidArgument, "a:a was called, but b:b is expected next")
	inner := &verdict{TB: t}
	w.Verify(inner)
	if len(inner.errors) != 2 {
		t.Errorf("Verify says %q, want an unexpected call and a missing one", inner.errors)
	}
	if out, err := outcome(t, pool, "b:b", ""); err != nil || out != "2" {
		t.Errorf("%s, %v", out, err)
	}
}

// verdict is a test that takes note of what it is told.
type verdict struct {
	testing.TB

	mu      sync.Mutex
	errors  []string
	skipped string
	fatal   string
}

func (v *verdict) Errorf(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.errors = append(v.errors, fmt.Sprintf(format, args...))
}

func (v *verdict) Helper() {}

// CHK-80, CHK-82: what can happen to a call, and what its caller gets.
func TestWhatCanHappenToACall(t *testing.T) {
	t.Parallel()
	w, pool := wired(t, func(c *dspool.Config) {
		c.Restart.Failures = 1000
		c.FrameLimit = 1 << 20
		c.CancelGrace = 200 * time.Millisecond
	})
	for name, test := range map[string]struct {
		act     dspooltest.Act
		code    fault.Code
		started fault.Started
	}{
		"an error":              {dspooltest.Act{Code: fault.LMRateLimit, Message: "slow down"}, fault.LMRateLimit, fault.StartedYes},
		"a crash":               {dspooltest.Act{Do: dspooltest.Crash}, fault.WorkerCrashed, fault.StartedYes},
		"a crash before":        {dspooltest.Act{Do: dspooltest.CrashBeforeStart}, fault.WorkerCrashed, fault.StartedNo},
		"no acknowledgement":    {dspooltest.Act{Do: dspooltest.NeverAcknowledge}, fault.WorkerCrashed, fault.StartedNo}, // CHK-132
		"half a frame":          {dspooltest.Act{Do: dspooltest.HalfFrame}, fault.WorkerCrashed, fault.StartedYes},
		"an exit":               {dspooltest.Act{Do: dspooltest.Exit, Args: map[string]any{"code": 3}}, fault.WorkerCrashed, fault.StartedYes},
		"too much":              {dspooltest.Act{Do: dspooltest.Oversize}, fault.ResourceExhausted, fault.StartedYes},
		"a bad result":          {dspooltest.Act{Do: dspooltest.BadResult}, fault.Protocol, fault.StartedYes},
		"silence":               {dspooltest.Act{Do: dspooltest.Silence}, fault.DeadlineExceeded, fault.StartedYes},
		"a hang":                {dspooltest.Act{Do: dspooltest.Hang}, fault.DeadlineExceeded, fault.StartedYes},
		"too slow":              {dspooltest.Act{Delay: time.Minute, Output: 1}, fault.DeadlineExceeded, fault.StartedYes},
		"slow, but soon enough": {dspooltest.Act{Delay: 10 * time.Millisecond, Output: 1}, "", ""},
		"a wrong id":            {dspooltest.Act{Do: dspooltest.WrongID}, "", ""},
		"garbage":               {dspooltest.Act{Do: dspooltest.Garbage}, "", ""},
		"a slow reader":         {dspooltest.Act{Do: dspooltest.SlowReader, Args: map[string]any{"ms": 20}}, "", ""},
		"no such mischief":      {dspooltest.Act{Do: "dance"}, fault.InvalidArgument, ""},
		"no JSON":               {dspooltest.Act{Output: func() {}}, fault.InvalidArgument, ""},
	} {
		w.Answer("x:x", test.act)
		patience := 20 * time.Second
		if test.code == fault.DeadlineExceeded {
			patience = 300 * time.Millisecond
		}
		resp, err := pool.Call(testkit.Context(t, patience), dspool.Request{Program: function(t, "x:x")})
		if fault.CodeOf(err) != test.code {
			t.Errorf("%s: %s, %v; want %q", name, resp.Output, err, test.code)
		}
		if test.started != "" && fault.From(err).Started != test.started {
			t.Errorf("%s: started %q, want %q: %v", name, fault.From(err).Started, test.started, err)
		}
		if out, err := outcome(t, pool, "mock:upper", `{"text":"after"}`); err != nil || out != `"AFTER"` {
			t.Errorf("after %s: %s, %v", name, out, err)
		}
	}
}

// CHK-40, CHK-82: a worker that does not come up as it should is not used.
func TestWhatCanHappenAtHello(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		act  dspooltest.Act
		says string
	}{
		"nothing":     {dspooltest.Act{Do: dspooltest.NoHello}, "HELLO within"},
		"too late":    {dspooltest.Act{Delay: time.Minute}, "HELLO within"},
		"wrong nonce": {dspooltest.Act{Do: dspooltest.WrongNonce}, "nonce"},
		"no frame":    {dspooltest.Act{Do: dspooltest.GarbageHello}, ""},
		"an exit":     {dspooltest.Act{Do: dspooltest.Exit, Args: map[string]any{"code": 5}}, "5"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := dspooltest.NewWire(t)
			w.Hello(test.act)
			pool, err := dspool.New(dspool.Config{
				Command: w.Command(), Workers: 1, StartTimeout: time.Second,
				Restart: dspool.Restart{Backoff: 10 * time.Millisecond, BackoffMax: 10 * time.Millisecond},
			})
			if err != nil {
				t.Fatal(err)
			}
			failed := dspooltest.Record(t, pool)
			if err := pool.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = pool.Stop(context.Background()) })
			if ev := failed.Await(dspool.WorkerFailed); !strings.Contains(ev.Err.Error(), test.says) {
				t.Errorf("%v, want it to say %q", ev.Err, test.says)
			}
			w.Hello(dspooltest.Act{}) // it can be mended while it runs
			if out, err := outcome(t, pool, "mock:upper", `{"text":"up"}`); err != nil || out != `"UP"` {
				t.Errorf("%s, %v", out, err)
			}
		})
	}
}

// CHK-80: error scenarios with an id, a command, a probability; added from many
// sides at once.
func TestFaultsStrikeByChance(t *testing.T) {
	t.Parallel()
	w, pool := wired(t, nil)
	var adders sync.WaitGroup
	for i := range 50 {
		adders.Go(func() { w.Inject(dspooltest.WireFault{Program: fmt.Sprintf("other:p%d", i)})() })
	}
	adders.Wait()
	remove := w.Inject(dspooltest.WireFault{Program: "mock:echo", Probability: 0.5})
	failed := 0
	const calls = 200
	for range calls {
		if _, err := outcome(t, pool, "mock:echo", ""); err != nil {
			wantCode(t, err, fault.ProgramError, "Mock error triggered")
			failed++
		}
	}
	if failed < calls/4 || failed > calls*3/4 || w.Stats().Errors != failed {
		t.Errorf("%d of %d calls failed, stats %+v", failed, calls, w.Stats())
	}
	remove()
	w.Inject(dspooltest.WireFault{Times: 1, Act: dspooltest.Act{Do: dspooltest.Silence}})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := pool.Call(ctx, dspool.Request{Program: function(t, "mock:echo")})
	wantCode(t, err, fault.DeadlineExceeded, "")
	if _, err := outcome(t, pool, "mock:echo", ""); err != nil {
		t.Errorf("a fault that is spent struck: %v", err)
	}
}

// CHK-82: healthy and unhealthy. Health checks fail, and the worker is replaced.
func TestAnUnhealthyWorkerIsReplaced(t *testing.T) {
	t.Parallel()
	w, pool := wired(t, func(c *dspool.Config) {
		c.Health = dspool.Health{Interval: 20 * time.Millisecond, DegradedInterval: 20 * time.Millisecond, Timeout: 200 * time.Millisecond}
	})
	events := dspooltest.Record(t, pool)
	first, err := outcome(t, pool, "mock:pid", "")
	if err != nil {
		t.Fatal(err)
	}
	w.Unhealthy()
	events.AwaitFunc("a degraded worker", func(ev dspool.PoolEvent) bool { return ev.To == dspool.WorkerStateDegraded })
	w.Healthy()
	events.Eventually("the pool serves", func(st dspool.Status) bool { return st.Serving == st.Want })
	if out, err := outcome(t, pool, "mock:upper", `{"text":"well"}`); err != nil || out != `"WELL"` {
		t.Errorf("%s, %v (first worker %s)", out, err, first)
	}
}

// CHK-78, CHK-81: programs with signatures are answered with values of their
// types, the same for the same input, without Python.
func TestAWireMakesUpValuesOfTheRightTypes(t *testing.T) {
	t.Parallel()
	_, pool := wired(t, nil)
	spec, err := dspool.NewPredict("question: str -> answer: str, scores: list[dict[str, float]]", "")
	if err != nil {
		t.Fatal(err)
	}
	var last string
	for range 3 {
		resp, err := pool.Call(t.Context(), dspool.Request{Program: spec, Input: []byte(`{"question":"why?"}`)})
		if err != nil {
			t.Fatal(err)
		}
		var out struct {
			Answer string
			Scores []map[string]float64
		}
		if err := json.Unmarshal(resp.Output, &out); err != nil || !strings.HasPrefix(out.Answer, "bridge_mock_answer_") {
			t.Errorf("%s, %v", resp.Output, err)
		}
		if last != "" && last != string(resp.Output) {
			t.Errorf("%s, then %s", last, resp.Output)
		}
		last = string(resp.Output)
	}
}
