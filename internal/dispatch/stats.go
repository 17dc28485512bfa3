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
	// Shares is how many of them wait by share; nil without any that has a name.
	Shares map[string]int
	// Load is the calls in flight by target id.
	Load map[string]int
	// Affinity tells of the calls with a key.
	Affinity AffinityStats
}

// AffinityStats count the calls with a key, from New on.
type AffinityStats struct {
	// Bindings is how many keys are bound to a target now.
	Bindings int
	// Hits are calls that were served by the target that their key was bound
	// to, Misses all others: first ones, those whose target had left, and,
	// with Hint, those whose target was busy.
	Hits, Misses int64
	// Rebinds is how often a key got a new target because its own had left.
	Rebinds int64
}

// Stats returns the numbers of this moment. It costs a walk over the
// targets, and ends bindings that have run out.
func (d *Dispatcher[T]) Stats() Stats {
	d.mu.Lock()
	defer d.unlock()
	d.sweep(time.Now(), d.bonds.len())
	st := Stats{Targets: len(d.seats), Queued: d.queue.len, Load: make(map[string]int, len(d.seats))}
	for _, s := range d.seats {
		st.Capacity += s.capacity
		st.InFlight += s.inFlight
		st.Load[s.target.ID()] = s.inFlight
	}
	st.Affinity = AffinityStats{
		Bindings: d.bonds.bound, Hits: d.bonds.hits, Misses: d.bonds.misses, Rebinds: d.bonds.rebinds,
	}
	for _, l := range d.queue.live {
		st.Oldest = max(st.Oldest, time.Since(l.waiting.head.since))
		if l.name != "" {
			if st.Shares == nil {
				st.Shares = map[string]int{}
			}
			st.Shares[l.name] = l.waiting.len
		}
	}
	return st
}

// Queued returns how many calls wait. It costs a lock.
func (d *Dispatcher[T]) Queued() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.queue.len
}
