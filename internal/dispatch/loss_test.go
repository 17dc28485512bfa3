package dispatch_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
)

func TestARemovedTargetGetsNoCalls(t *testing.T) {
	t.Parallel()
	d := newDesk(dispatch.Config{}, 4, "a", "b")
	s := mustTake(t, d, ask{Avoid: "b"})
	d.Remove("a")
	d.Remove("a")
	for range 4 {
		if got := mustTake(t, d, ask{}).Target(); got != "b" {
			t.Fatalf("a call went to %s, which was removed", got)
		}
	}
	s.Release()
}

func TestACallAvoidsTheTargetThatFailedIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 4, "a")
		picky := arrive(t.Context(), d, ask{Avoid: "a"})
		if !picky.waiting() {
			t.Fatal("the call was given to the target that it avoids")
		}
		easy := arrive(t.Context(), d, ask{})
		if easy.served(t).Target() != "a" {
			t.Fatal("a call behind one that avoids the target was not served")
		}
		d.Add("b", 1)
		if got := picky.served(t).Target(); got != "b" {
			t.Errorf("served by %s, want b", got)
		}
	})
}

func TestACallThatLostItsTargetWaitsAtTheHeadAndIsNeverRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 1}, 1, "a")
		s := mustTake(t, d, ask{})
		first := arrive(t.Context(), d, ask{})
		again := arrive(t.Context(), d, ask{Again: true})
		s.Release()
		s = again.served(t)
		if !first.waiting() {
			t.Fatal("the call was not put before the others")
		}
		s.Release()
		first.served(t).Release()
	})
}

func TestAnOutageFailsCallsUntilATargetComes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 1, "a")
		why := fault.New(fault.Unavailable, "workers keep crashing").WithStarted(fault.StartedNo)
		why.RetryAfter = 3 * time.Second
		s := mustTake(t, d, ask{})
		waiter := arrive(t.Context(), d, ask{})
		d.Fail(why)
		if !waiter.waiting() {
			t.Fatal("a call failed although there is a target")
		}
		s.Release()
		waiter.served(t).Release()
		d.Remove("a")

		d.Fail(why)
		_, err := d.Acquire(t.Context(), ask{})
		if f := wantCode(t, err, fault.Unavailable); f.RetryAfter != why.RetryAfter {
			t.Errorf("RetryAfter = %s, want %s", f.RetryAfter, why.RetryAfter)
		}
		d.Fail(nil)
		waiter = arrive(t.Context(), d, ask{})
		d.Fail(why)
		if waiter.waiting() {
			t.Fatal("a waiting call outlived the outage")
		}
		wantCode(t, waiter.err, fault.Unavailable)

		d.Add("b", 1)
		mustTake(t, d, ask{}).Release()
		d.Remove("b")
		if r := arrive(t.Context(), d, ask{}); !r.waiting() {
			t.Fatal("the outage came back although a target had come")
		}
		d.Close(why)
	})
}

func TestCloseFailsTheQueueAndLeavesSlotsAlone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 1, "a")
		s := mustTake(t, d, ask{})
		waiter := arrive(t.Context(), d, ask{})
		d.Close(fault.New(fault.ShuttingDown, "stopping").WithStarted(fault.StartedNo))
		d.Close(fault.New(fault.Internal, "second"))
		if waiter.waiting() {
			t.Fatal("a call outlived Close")
		}
		wantCode(t, waiter.err, fault.ShuttingDown)
		s.Release()
		_, err := d.Acquire(t.Context(), ask{Again: true})
		wantCode(t, err, fault.ShuttingDown)
	})
}

func TestStatsTellWhatIsGoingOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 1, "a", "b")
		mustTake(t, d, ask{})
		s := mustTake(t, d, ask{})
		r := arrive(t.Context(), d, ask{})
		pass(2 * time.Second)
		st := d.Stats()
		if st.Targets != 2 || st.Capacity != 2 || st.InFlight != 2 || st.Queued != 1 ||
			st.Oldest != 2*time.Second || st.Load["a"] != 1 || st.Load["b"] != 1 {
			t.Errorf("stats %+v", st)
		}
		s.Release()
		r.served(t)
	})
}

func TestTheTurnSurvivesTheLossOfTargets(t *testing.T) {
	t.Parallel()
	for taken := range 6 {
		d := newDesk(dispatch.Config{QueueSize: 4}, 10, "a", "b", "c")
		for range taken {
			mustTake(t, d, ask{}).Release()
		}
		d.Remove("b")
		d.Remove("a")
		mustTake(t, d, ask{}).Release()
	}
}
