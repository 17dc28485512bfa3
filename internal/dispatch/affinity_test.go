package dispatch_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
)

func keyed(key string) ask { return ask{Key: key} }

func TestAKeyStaysWithTheTargetThatServedItFirst(t *testing.T) {
	t.Parallel()
	d := newDesk(dispatch.Config{}, 4, "a", "b", "c")
	home := map[string]seatName{}
	for range 20 {
		for _, key := range []string{"x", "y", "z", "u", "v"} {
			s := mustTake(t, d, keyed(key))
			if at, known := home[key]; known && at != s.Target() {
				t.Fatalf("key %s was on %s and is now on %s", key, at, s.Target())
			}
			home[key] = s.Target()
			s.Release()
		}
	}
	if st := d.Stats().Affinity; st != (dispatch.AffinityStats{Bindings: 5, Hits: 95, Misses: 5}) {
		t.Errorf("stats %+v", st)
	}
}

// CHK-122
func TestAtSteadyStateOverNinetyFiveInAHundredCallsHit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 64}, 8, "a", "b", "c", "d")
		for round := range 100 {
			var held []slot
			for i := range 16 { // half of what the targets take, uneven: some find theirs full
				held = append(held, mustTake(t, d, keyed(fmt.Sprint((i*round)%40))))
			}
			pass(time.Second)
			for _, s := range held {
				s.Release()
			}
		}
		st := d.Stats().Affinity
		if rate := float64(st.Hits) / float64(st.Hits+st.Misses); rate <= 0.95 {
			t.Errorf("hit rate %.3f, want more than 0.95 (%+v)", rate, st)
		}
	})
}

func TestWhatACallDoesWhoseTargetIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 1, "a", "b")
		s := mustTake(t, d, keyed("k"))
		home := s.Target()

		away := mustTake(t, d, ask{Key: "k", Affinity: dispatch.Hint})
		if away.Target() == home {
			t.Fatal("two calls on a target of capacity 1")
		}
		away.Release()

		strict := arrive(t.Context(), d, ask{Key: "k", Affinity: dispatch.Queue})
		if !strict.waiting() {
			t.Fatal("a strict call went elsewhere")
		}
		other := arrive(t.Context(), d, ask{})
		if other.served(t).Target() == home {
			t.Fatal("a call behind a strict one took its target")
		}
		other.slot.Release()

		_, err := d.Acquire(t.Context(), ask{Key: "k", Affinity: dispatch.FailFast})
		if f := wantCode(t, err, fault.QueueFull); f.RetryAfter <= 0 || !f.Retryable() {
			t.Errorf("RetryAfter %s, retryable %v", f.RetryAfter, f.Retryable())
		}

		s.Release()
		if got := strict.served(t).Target(); got != home {
			t.Errorf("served by %s, want %s", got, home)
		}
		strict.slot.Release()
		if got := mustTake(t, d, keyed("k")).Target(); got != home {
			t.Errorf("a miss moved the binding to %s", got)
		}
	})
}

func TestACallThatMayNotWaitForItsTargetWaitsForTheFirstOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 1)
		r := arrive(t.Context(), d, ask{Key: "k", Affinity: dispatch.FailFast})
		if !r.waiting() {
			t.Fatal("refused although its key is bound to nothing")
		}
		d.Add("a", 1)
		r.served(t).Release()
	})
}

func TestStrictCallsOfOneKeyThatArriveTogetherAllGoToOneTarget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 8}, 4)
		var line []*arrival
		for range 4 {
			line = append(line, arrive(t.Context(), d, ask{Key: "k", Affinity: dispatch.Queue}))
		}
		d.Add("a", 1)
		d.Add("b", 4)
		at := line[0].served(t).Target()
		for i, r := range line {
			if got := r.served(t).Target(); got != at {
				t.Errorf("call %d is on %s, the first on %s", i, got, at)
			}
			r.slot.Release()
		}
	})
}

// CHK-122
func TestATargetThatLeavesFreesAllItsKeysAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changes []dispatch.Binding
		d := newDesk(dispatch.Config{QueueSize: 8, OnBinding: func(b dispatch.Binding) { changes = append(changes, b) }}, 4, "a")
		for _, key := range []string{"x", "y", "z"} {
			mustTake(t, d, keyed(key)).Release()
		}
		s := mustTake(t, d, ask{Key: "x", Affinity: dispatch.Queue})
		d.Remove("a")
		waiter := arrive(t.Context(), d, ask{Key: "x", Affinity: dispatch.Queue})
		s.Release()
		if n := d.Stats().Affinity.Bindings; n != 0 {
			t.Errorf("%d keys are bound to a target that has left", n)
		}
		d.Add("b", 4)
		if got := waiter.served(t).Target(); got != "b" {
			t.Errorf("rebound to %s, want b", got)
		}
		waiter.slot.Release()
		st := d.Stats().Affinity
		if st.Bindings != 1 || st.Rebinds != 1 {
			t.Errorf("stats %+v", st)
		}
		want := []dispatch.Binding{
			{Key: "x", Target: "a", Bound: true, Count: 1, Why: dispatch.WhyFirst},
			{Key: "y", Target: "a", Bound: true, Count: 1, Why: dispatch.WhyFirst},
			{Key: "z", Target: "a", Bound: true, Count: 1, Why: dispatch.WhyFirst},
			{Target: "a", Count: 3, Why: dispatch.WhyGone},
			{Key: "x", Target: "b", Bound: true, Count: 1, Why: dispatch.WhyRebound},
		}
		if !slices.Equal(changes, want) {
			t.Errorf("changes\n%v, want\n%v", changes, want)
		}
	})
}

func TestABindingEndsFiveMinutesAfterItsLastUse(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended := map[string]dispatch.Why{}
		d := newDesk(dispatch.Config{QueueSize: 4, OnBinding: func(b dispatch.Binding) {
			if !b.Bound {
				ended[b.Key] = b.Why
			}
		}}, 8, "a", "b")
		mustTake(t, d, keyed("idle")).Release()
		mustTake(t, d, keyed("used")).Release()
		long := mustTake(t, d, keyed("long"))
		pass(4 * time.Minute)
		mustTake(t, d, keyed("used")).Release()
		pass(2 * time.Minute)
		d.Sweep()
		if want := (map[string]dispatch.Why{"idle": dispatch.WhyIdle}); len(ended) != 1 || ended["idle"] != want["idle"] {
			t.Errorf("ended %v, want only idle", ended)
		}
		long.Release()
		pass(4 * time.Minute)
		if n := d.Stats().Affinity.Bindings; n != 1 {
			t.Errorf("%d bindings, want the one that was in use until a moment ago", n)
		}
		pass(time.Minute)
		mustTake(t, d, keyed("long")).Release()
		if st := d.Stats().Affinity; st.Misses != 4 {
			t.Errorf("%d misses, want 4: a binding that has run out is none", st.Misses)
		}
	})
}

func TestTheNumberOfBindingsIsBoundedAndTheOldestGoes(t *testing.T) {
	t.Parallel()
	var evicted []string
	d := newDesk(dispatch.Config{Bindings: 3, OnBinding: func(b dispatch.Binding) {
		if b.Why == dispatch.WhyEvicted {
			evicted = append(evicted, b.Key)
		}
	}}, 8, "a")
	for _, key := range []string{"1", "2", "3", "1", "4", "5"} {
		mustTake(t, d, keyed(key)).Release()
	}
	if !slices.Equal(evicted, []string{"2", "3"}) {
		t.Errorf("evicted %v, want 2 and 3", evicted)
	}
	if n := d.Stats().Affinity.Bindings; n != 3 {
		t.Errorf("%d bindings, want 3", n)
	}
}

func TestReleaseFreesAKeyEvenWhileACallHoldsIt(t *testing.T) {
	t.Parallel()
	d := newDesk(dispatch.Config{}, 8, "a", "b")
	s := mustTake(t, d, keyed("k"))
	d.Release("k")
	d.Release("k")
	if n := d.Stats().Affinity.Bindings; n != 0 {
		t.Errorf("%d bindings after Release", n)
	}
	mustTake(t, d, keyed("k")).Release()
	s.Release()
	if n := d.Stats().Affinity.Bindings; n != 1 {
		t.Errorf("%d bindings, want the new one", n)
	}
}

func TestACallForOneTargetOnlyWaitsForItAndNotForOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 1, "b")
		r := arrive(t.Context(), d, ask{Only: "a"})
		mustTake(t, d, ask{}).Release()
		if !r.waiting() {
			t.Fatal("served by another target")
		}
		d.Add("a", 1)
		if got := r.served(t).Target(); got != "a" {
			t.Errorf("served by %s", got)
		}
	})
}

func TestAnExclusiveStrictCallReservesItsOwnTarget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 8}, 2, "a", "b")
		s := mustTake(t, d, keyed("k"))
		whole := arrive(t.Context(), d, ask{Key: "k", Affinity: dispatch.Queue, Exclusive: true})
		if !whole.waiting() {
			t.Fatal("an exclusive call got a target that is in use")
		}
		for range 2 {
			if got := mustTake(t, d, ask{}).Target(); got == s.Target() {
				t.Fatal("the reserved target got another call")
			}
		}
		s.Release()
		if got := whole.served(t).Target(); got != s.Target() {
			t.Errorf("served by %s, want %s", got, s.Target())
		}
	})
}

func TestACallWithABoundKeyAllocatesNothing(t *testing.T) {
	d := newDesk(dispatch.Config{QueueSize: 4}, 8, "a", "b")
	ctx := t.Context()
	allocs := testing.AllocsPerRun(1000, func() {
		s, err := d.Acquire(ctx, ask{Key: "k"})
		if err != nil {
			t.Fatal(err)
		}
		s.Release()
	})
	if allocs != 0 {
		t.Errorf("%v allocations per call, want none", allocs)
	}
}

func BenchmarkAcquireReleaseWithAKey(b *testing.B) {
	d := newDesk(dispatch.Config{}, 256, "a", "b")
	keys := make([]string, 1000)
	for i := range keys {
		keys[i] = fmt.Sprint("session-", i)
	}
	for i := 0; b.Loop(); i++ {
		s, err := d.Acquire(context.Background(), ask{Key: keys[i%len(keys)]})
		if err != nil {
			b.Fatal(err)
		}
		s.Release()
	}
}
