package history

import "time"

// A ring keeps the last samples of one step width, and adds up the one that is
// still growing.
type ring struct {
	step    time.Duration
	samples []Sample // the oldest is at next once it is full
	next    int
	full    bool
	growing span
}

func newRing(step, window time.Duration) *ring {
	return &ring{step: step, samples: make([]Sample, int(window/step))}
}

// add takes a span and keeps a sample when a whole step is together.
func (r *ring) add(s span, target time.Duration) {
	if r.growing.length > 0 {
		s = r.growing.plus(s)
	}
	if s.length+ShortStep/2 < r.step { // ticks are a little early or late
		r.growing = s
		return
	}
	r.growing = span{}
	r.samples[r.next] = s.sample(target)
	r.next++
	if r.next == len(r.samples) {
		r.next, r.full = 0, true
	}
}

// since returns the samples that ended after a time, oldest first.
func (r *ring) since(start time.Time) []Sample {
	var list []Sample
	if r.full {
		list = append(list, r.samples[r.next:]...)
	}
	list = append(list, r.samples[:r.next]...)
	for len(list) > 0 && !list[0].At.After(start) {
		list = list[1:]
	}
	return list
}
