package dispatch

import "slices"

// Rest lets a target take no calls until Wake: it failed a check and may pass
// the next one. Its calls in flight and their places stay what they are. Calls
// go to other targets or wait; the places that they would have had here count
// as places in the queue, so that no call is refused because a target rests.
func (d *Dispatcher[T]) Rest(id string) {
	d.mu.Lock()
	defer d.unlock()
	s := d.find(id)
	if s == nil || s.resting {
		return
	}
	s.resting = true
	if d.booked == s {
		d.unbook()
		d.pump()
	}
}

// Wake ends the rest of a target.
func (d *Dispatcher[T]) Wake(id string) {
	d.mu.Lock()
	defer d.unlock()
	if s := d.find(id); s != nil && s.resting {
		s.resting = false
		d.pump()
	}
}

// Visit lets somebody use a target beside its calls, resting or not, without
// one of its places. It reports false if the target is not there, or belongs
// to an exclusive call; an exclusive call that comes later waits for leave,
// which must be called once.
func (d *Dispatcher[T]) Visit(id string) (leave func(), ok bool) {
	d.mu.Lock()
	defer d.unlock()
	s := d.find(id)
	if s == nil || s.whole {
		return nil, false
	}
	s.visits++
	return func() {
		d.mu.Lock()
		defer d.unlock()
		s.visits--
		d.pump()
	}, true
}

// find returns the seat of a target, or nil. Callers hold mu.
func (d *Dispatcher[T]) find(id string) *seat[T] {
	i := slices.IndexFunc(d.seats, func(s *seat[T]) bool { return s.target.ID() == id })
	if i < 0 {
		return nil
	}
	return d.seats[i]
}

// vacant is how many calls could be on resting targets. Callers hold mu.
func (d *Dispatcher[T]) vacant() int {
	n := 0
	for _, s := range d.seats {
		if s.resting {
			n += max(s.capacity-s.inFlight, 0)
		}
	}
	return n
}
