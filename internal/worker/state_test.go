package worker

import (
	"strings"
	"sync"
	"testing"
	"time"
)

// The whole table, written down a second time. CHK-120
func TestLegalMoves(t *testing.T) {
	t.Parallel()
	legal := map[State]string{
		Initializing: "ready error terminating",
		Ready:        "busy degraded error draining terminating",
		Busy:         "ready degraded error draining terminating",
		Degraded:     "ready error draining terminating",
		Error:        "terminating terminated",
		Draining:     "error terminating terminated",
		Terminating:  "terminated",
		Terminated:   "",
	}
	for from := range stateCount {
		for to := range stateCount {
			want := false
			for _, name := range strings.Fields(legal[from]) {
				want = want || name == to.String()
			}
			if got := from.MayBecome(to); got != want {
				t.Errorf("%s -> %s: legal = %v, want %v", from, to, got, want)
			}
		}
	}
	if Ready.MayBecome(stateCount) || stateCount.MayBecome(Ready) {
		t.Error("a state that does not exist is in the table")
	}
}

func TestWorkGoesOnlyToReadyAndBusy(t *testing.T) {
	t.Parallel()
	for s := Initializing; s <= stateCount; s++ {
		if want := s == Ready || s == Busy; s.Takes() != want {
			t.Errorf("%s.Takes() = %v", s, s.Takes())
		}
	}
	if stateCount.String() != "invalid" {
		t.Errorf("String of no state = %q", stateCount)
	}
}

// at is a life in the given state.
func at(s State, calls int) *life {
	l := &life{}
	l.word.Store(join(s, calls))
	return l
}

func TestEveryMoveIsMadeExactlyIfItIsLegal(t *testing.T) {
	t.Parallel()
	for from := range stateCount {
		for to := range stateCount {
			l := at(from, 0)
			var told []State
			l.told = func(_, to State, reason string, _ time.Time) {
				if reason != "because" {
					t.Errorf("reason = %q", reason)
				}
				told = append(told, to)
			}
			moved := l.move(to, "because")
			if moved != from.MayBecome(to) || moved != (len(told) == 1) {
				t.Errorf("%s -> %s: moved = %v, told %v", from, to, moved, told)
			}
			if now := l.state(); moved && now != to || !moved && now != from {
				t.Errorf("%s -> %s ended in %s", from, to, now)
			}
		}
	}
}

func TestCallsMakeAWorkerBusyAndTheLastOneReady(t *testing.T) {
	t.Parallel()
	l := at(Ready, 0)
	for i := range 3 {
		if !l.enter() || l.state() != Busy || l.calls() != i+1 {
			t.Fatalf("after %d calls: %s with %d", i+1, l.state(), l.calls())
		}
	}
	for i := range 3 {
		if last := l.leave(); last != (i == 2) {
			t.Errorf("leaving %d: last = %v", i, last)
		}
	}
	if l.state() != Ready || l.calls() != 0 {
		t.Errorf("in the end: %s with %d", l.state(), l.calls())
	}
}

func TestAWorkerThatLeavesKeepsItsCallsButTakesNone(t *testing.T) {
	t.Parallel()
	for _, s := range []State{Initializing, Degraded, Error, Draining, Terminating, Terminated} {
		l := at(s, 1)
		if l.enter() {
			t.Errorf("%s took a call", s)
		}
		if !l.leave() || l.state() != s || l.calls() != 0 {
			t.Errorf("%s with its last call ended became %s with %d", s, l.state(), l.calls())
		}
	}
}

func TestRestoredWithCallsInFlightIsBusy(t *testing.T) {
	t.Parallel()
	l := at(Degraded, 2)
	var path []string
	l.told = func(from, to State, _ string, _ time.Time) { path = append(path, from.String()+">"+to.String()) }
	if !l.move(Ready, "check passed") || l.state() != Busy || l.calls() != 2 {
		t.Errorf("became %s with %d", l.state(), l.calls())
	}
	if got := strings.Join(path, " "); got != "degraded>ready ready>busy" {
		t.Errorf("told %q", got)
	}
}

// Calls that begin and end on many goroutines leave no trace, and the moves
// that are told make one unbroken path.
func TestMovesAreToldInOrderUnderLoad(t *testing.T) {
	t.Parallel()
	l := at(Ready, 0)
	last := Ready
	l.told = func(from, to State, _ string, _ time.Time) {
		if from != last {
			t.Errorf("%s -> %s was told after a move to %s", from, to, last)
		}
		last = to
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 2_000 {
				if l.enter() {
					l.leave()
				}
			}
		})
	}
	wg.Wait()
	if l.state() != Ready || l.calls() != 0 {
		t.Errorf("in the end: %s with %d", l.state(), l.calls())
	}
}

func TestCallsAndAStopRaceWithoutLosingCount(t *testing.T) {
	t.Parallel()
	for range 200 {
		l := at(Ready, 0)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for l.enter() {
					l.leave()
				}
			})
		}
		wg.Go(func() { l.move(Draining, "stop") })
		wg.Wait()
		if l.state() != Draining || l.calls() != 0 {
			t.Fatalf("in the end: %s with %d", l.state(), l.calls())
		}
	}
}
