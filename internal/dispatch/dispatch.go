package dispatch

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
)

// A Target is something that calls can be given to.
type Target interface {
	// ID names the target. No two targets of a Dispatcher share an id.
	ID() string
}

// Config bounds the queue.
type Config struct {
	// QueueSize is how many calls may wait at once. 0 means that none may.
	QueueSize int
	// QueueTimeout is how long a call may wait. 0 means as long as its own
	// deadline allows.
	QueueTimeout time.Duration
	// BindingTTL is how long a key stays bound to its target after its last
	// use, Bindings how many keys are bound at most; 0 means the default.
	BindingTTL time.Duration
	Bindings   int
	// OnBinding hears of each change of a binding, without a lock held. It
	// must not block. Nil: nobody does.
	OnBinding func(Binding)
}

// An Ask says what a call needs.
type Ask struct {
	// Exclusive asks for a whole target.
	Exclusive bool
	// Avoid is the id of a target that must not be chosen, or "".
	Avoid string
	// Key binds the call to the target that served the key before; Affinity
	// says how firmly. "" is no key.
	Key      string
	Affinity Affinity
	// Only is the id of the one target that may be chosen, or "". The call
	// waits for it, there or not.
	Only string
	// Deadline ends the wait. The zero time means no deadline.
	Deadline time.Time
	// Again marks a call that was accepted before and lost its target before
	// it began: the queue's size does not apply, and it waits at the head.
	Again bool
	// Share is whose turn the call takes if it has to wait; nil is that of all
	// calls without one.
	Share *Share
}

// picky reports whether a target that suits other calls may not suit this one.
func (a *Ask) picky() bool {
	return a.Only != "" || a.Avoid != "" || a.Key != "" && a.Affinity != Hint
}

// plain reports whether later calls have to stand behind this one: it takes
// the first place that is free anywhere, or will when the target that it avoids
// has left.
func (a *Ask) plain() bool {
	return !a.Exclusive && a.Only == "" && (a.Key == "" || a.Affinity == Hint)
}

// A Dispatcher gives calls to targets. It is safe for concurrent use.
type Dispatcher[T Target] struct {
	cfg     Config
	waiters sync.Pool // of *waiter[T]

	mu       sync.Mutex
	seats    []*seat[T]
	next     int // where the next search starts, so that ties take turns
	queue    lines[T]
	plain    int          // waiters in the queue that take any target's place
	booked   *seat[T]     // reserved for an exclusive call
	bookedBy *waiter[T]   // that call
	outage   *fault.Error // why there are no targets; nil: they are on their way
	closed   *fault.Error
	meter    meter
	bonds    bonds[T]
	news     []Binding // to be told when the lock is given up
}

// New returns a Dispatcher without targets: calls wait until the first one is
// added.
func New[T Target](cfg Config) *Dispatcher[T] {
	return &Dispatcher[T]{cfg: cfg, queue: newLines[T](), bonds: newBonds[T](cfg.BindingTTL, cfg.Bindings)}
}

// Acquire returns a slot as soon as a target is free. It fails with
// queue_full, queue_timeout, deadline_exceeded, canceled, with the outage's
// error, or with the error given to Close; none of these calls ever started.
func (d *Dispatcher[T]) Acquire(ctx context.Context, ask Ask) (Slot[T], error) {
	d.mu.Lock()
	if s := d.take(&ask); s != nil {
		var b *bond[T]
		if ask.Key != "" {
			b = d.attach(&ask, s)
		}
		d.unlock()
		return Slot[T]{owner: d, seat: s, bond: b, exclusive: ask.Exclusive}, nil
	}
	w, err := d.enqueue(&ask)
	d.unlock()
	if err != nil {
		return Slot[T]{}, err
	}
	return d.wait(ctx, w)
}

// take finds a seat for a call that need not wait. Callers hold mu.
func (d *Dispatcher[T]) take(ask *Ask) *seat[T] {
	switch {
	case d.closed != nil:
		return nil
	case ask.Exclusive && d.queue.len > 0, !ask.Exclusive && d.plain > 0:
		return nil // others came first
	}
	s := d.choose(ask, nil)
	if s != nil {
		s.hold(ask.Exclusive)
	}
	return s
}

// enqueue puts a call that must wait into the queue. Callers hold mu.
func (d *Dispatcher[T]) enqueue(ask *Ask) (*waiter[T], error) {
	now := time.Now()
	switch {
	case d.closed != nil:
		return nil, d.closed
	case d.outage != nil && len(d.seats) == 0:
		return nil, d.outage
	case d.refuses(ask):
		return nil, d.occupied(now)
	case !ask.Again && d.queue.overfull(ask.Share):
		return nil, d.crowded(now, ask.Share)
	case !ask.Again && d.queue.len >= d.cfg.QueueSize && d.queue.len >= d.cfg.QueueSize+d.vacant():
		if !d.push(ask.Share, now) {
			return nil, d.full(now)
		}
	}
	w := d.waiter(*ask, now)
	d.queue.add(w)
	d.meter.observe(now)
	if ask.plain() {
		d.plain++
	}
	d.pump()
	return w, nil
}

// Add makes a target available for capacity calls at once, and ends an outage.
func (d *Dispatcher[T]) Add(target T, capacity int) {
	d.mu.Lock()
	defer d.unlock()
	d.outage = nil
	d.seats = append(d.seats, &seat[T]{target: target, capacity: capacity})
	d.pump()
}

// Remove takes a target out, if it is there. Slots that are still held on it
// stay valid and are to be released as usual.
func (d *Dispatcher[T]) Remove(id string) {
	d.mu.Lock()
	defer d.unlock()
	for i, s := range d.seats {
		if s.target.ID() != id {
			continue
		}
		d.seats = slices.Delete(d.seats, i, i+1)
		if n := d.bonds.forsake(s); n > 0 {
			d.note(Binding{Target: id, Count: n, Why: WhyGone})
		}
		d.next = 0
		if d.booked == s {
			d.unbook()
		}
		d.pump()
		return
	}
}

// Fail declares an outage: while there is no target, waiting and arriving
// calls fail with err instead of waiting. Fail(nil), and the next Add, end it.
func (d *Dispatcher[T]) Fail(err *fault.Error) {
	d.mu.Lock()
	defer d.unlock()
	d.outage = err
	if err != nil && len(d.seats) == 0 {
		d.flush(err)
	}
}

// Close fails every waiting call and every later one with err. Slots already
// handed out are not touched. Only the first Close counts.
func (d *Dispatcher[T]) Close(err *fault.Error) {
	d.mu.Lock()
	defer d.unlock()
	if d.closed == nil {
		d.closed = err
		d.flush(err)
	}
}

// push makes room in a full queue for a call whose share has less waiting than
// another one has, which loses its last. Callers hold mu.
func (d *Dispatcher[T]) push(s *Share, now time.Time) bool {
	w := d.queue.surplus(s)
	if w == nil {
		return false
	}
	d.leave(w)
	w.granted <- grant[T]{err: d.full(now)}
	return true
}

// flush fails every waiting call. Callers hold mu.
func (d *Dispatcher[T]) flush(err *fault.Error) {
	d.queue.each(func(w *waiter[T]) {
		d.leave(w)
		w.granted <- grant[T]{err: err}
	})
}
