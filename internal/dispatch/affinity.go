package dispatch

import (
	"time"

	"github.com/dspool/dspool/fault"
)

// An Affinity says what a call with a key does when the target that its key is
// bound to cannot take it.
type Affinity uint8

const (
	// Hint lets the call go to another target. The key stays bound to its own.
	Hint Affinity = iota
	// Queue lets it wait for that target.
	Queue
	// FailFast refuses it at once with queue_full.
	FailFast
)

// Defaults of the bindings.
const (
	BindingTTLDefault = 5 * time.Minute
	BindingsDefault   = 65536
)

// A Binding tells that a key was bound to a target, or is not any more.
type Binding struct {
	// Key is the key; "" for all keys of a target that left.
	Key string
	// Target is the target's id.
	Target string
	// Bound is true for a new binding, false for the end of one.
	Bound bool
	// Count is how many bindings this is about.
	Count int
	// Why is the reason.
	Why Why
}

// Why says what made or ended a binding.
type Why string

// The reasons.
const (
	// WhyFirst: a key was seen that had no binding.
	WhyFirst Why = "first call"
	// WhyRebound: the target of an earlier binding has left.
	WhyRebound Why = "its worker had left"
	// WhyIdle: nobody used the binding for its time to live.
	WhyIdle Why = "idle"
	// WhyEvicted: it was the least recently used of too many.
	WhyEvicted Why = "too many bindings"
	// WhyEnded: [Dispatcher.Release] was called.
	WhyEnded Why = "ended"
	// WhyGone: the target was removed.
	WhyGone Why = "worker left"
)

// aim returns the target that the call has to have, and whether it has to:
// nil with true means that it is not there. Otherwise it is the one to prefer,
// or nil. Callers hold mu.
func (d *Dispatcher[T]) aim(ask *Ask) (s *seat[T], must bool) {
	if ask.Only != "" {
		return d.find(ask.Only), true
	}
	if ask.Key == "" {
		return nil, false
	}
	b := d.bonds.find(ask.Key)
	if b == nil || b.seat.gone {
		return nil, false
	}
	return b.seat, ask.Affinity != Hint
}

// refuses reports whether a call must not wait for the target it is bound to.
// Callers hold mu.
func (d *Dispatcher[T]) refuses(ask *Ask) bool {
	if ask.Affinity != FailFast || ask.Key == "" {
		return false
	}
	s, must := d.aim(ask)
	return must && (s == nil || !s.free(ask.Exclusive) || d.kept(s, nil))
}

// attach notes that a call with a key is served by a seat: it binds the key if
// it is not bound, and counts hits and misses. Callers hold mu.
func (d *Dispatcher[T]) attach(ask *Ask, s *seat[T]) *bond[T] {
	if ask.Key == "" {
		return nil
	}
	now := time.Now()
	d.sweep(now, sweepStep)
	b := d.bonds.find(ask.Key)
	switch {
	case b == nil:
		b = d.bind(ask.Key, s, WhyFirst)
	case b.seat == s:
		d.bonds.hits++
	case b.seat.gone:
		d.bonds.rebinds++
		d.bonds.misses++
		d.bonds.move(b, s)
		d.tellBound(b, WhyRebound)
	case ask.Only != "":
		d.bonds.misses++
		d.bonds.move(b, s)
		d.tellBound(b, WhyFirst)
	default:
		d.bonds.misses++
	}
	b.calls++
	d.bonds.touch(b, now)
	return b
}

// bind makes a new binding, at the cost of the oldest one if there are too many.
func (d *Dispatcher[T]) bind(key string, s *seat[T], why Why) *bond[T] {
	for d.bonds.len() >= d.bonds.max {
		d.unbind(d.bonds.oldest(), WhyEvicted)
	}
	d.bonds.misses++
	b := d.bonds.add(key, s)
	d.tellBound(b, why)
	return b
}

// unbind ends a binding.
func (d *Dispatcher[T]) unbind(b *bond[T], why Why) {
	d.bonds.drop(b)
	if !b.seat.gone { // else its end was told with its target's
		d.note(Binding{Key: b.key, Target: b.seat.target.ID(), Count: 1, Why: why})
	}
}

func (d *Dispatcher[T]) tellBound(b *bond[T], why Why) {
	d.note(Binding{Key: b.key, Target: b.seat.target.ID(), Bound: true, Count: 1, Why: why})
}

// note keeps a change until the lock is given up. Callers hold mu.
func (d *Dispatcher[T]) note(change Binding) {
	if d.cfg.OnBinding != nil {
		d.news = append(d.news, change)
	}
}

// unlock gives the lock up and then tells what has changed.
func (d *Dispatcher[T]) unlock() {
	if d.news != nil {
		d.spread()
		return
	}
	d.mu.Unlock()
}

func (d *Dispatcher[T]) spread() {
	news := d.news
	d.news = nil
	d.mu.Unlock()
	for _, change := range news {
		d.cfg.OnBinding(change)
	}
}

// sweepStep is how many old bindings a call with a key looks at.
const sweepStep = 2

// sweep ends bindings that nobody has used for their time to live, looking at
// no more than limit. Callers hold mu.
func (d *Dispatcher[T]) sweep(now time.Time, limit int) {
	for range limit {
		b := d.bonds.oldest()
		switch {
		case b == nil:
			return
		case b.calls > 0:
			d.bonds.touch(b, now) // in use: it is not old
		case now.Sub(b.used) < d.bonds.ttl:
			return
		default:
			d.unbind(b, WhyIdle)
		}
	}
}

// Sweep ends all bindings that nobody has used for their time to live. Calls
// with a key do so in passing; Sweep is for times without any. It returns how
// many are left, those whose target has gone included.
func (d *Dispatcher[T]) Sweep() (left int) {
	d.mu.Lock()
	defer d.unlock()
	d.sweep(time.Now(), d.bonds.len())
	return d.bonds.len()
}

// Release ends the binding of a key, if there is one: the next call with this
// key may go anywhere. Calls under way are not touched.
func (d *Dispatcher[T]) Release(key string) {
	d.mu.Lock()
	defer d.unlock()
	if b := d.bonds.find(key); b != nil {
		d.unbind(b, WhyEnded)
	}
}

// Forsake fails the calls that wait for one target only, which will not come
// back, with err.
func (d *Dispatcher[T]) Forsake(id string, err *fault.Error) {
	d.mu.Lock()
	defer d.unlock()
	d.queue.each(func(w *waiter[T]) {
		if w.ask.Only == id {
			d.leave(w)
			w.granted <- grant[T]{err: err}
		}
	})
}
