package dispatch

import "time"

// A seat is a target and what is on it. Guarded by the Dispatcher's mu.
type seat[T Target] struct {
	target   T
	capacity int
	inFlight int
	visits   int  // beside the calls, without a place of their own
	whole    bool // an exclusive call holds it
	resting  bool // takes no calls for now
	gone     bool // the target was removed
	bonds    int  // keys that are bound to it
}

func (s *seat[T]) hold(exclusive bool) {
	s.inFlight++
	s.whole = exclusive
}

// free reports whether the seat can take a call now.
func (s *seat[T]) free(exclusive bool) bool {
	switch {
	case s.resting:
		return false
	case exclusive:
		return s.inFlight == 0 && s.visits == 0
	}
	return !s.whole && s.inFlight < s.capacity
}

// A Slot is the right to run one call on a target. It must be released exactly
// once, when the work has really stopped.
type Slot[T Target] struct {
	owner     *Dispatcher[T]
	seat      *seat[T]
	bond      *bond[T] // nil without a key
	exclusive bool
	waited    time.Duration
}

// Target is where the call runs.
func (s Slot[T]) Target() T { return s.seat.target }

// Waited is how long the call stood in the queue.
func (s Slot[T]) Waited() time.Duration { return s.waited }

// Release gives the slot back and hands it to the next waiting call.
func (s Slot[T]) Release() {
	d := s.owner
	d.mu.Lock()
	s.seat.inFlight--
	if s.exclusive {
		s.seat.whole = false
	}
	d.meter.released++
	if s.bond != nil {
		d.bonds.left(s.bond)
	}
	if d.queue.len > 0 {
		d.pump()
	}
	d.unlock()
}

// choose returns the seat that can take the call now, or nil: the one that the
// call is bound to, else the least loaded one. Callers hold mu.
func (d *Dispatcher[T]) choose(ask *Ask, by *waiter[T]) *seat[T] {
	if ask.Key == "" && ask.Only == "" {
		return d.leastLoaded(ask, by)
	}
	s, must := d.aim(ask)
	switch {
	case s != nil && s.free(ask.Exclusive) && !d.kept(s, by) && (must || s.target.ID() != ask.Avoid):
		return s
	case must:
		return nil
	}
	return d.leastLoaded(ask, by)
}

// leastLoaded returns the seat with the fewest calls that can take one more,
// or nil. Equally loaded seats take turns. Callers hold mu.
func (d *Dispatcher[T]) leastLoaded(ask *Ask, by *waiter[T]) *seat[T] {
	var best *seat[T]
	n := len(d.seats)
	for i := range n {
		at := d.next + i
		if at >= n {
			at -= n
		}
		s := d.seats[at]
		if !s.free(ask.Exclusive) || d.kept(s, by) || s.target.ID() == ask.Avoid {
			continue
		}
		if best == nil || s.inFlight < best.inFlight {
			best = s
			if s.inFlight == 0 {
				break
			}
		}
	}
	d.turn()
	return best
}

// kept reports whether a seat is reserved for somebody else than by.
func (d *Dispatcher[T]) kept(s *seat[T], by *waiter[T]) bool {
	return d.booked == s && (by == nil || d.bookedBy != by)
}

// turn moves the start of the next search on by one.
func (d *Dispatcher[T]) turn() {
	d.next++
	if d.next >= len(d.seats) {
		d.next = 0
	}
}

// book reserves the least loaded seat for an exclusive call: it gets no other
// calls, so that it runs empty. One reservation stands at a time, for the first
// exclusive call in the queue. Callers hold mu.
func (d *Dispatcher[T]) book(w *waiter[T]) {
	if d.booked != nil {
		return
	}
	aim, must := d.aim(&w.ask)
	for _, s := range d.seats {
		if s.whole || s.resting || must && s != aim || !must && s.target.ID() == w.ask.Avoid {
			continue
		}
		if d.booked == nil || s.inFlight < d.booked.inFlight {
			d.booked, d.bookedBy = s, w
		}
	}
}

func (d *Dispatcher[T]) unbook() { d.booked, d.bookedBy = nil, nil }
