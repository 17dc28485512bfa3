package dispatch_test

import (
	"testing"
	"testing/synctest"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
)

// CHK-120: work goes only to targets that are well.
func TestARestingTargetGetsNoCallsWhileOthersCan(t *testing.T) {
	t.Parallel()
	d := newDesk(dispatch.Config{}, 4, "a", "b")
	d.Rest("a")
	d.Rest("a")
	d.Rest("nobody")
	for range 4 {
		if got := mustTake(t, d, ask{}).Target(); got != "b" {
			t.Fatalf("a call went to %s, which rests", got)
		}
	}
}

func TestATargetThatWakesStillHasItsCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 2, "a")
		held := []slot{mustTake(t, d, ask{}), mustTake(t, d, ask{})}
		d.Rest("a")
		waiting := arrive(t.Context(), d, ask{})
		d.Wake("a")
		if !waiting.waiting() {
			t.Fatal("a third call got one of two places: the calls in flight were forgotten")
		}
		if st := d.Stats(); st.InFlight != 2 || st.Load["a"] != 2 {
			t.Errorf("%+v, want 2 in flight", st)
		}
		held[0].Release()
		waiting.served(t).Release()
		held[1].Release()
		if st := d.Stats(); st.InFlight != 0 {
			t.Errorf("%d in flight after the last release", st.InFlight)
		}
	})
}

func TestTheOnlyTargetMayRestAndNoCallIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{}, 2, "a") // nobody may wait
		d.Rest("a")
		first, second := arrive(t.Context(), d, ask{}), arrive(t.Context(), d, ask{})
		if !first.waiting() || !second.waiting() {
			t.Fatal("calls that the target had places for do not wait for it")
		}
		_, err := d.Acquire(t.Context(), ask{})
		wantCode(t, err, fault.QueueFull)
		d.Fail(fault.New(fault.Unavailable, "no worker can be started").WithStarted(fault.StartedNo))
		if !first.waiting() {
			t.Fatal("a call failed although its target may wake")
		}
		d.Wake("a")
		first.served(t).Release()
		second.served(t).Release()
	})
}

func TestCallsThatWaitForARestingTargetGoToItsReplacement(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 1}, 1, "a")
		d.Rest("a")
		waiting := arrive(t.Context(), d, ask{})
		d.Remove("a")
		d.Add("b", 1)
		if got := waiting.served(t).Target(); got != "b" {
			t.Errorf("served by %s, want b", got)
		}
	})
}

func TestAnExclusiveCallIsNotBookedOnARestingTarget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 2, "a", "b")
		one, two := mustTake(t, d, ask{Avoid: "b"}), mustTake(t, d, ask{Avoid: "a"})
		whole := arrive(t.Context(), d, ask{Exclusive: true}) // booked on one of the two
		d.Rest("a")
		two.Release()
		if got := whole.served(t).Target(); got != "b" {
			t.Errorf("served by %s, want b", got)
		}
		one.Release()
	})
}

func TestAVisitTakesNoPlaceAndKeepsExclusiveCallsOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 1, "a")
		leave, ok := d.Visit("a")
		if !ok {
			t.Fatal("no visit to an idle target")
		}
		mustTake(t, d, ask{}).Release()
		whole := arrive(t.Context(), d, ask{Exclusive: true})
		if !whole.waiting() {
			t.Fatal("an exclusive call began during a visit")
		}
		leave()
		s := whole.served(t)
		if _, ok := d.Visit("a"); ok {
			t.Error("a visit during an exclusive call")
		}
		s.Release()
		if _, ok := d.Visit("nobody"); ok {
			t.Error("a visit to a target that is not there")
		}
	})
}
