package dispatch

import "time"

// Stats is a moment's view of a Dispatcher.
type Stats struct {
	// Targets is how many targets there are, Capacity what they can take
	// together, InFlight what is on them now.
	Targets, Capacity, InFlight int
	// Queued is how many calls wait; Oldest is how long the first has waited.
	Queued int
	Oldest time.Duration
	// Load is the calls in flight by target id.
	Load map[string]int
}

// Stats returns the numbers of this moment. It costs a walk over the targets.
func (d *Dispatcher[T]) Stats() Stats {
	d.mu.Lock()
	defer d.mu.Unlock()
	st := Stats{Targets: len(d.seats), Queued: d.queue.len, Load: make(map[string]int, len(d.seats))}
	for _, s := range d.seats {
		st.Capacity += s.capacity
		st.InFlight += s.inFlight
		st.Load[s.target.ID()] = s.inFlight
	}
	if d.queue.head != nil {
		st.Oldest = time.Since(d.queue.head.since)
	}
	return st
}
