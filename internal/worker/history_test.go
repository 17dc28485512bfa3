package worker

import (
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
)

// CHK-120: every move is remembered with its reason and how long the state
// before it lasted; calls coming and going are no news.
func TestHistoryTellsHowLongAWorkerWasWhat(t *testing.T) {
	t.Parallel()
	start := time.Now()
	h := history{since: start}
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	steps := []struct {
		from, to State
		at, took int // of the event, in seconds
	}{
		{Initializing, Ready, 2, 2},
		{Ready, Busy, 3, 1},
		{Busy, Ready, 5, 2},
		{Ready, Busy, 6, 1},
		{Busy, Degraded, 10, 4},
		{Degraded, Ready, 11, 1},
	}
	for _, s := range steps {
		if took := h.add(Move{From: s.from, To: s.to, At: at(s.at)}); took != time.Duration(s.took)*time.Second {
			t.Errorf("%s for %s, want %d s", s.from, took, s.took)
		}
	}
	want := []time.Duration{2 * time.Second, 8 * time.Second, time.Second}
	if len(h.moves) != len(want) {
		t.Fatalf("%d moves remembered, want %d: %+v", len(h.moves), len(want), h.moves)
	}
	for i, m := range h.moves {
		if m.Took != want[i] {
			t.Errorf("move %d: %s lasted %s, want %s", i, m.From, m.Took, want[i])
		}
	}
	for i := range 100 {
		h.add(Move{From: Degraded, To: Ready, At: at(20 + i)})
	}
	if len(h.moves) != historyMax || !h.moves[historyMax-1].At.Equal(at(119)) {
		t.Errorf("%d moves remembered, the last at %s", len(h.moves), h.moves[len(h.moves)-1].At.Sub(start))
	}
}

func TestAWorkersHistoryHasItsWholeLife(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t))))
	if o := outcome(t, begin(t, w, "echo", `{}`)); o.Err != nil {
		t.Fatal(o.Err)
	}
	w.Degrade("slow")
	w.Restore("well again")
	w.Retire("enough")
	await(t, "its end", w.Done())
	at := Initializing
	for _, m := range w.History() {
		if m.From != at || m.Reason == "" || m.At.IsZero() || m.Took < 0 {
			t.Errorf("a move %+v although it was %s", m, at)
		}
		at = m.To
	}
	if at != Terminated {
		t.Errorf("the last state is %s", at)
	}
}

// A probe is nobody's call: it goes the same way, but leaves no trace.
func TestAProbeIsNotACallInFlight(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t))))
	w.Degrade("slow")
	p, err := w.Probe(&mux.Call{Program: "heed", Body: []byte(`{}`)})
	if err != nil {
		t.Fatal(err)
	}
	if w.InFlight() != 0 || w.Began() != 0 || w.State() != Degraded {
		t.Errorf("%d in flight, %d begun, %s", w.InFlight(), w.Began(), w.State())
	}
	p.Cancel(mux.Deadline)
	if o := outcome(t, p); fault.CodeOf(o.Err) != fault.DeadlineExceeded {
		t.Errorf("outcome %+v", o)
	}
	w.Retire("enough")
	if _, err := w.Probe(&mux.Call{Program: "echo"}); VerdictOf(err) != Skip {
		t.Errorf("a probe of a worker that leaves: %v", err)
	}
	await(t, "its end", w.Done())
}

// The calls of a worker that is given up end at once, typed.
func TestAnAbortedWorkersCallsEndAtOnceAndUnresponsive(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t, func(c *Config) { c.CancelGrace = time.Minute }))))
	p := begin(t, w, "hang", `{}`)
	begun(t, w, p)
	w.Abort("it does not answer")
	o := outcome(t, p)
	if fault.CodeOf(o.Err) != fault.WorkerUnresponsive || o.Err.Started != fault.StartedYes || o.Err.Details["reason"] != "it does not answer" {
		t.Errorf("outcome %+v", o.Err)
	}
	await(t, "its end", w.Done())
	if w.Exit().Expected() {
		t.Error("an aborted worker counts as one that was asked to leave")
	}
}

func TestVitalsOfAWorker(t *testing.T) {
	t.Parallel()
	w := spawn(t, started(t, NewSpawner(config(t))))
	if _, err := w.Ping(testkit.Context(t, patience)); err != nil {
		t.Fatal(err)
	}
	if v, ok := w.Vitals(); ok && v.Stopped() {
		t.Errorf("%+v", v)
	}
}
