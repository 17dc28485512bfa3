package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/dspool/dspool/internal/dispatch"
)

func TestAnExclusiveCallHasTheTargetToItself(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 8}, 4, "a")
		s := mustTake(t, d, ask{Exclusive: true})
		other, another := arrive(t.Context(), d, ask{}), arrive(t.Context(), d, ask{Exclusive: true})
		if !other.waiting() || !another.waiting() {
			t.Fatal("a second call shares the target with an exclusive one")
		}
		s.Release()
		o := other.served(t)
		if !another.waiting() {
			t.Fatal("an exclusive call joined a busy target")
		}
		o.Release()
		another.served(t).Release()
	})
}

func TestAnExclusiveCallDoesNotStarve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 100}, 2, "a", "b")
		held := map[seatName][]slot{}
		for range 4 {
			s := mustTake(t, d, ask{})
			held[s.Target()] = append(held[s.Target()], s)
		}
		whole := arrive(t.Context(), d, ask{Exclusive: true})
		var rest []*arrival
		for range 6 { // a constant stream of others
			rest = append(rest, arrive(t.Context(), d, ask{}))
		}
		booked := whole.heir(t, held)
		others := 0
		for _, r := range rest {
			if r.waiting() {
				continue
			}
			others++
			if r.served(t).Target() == booked {
				t.Error("the reserved target was given to a call that came later")
			}
		}
		if others == 0 {
			t.Error("calls behind a waiting exclusive one were not served by the other target")
		}
	})
}

// heir releases what is held, target by target, until the exclusive call is
// served, and returns where it is.
func (r *arrival) heir(t *testing.T, held map[seatName][]slot) seatName {
	t.Helper()
	for range 2 {
		for _, name := range []seatName{"a", "b"} {
			if n := len(held[name]); n > 0 {
				held[name][n-1].Release()
				held[name] = held[name][:n-1]
			}
			if !r.waiting() {
				return r.served(t).Target()
			}
		}
	}
	t.Fatal("the exclusive call was never served")
	return ""
}

func TestAReservationEndsWithItsCaller(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 8}, 2, "a")
		s := mustTake(t, d, ask{})
		ctx, cancel := context.WithCancel(t.Context())
		whole := arrive(ctx, d, ask{Exclusive: true})
		plain := arrive(t.Context(), d, ask{})
		if !plain.waiting() {
			t.Fatal("the reserved target took another call")
		}
		cancel()
		if whole.waiting() {
			t.Fatal("the cancelled call still waits")
		}
		plain.served(t).Release()
		s.Release()
	})
}

func TestAReservationMovesWhenItsTargetGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 8}, 1, "a")
		lost := mustTake(t, d, ask{})
		whole := arrive(t.Context(), d, ask{Exclusive: true})
		d.Remove("a")
		d.Add("b", 1)
		if got := whole.served(t).Target(); got != "b" {
			t.Errorf("served by %s, want b", got)
		}
		lost.Release()
		if st := d.Stats(); st.InFlight != 1 || st.Targets != 1 {
			t.Errorf("stats %+v, want one call on one target", st)
		}
	})
}
