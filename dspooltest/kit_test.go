package dspooltest_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

func predict(t testing.TB, text string) *dspool.Spec {
	t.Helper()
	return dspooltest.Predicts(t, []string{text})[0]
}

// CHK-117, CHK-118: every mode, several at once in one binary, each with its
// own Runner and its own settings.
func TestKitsOfAllModesSideBySide(t *testing.T) {
	t.Parallel()
	for mode, want := range map[adapter.Mode]dspooltest.Settings{
		adapter.ModeMock:       {Timeout: time.Second, Parallel: true, Concurrency: 50, Isolation: dspooltest.IsolationNone},
		adapter.ModeBridgeMock: {Timeout: 5 * time.Second, Parallel: true, Concurrency: 10, Isolation: dspooltest.IsolationProcess},
		adapter.ModeFull:       {Timeout: 30 * time.Second, Concurrency: 1, Isolation: dspooltest.IsolationSupervision},
	} {
		for i := range 2 {
			t.Run(fmt.Sprint(mode, " ", i), func(t *testing.T) {
				t.Parallel()
				if mode == adapter.ModeFull {
					dspooltest.Require(t, "dspy")
				}
				kit := dspooltest.New(t, dspooltest.Setup{Mode: mode, Config: dspool.Config{Workers: 2}})
				if kit.Settings != want || kit.Layer != adapter.LayerOf(mode) || kit.Mode != mode {
					t.Errorf("%+v in %s", kit.Settings, kit)
				}
				resp, err := kit.Call(t.Context(), dspool.Request{Program: predict(t, "question: str -> answer: str"), Input: []byte(`{"question":"why?"}`)})
				if err != nil || !strings.Contains(string(resp.Output), `"answer"`) {
					t.Errorf("%s, %v", resp.Output, err)
				}
				if kit.Pool != nil && kit.Pool.Status().Serving != 2 {
					t.Errorf("New returned before all workers served: %+v", kit.Pool.Status().Workers)
				}
			})
		}
	}
}

// CHK-117: explicit, then TEST_MODE, then configuration, then the default, looked
// at each time; what is no mode is passed over.
func TestWhichModeATestGets(t *testing.T) { // not parallel: it sets a variable
	mode := func(setup dspooltest.Setup) adapter.Mode {
		var got adapter.Mode
		t.Run("", func(t *testing.T) { got = dspooltest.New(t, setup).Mode })
		return got
	}
	for _, test := range []struct {
		variable string
		setup    dspooltest.Setup
		want     adapter.Mode
	}{
		{"", dspooltest.Setup{}, adapter.ModeMock},
		{"", dspooltest.Setup{Default: adapter.ModeBridgeMock}, adapter.ModeBridgeMock},
		{"", dspooltest.Setup{Configured: adapter.ModeMock, Default: adapter.ModeBridgeMock}, adapter.ModeMock},
		{"bridge_mock", dspooltest.Setup{Configured: adapter.ModeMock}, adapter.ModeBridgeMock},
		{"bridge_mock", dspooltest.Setup{Mode: adapter.ModeMock}, adapter.ModeMock},
		{"nonsense", dspooltest.Setup{Configured: adapter.ModeBridgeMock}, adapter.ModeBridgeMock},
		{"nonsense", dspooltest.Setup{}, adapter.ModeMock},
	} {
		t.Setenv(adapter.ModeVariable, test.variable)
		if got := mode(test.setup); got != test.want {
			t.Errorf("TEST_MODE=%q %+v: %s, want %s", test.variable, test.setup, got, test.want)
		}
	}
}

// CHK-117: a lower mode leaves out the tests of higher layers.
func TestLowerModesLeaveOutHigherLayers(t *testing.T) { // not parallel: it sets a variable
	for mode, ran := range map[string][3]bool{
		"": {true, false, false}, "bridge_mock": {true, true, false}, "full_integration": {true, true, true},
	} {
		t.Setenv(adapter.ModeVariable, mode)
		for i, layer := range []adapter.Layer{adapter.Layer1, adapter.Layer2, adapter.Layer3} {
			inner := &verdict{TB: t}
			guarded(func() { dspooltest.RequireLayer(inner, layer) })
			if (inner.skipped == "") != ran[i] {
				t.Errorf("mode %q, %s: skipped %q", mode, layer, inner.skipped)
			}
		}
	}
}

func (v *verdict) Skipf(format string, args ...any) {
	v.skipped = fmt.Sprintf(format, args...)
	panic(v)
}

func (v *verdict) Fatalf(format string, args ...any) {
	v.fatal = fmt.Sprintf(format, args...)
	panic(v)
}

// guarded runs what may end the test that calls it.
func guarded(f func()) {
	defer func() { _ = recover() }()
	f()
}

// A guard names what is missing, and DSPOOL_REQUIRE turns the skip into a
// failure.
func TestGuardsNameWhatIsMissing(t *testing.T) { // not parallel: it sets variables
	t.Setenv("DSPOOL_TEST_PYTHON", "/nowhere/python")
	t.Setenv("DSPOOL_LM", "")
	for need, says := range map[string]string{"python": "/nowhere/python", "dspy": "/nowhere/python", "lm": "DSPOOL_LM is not set", "tea": "nobody knows"} {
		t.Setenv("DSPOOL_REQUIRE", "")
		skipped := &verdict{TB: t}
		guarded(func() { dspooltest.Require(skipped, need) })
		t.Setenv("DSPOOL_REQUIRE", "x,"+need)
		failed := &verdict{TB: t}
		guarded(func() { dspooltest.Require(failed, need) })
		if !strings.Contains(skipped.skipped, says) || !strings.Contains(failed.fatal, says) || !strings.Contains(failed.fatal, "DSPOOL_REQUIRE") {
			t.Errorf("%s: skipped %q, failed %q", need, skipped.skipped, failed.fatal)
		}
	}
}

// CHK-118: a pool whose workers do not start fails its test, with the reason.
func TestAKitWhoseWorkersDoNotStartFailsTheTest(t *testing.T) {
	t.Parallel()
	inner := &verdict{TB: t}
	guarded(func() {
		dspooltest.New(inner, dspooltest.Setup{Mode: adapter.ModeBridgeMock, Config: dspool.Config{
			Command: []string{"/nowhere/worker"}, Restart: dspool.Restart{Failures: 1},
		}})
	})
	if !strings.Contains(inner.fatal, "/nowhere/worker") {
		t.Errorf("the test was told %q", inner.fatal)
	}
}

// A goroutine that a pool would leave is found, whatever else runs.
func TestWhatAKitLeavesIsFound(t *testing.T) {
	t.Parallel()
	kit := dspooltest.New(t, dspooltest.Setup{Mode: adapter.ModeBridgeMock, Config: dspool.Config{Workers: 1}})
	if left := dspooltest.Left(kit); len(left.Processes) != 1 || len(left.Goroutines) == 0 {
		t.Errorf("a pool that runs has %d processes and %d goroutines", len(left.Processes), len(left.Goroutines))
	}
}

// CHK-36, CHK-118, CHK-130: what Faults does, and that waits end with the event.
func TestFaultsOfARealPool(t *testing.T) {
	t.Parallel()
	kit := dspooltest.New(t, dspooltest.Setup{Mode: adapter.ModeBridgeMock, Config: dspool.Config{
		Workers: 2, Restart: dspool.Restart{Failures: 1000}, Health: dspool.Health{Interval: 50 * time.Millisecond, Timeout: 500 * time.Millisecond},
	}})
	victim, err := kit.Faults.Kill("")
	if err != nil {
		t.Fatal(err)
	}
	if ev := kit.Events.Await(dspool.WorkerCrashed); ev.PID != victim.PID {
		t.Errorf("worker %d was killed, %d crashed", victim.PID, ev.PID)
	}
	kit.Events.AwaitWhole()
	if _, err := kit.Faults.Kill(victim.ID); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a worker that is gone was killed again: %v", err)
	}
	if _, err := kit.Faults.KillForkServer(); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a pool without a fork server: %v", err)
	}

	frozen, err := kit.Faults.Suspend("")
	if err != nil {
		t.Fatal(err)
	}
	kit.Events.AwaitFunc("the frozen worker is found", func(ev dspool.PoolEvent) bool {
		return ev.PID == frozen.PID && ev.To == dspool.WorkerStateDegraded
	})
	kit.Events.Eventually("the frozen worker is replaced", func(st dspool.Status) bool {
		return st.Serving == 2 && st.Workers[0].PID != frozen.PID && st.Workers[1].PID != frozen.PID
	})
	blink, err := kit.Faults.Freeze(t.Context(), "", 10*time.Millisecond)
	if err != nil || blink.PID == 0 {
		t.Errorf("%+v, %v", blink, err)
	}
	out, err := outcome(t, kit, "mock:upper", `{"text":"alive"}`)
	if err != nil || out != `"ALIVE"` {
		t.Errorf("%s, %v", out, err)
	}
	kit.Events.AwaitIdle()
}

// A mock is this process: nothing of Faults may touch it.
func TestFaultsSpareTheTestItself(t *testing.T) {
	t.Parallel()
	mock := dspooltest.NewMock(t, dspool.MockConfig{})
	if _, err := dspooltest.NewFaults(mock).Kill(""); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("%v", err)
	}
}

// A wait in vain fails with the last events.
func TestAWaitInVainShowsTheLastEvents(t *testing.T) {
	t.Parallel()
	pool := started(t, dspool.Config{Command: dspooltest.Worker(t), Workers: 1})
	inner := &verdict{TB: t}
	events := dspooltest.Record(inner, pool)
	if err := pool.WaitReady(t.Context()); err != nil {
		t.Fatal(err)
	}
	events.AwaitWhole()
	if err := pool.Stop(context.Background()); err != nil {
		t.Fatal(err)
	}
	guarded(func() { events.Await(dspool.WorkerCrashed) })
	for _, says := range []string{"worker_crashed", "events ended", "worker_ready w1", "pool_stopped"} {
		if !strings.Contains(inner.fatal, says) {
			t.Errorf("the failure does not say %q:\n%s", says, inner.fatal)
		}
	}
}

// CHK-130: a corrupted pipe, in both directions. The calls on it end with an
// error that says so, others do not notice, and the worker is replaced.
func TestALineIsCorruptedOrCut(t *testing.T) {
	t.Parallel()
	kit := dspooltest.New(t, dspooltest.Setup{Mode: adapter.ModeBridgeMock, Lines: true, Config: dspool.Config{
		Workers: 2, Restart: dspool.Restart{Failures: 1000},
	}})
	for name, disturb := range map[string]func(string) error{
		"corrupt": kit.Lines.Corrupt, "corrupt what is sent": kit.Lines.CorruptSent, "cut": kit.Lines.Cut,
	} {
		var last error
		events := 0
		request := dspool.Request{Program: function(t, "mock:stream"), Input: []byte(`{"n":1000000}`)}
		for _, err := range kit.Stream(testkit.Context(t, 20*time.Second), request) {
			if last = err; events == 0 { // the call has begun
				for _, w := range kit.Pool.Status().Workers {
					if w.InFlight == 0 {
						continue
					}
					if err := disturb(w.ID); err != nil {
						t.Fatal(err)
					}
				}
			}
			events++
		}
		if code := fault.CodeOf(last); code != fault.WorkerCrashed && code != fault.Protocol || fault.From(last).Started != fault.StartedYes {
			t.Errorf("%s: after %d events the call ended with %v", name, events, last)
		}
		kit.Events.AwaitWhole()
		if out, err := outcome(t, kit, "mock:upper", `{"text":"whole"}`); err != nil || out != `"WHOLE"` {
			t.Errorf("after %s: %s, %v", name, out, err)
		}
	}
	if err := kit.Lines.Corrupt("w999"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("a worker that is not there: %v", err)
	}
}

// CHK-130: memory pressure. A worker that has grown beyond its limit is replaced
// without a failed call.
func TestAWorkerUnderMemoryPressureIsReplaced(t *testing.T) {
	t.Parallel()
	const limit = 400 << 20
	for _, mode := range []adapter.Mode{adapter.ModeBridgeMock, adapter.ModeFull} {
		t.Run(string(mode), func(t *testing.T) {
			t.Parallel()
			if mode == adapter.ModeFull {
				dspooltest.Require(t, "python", "proc")
			}
			kit := dspooltest.New(t, dspooltest.Setup{Mode: mode, Config: dspool.Config{
				Workers: 1, Recycle: dspool.Recycle{Memory: limit}, Health: dspool.Health{Interval: 50 * time.Millisecond},
			}})
			worker, err := kit.Pressure(t.Context(), limit+1)
			if err != nil {
				t.Fatal(err)
			}
			if ev := kit.Events.Await(dspool.WorkerRecycled); ev.Worker != worker || ev.Restart != dspool.ByMemory {
				t.Errorf("worker %s was under pressure; %s was recycled for %s (%s)", worker, ev.Worker, ev.Restart, ev.Reason)
			}
		})
	}
}
