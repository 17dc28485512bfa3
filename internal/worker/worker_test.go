package worker

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
)

func TestAWorkerAnswersCalls(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(Config) Source) {
		j := newJournal()
		w := spawn(t, started(t, open(config(t, func(c *Config) { c.OnTransition = j.note }))))
		o := outcome(t, begin(t, w, "echo", `{"x":1}`))
		if o.Err != nil || !strings.Contains(string(o.Reply.Body), `"x":1`) {
			t.Fatalf("outcome = %s, %v", o.Reply.Body, o.Err)
		}
		if w.State() != Ready || w.InFlight() != 0 || w.Began() != 1 || w.Served() != 1 {
			t.Errorf("state %s, %d in flight, %d begun, %d served", w.State(), w.InFlight(), w.Began(), w.Served())
		}
		if err := w.Stop(testkit.Context(t, patience)); err != nil {
			t.Fatal(err)
		}
		var path []string
		for _, tr := range j.all() {
			path = append(path, tr.To.String())
			if tr.Worker != "w1" || tr.PID != w.PID() || tr.Reason == "" || tr.At.IsZero() {
				t.Errorf("transition = %+v", tr)
			}
		}
		if got := strings.Join(path, " "); got != "ready busy ready draining error terminating terminated" {
			t.Errorf("moves: %s", got)
		}
		if e := w.Exit(); !e.Known || !e.OK() || !e.Expected() || e.Goodbye == "" {
			t.Errorf("exit = %+v", e)
		}
	})
}

func TestTheSettledFunctionSeesTheWorkersStateAlreadyRight(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t))))
	seen := make(chan int, 1)
	_, err := w.Begin(&mux.Call{Program: "echo", Body: []byte(`{}`), Settled: func(mux.Outcome) { seen <- w.InFlight() }})
	if err != nil {
		t.Fatal(err)
	}
	if n := <-seen; n != 0 {
		t.Errorf("%d in flight when the only call settled", n)
	}
}

func TestCrashesAreTypedAndExplained(t *testing.T) {
	t.Parallel()
	tests := []struct {
		program, body   string
		detail, value   string
		started         fault.Started
		stderrMustBeOut bool
	}{
		{"exit", `{"code":3}`, "exit", "3", fault.StartedYes, false},
		{"crash", `{}`, "signal", "SIGKILL", fault.StartedYes, false},
		{"crash_before_start", `{}`, "signal", "SIGKILL", fault.StartedNo, false},
	}
	eachSource(t, func(t *testing.T, open func(Config) Source) {
		for _, tt := range tests {
			t.Run(tt.program, func(t *testing.T) {
				t.Parallel()
				w := spawn(t, started(t, open(config(t))))
				o := outcome(t, begin(t, w, tt.program, tt.body))
				if o.Err == nil || o.Err.Code != fault.WorkerCrashed || o.Err.Worker != "w1" || o.Err.Started != tt.started {
					t.Fatalf("error = %+v", o.Err)
				}
				if got := o.Err.Details[tt.detail]; got != tt.value {
					t.Errorf("detail %s = %q, want %q; all: %v", tt.detail, got, tt.value, o.Err.Details)
				}
				await(t, "Leaving", w.Leaving())
				await(t, "Done", w.Done())
				if e := w.Exit(); w.State() != Terminated || !e.Known || e.Expected() || VerdictOf(o.Err) != Remove {
					t.Errorf("state %s, exit %+v", w.State(), e)
				}
			})
		}
	})
}

func TestAWorkerKilledFromOutsideIsGivenUpAtOnce(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(Config) Source) {
		w := spawn(t, started(t, open(config(t))))
		p := begin(t, w, "sleep", `{"ms":60000}`)
		killed := time.Now()
		_ = syscall.Kill(w.PID(), syscall.SIGKILL)
		await(t, "Leaving", w.Leaving())
		left := time.Since(killed)
		o := outcome(t, p)
		if o.Err == nil || o.Err.Code != fault.WorkerCrashed || o.Err.Details["signal"] != "SIGKILL" {
			t.Errorf("error = %+v", o.Err)
		}
		if total := time.Since(killed); left > time.Second || total > 2*time.Second {
			t.Errorf("given up after %v, error after %v", left, total)
		}
		if _, err := w.Begin(&mux.Call{Program: "echo"}); VerdictOf(err) != Skip {
			t.Errorf("a call for a lost worker: %v", err)
		}
	})
}

func TestACallThatReactsToItsCancellationCostsNoWorker(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t))))
	p := begin(t, w, "sleep", `{"ms":60000}`)
	w.Cancel(p, mux.Canceled)
	if o := outcome(t, p); fault.CodeOf(o.Err) != fault.Canceled || VerdictOf(o.Err) != Keep {
		t.Errorf("outcome = %+v", o.Err)
	}
	if w.State() != Ready {
		t.Errorf("state = %s", w.State())
	}
}

func TestAWorkerThatIgnoresACancellationIsKilledAfterItsNeighboursGrace(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(Config) Source) {
		j := newJournal()
		w := spawn(t, started(t, open(config(t, func(c *Config) {
			c.OnTransition = j.note
			c.CancelGrace = time.Second
		}))))
		hung := begin(t, w, "hang", `{}`)
		quick := begin(t, w, "sleep", `{"ms":1500}`) // ends within the second grace
		slow := begin(t, w, "sleep", `{"ms":60000}`)
		for _, p := range []*mux.Pending{hung, quick, slow} {
			begun(t, w, p)
		}
		w.Cancel(hung, mux.Deadline)
		given := j.await(t, Error)
		if !strings.Contains(given.Reason, "did not stop within") {
			t.Errorf("reason = %q", given.Reason)
		}
		if o := outcome(t, quick); o.Err != nil {
			t.Errorf("the neighbour with time enough: %v", o.Err)
		}
		for _, p := range []*mux.Pending{hung, slow} {
			if o := outcome(t, p); o.Err == nil || o.Err.Code != fault.WorkerUnresponsive || o.Err.Started != fault.StartedYes {
				t.Errorf("outcome = %+v", o.Err)
			}
		}
		await(t, "Done", w.Done())
		if e := w.Exit(); e.Signal != syscall.SIGKILL || e.Code != fault.WorkerUnresponsive || e.Expected() {
			t.Errorf("exit = %+v", e)
		}
	})
}

func TestACallThatIsCancelledTwiceIsOneHungCall(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t, func(c *Config) { c.CancelGrace = time.Second }))))
	hung := begin(t, w, "hang", `{}`)
	quick := begin(t, w, "sleep", `{"ms":1500}`) // ends within the second grace
	for _, p := range []*mux.Pending{hung, quick} {
		begun(t, w, p)
	}
	w.Cancel(hung, mux.Canceled)
	w.Cancel(hung, mux.Canceled)
	if o := outcome(t, quick); o.Err != nil {
		t.Errorf("the neighbour had its grace cut short: %v", o.Err)
	}
	await(t, "Done", w.Done())
}

func TestAWorkerWithNothingButHungCallsIsKilledWithoutFurtherGrace(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t, func(c *Config) { c.CancelGrace = time.Second }))))
	p := begin(t, w, "hang", `{}`)
	begun(t, w, p)
	since := time.Now()
	w.Cancel(p, mux.Canceled)
	await(t, "Done", w.Done())
	if took := time.Since(since); took > 1900*time.Millisecond {
		t.Errorf("took %v, although no neighbour needed a grace", took)
	}
}

func TestARetiredWorkerFinishesItsCallsAndTakesNoMore(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(Config) Source) {
		w := spawn(t, started(t, open(config(t))))
		p := begin(t, w, "sleep", `{"ms":300}`)
		w.Retire("old")
		w.Retire("twice")
		await(t, "Leaving", w.Leaving())
		if _, err := w.Begin(&mux.Call{Program: "echo"}); VerdictOf(err) != Skip || fault.From(err).Started != fault.StartedNo {
			t.Errorf("a call for a retired worker: %v", err)
		}
		if o := outcome(t, p); o.Err != nil {
			t.Errorf("the call in flight: %v", o.Err)
		}
		if e := w.Exit(); !e.Expected() || !e.OK() || e.Reason != "old" {
			t.Errorf("exit = %+v", e)
		}
	})
}

// CHK-97
func TestStopWithoutTimeCutsCallsOff(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(Config) Source) {
		w := spawn(t, started(t, open(config(t))))
		p := begin(t, w, "hang", `{}`)
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		since := time.Now()
		if err := w.Stop(ctx); fault.CodeOf(err) != fault.Canceled {
			t.Errorf("Stop = %v", err)
		}
		if took := time.Since(since); took > 2*time.Second {
			t.Errorf("took %v", took)
		}
		if o := outcome(t, p); o.Err == nil || o.Err.Code != fault.ShuttingDown {
			t.Errorf("outcome = %+v", o.Err)
		}
	})
}

func TestKillSaysWhy(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t))))
	p := begin(t, w, "hang", `{}`)
	w.Kill("too much memory")
	if o := outcome(t, p); o.Err == nil || o.Err.Code != fault.WorkerCrashed || !strings.Contains(o.Err.Message, "too much memory") {
		t.Errorf("outcome = %+v", o.Err)
	}
	if e := w.Exit(); e.Signal != syscall.SIGKILL || e.Reason != "too much memory" {
		t.Errorf("exit = %+v", e)
	}
}

func TestEverythingMayBeCalledAfterTheEnd(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t))))
	p := begin(t, w, "echo", `{}`)
	outcome(t, p)
	ctx := testkit.Context(t, patience)
	if err := w.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	w.Kill("again")
	w.Retire("again")
	w.Cancel(p, mux.Canceled)
	if err := w.Stop(ctx); err != nil {
		t.Errorf("second Stop: %v", err)
	}
	if _, err := w.Ping(ctx); err == nil {
		t.Error("a dead worker answered a ping")
	}
	if e := w.Exit(); e.Reason != "stopped" || !e.Expected() {
		t.Errorf("exit = %+v", e)
	}
}

// CHK-41
func TestPing(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t))))
	if _, err := w.Ping(testkit.Context(t, patience)); err != nil {
		t.Error(err)
	}
}

func TestADegradedWorkerTakesNoCallsUntilRestored(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t))))
	if !w.Degrade("slow") || w.State() != Degraded {
		t.Fatalf("state = %s", w.State())
	}
	if _, err := w.Begin(&mux.Call{Program: "echo"}); VerdictOf(err) != Skip {
		t.Errorf("a call for a degraded worker: %v", err)
	}
	if !w.Restore("well again") || w.Restore("twice") {
		t.Error("Restore did not work exactly once")
	}
	if o := outcome(t, begin(t, w, "echo", `{}`)); o.Err != nil {
		t.Error(o.Err)
	}
}

func TestManyCallsAtOnceAndNoneIsLost(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t))))
	for round := range 20 {
		var pending []*mux.Pending
		for i := range 40 {
			pending = append(pending, begin(t, w, "echo", fmt.Sprintf(`{"n":%d}`, round*40+i)))
		}
		for _, p := range pending {
			if o := outcome(t, p); o.Err != nil {
				t.Fatal(o.Err)
			}
		}
	}
	if w.InFlight() != 0 || w.State() != Ready || w.Served() != 800 {
		t.Errorf("%d in flight, %s, %d served", w.InFlight(), w.State(), w.Served())
	}
}
