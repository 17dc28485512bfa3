package dispatch

import (
	"context"
	"time"
)

// A waiter is a call in the queue. It is used again for later calls.
type waiter[T Target] struct {
	ask        Ask
	since      time.Time
	line       *line[T] // nil: not in the queue
	prev, next *waiter[T]
	granted    chan grant[T] // room for one, so that granting never blocks
	timer      *time.Timer
}

// A grant is what ends a wait: a seat, or the reason why there is none.
type grant[T Target] struct {
	seat *seat[T]
	bond *bond[T]
	err  error
}

// list is a doubly linked list of waiters, so that one that gives up leaves
// from the middle at no cost.
type list[T Target] struct {
	head, tail *waiter[T]
	len        int
}

func (l *list[T]) pushBack(w *waiter[T]) {
	w.prev, w.next = l.tail, nil
	if l.tail == nil {
		l.head = w
	} else {
		l.tail.next = w
	}
	l.tail = w
	l.len++
}

func (l *list[T]) pushFront(w *waiter[T]) {
	w.prev, w.next = nil, l.head
	if l.head == nil {
		l.tail = w
	} else {
		l.head.prev = w
	}
	l.head = w
	l.len++
}

func (l *list[T]) remove(w *waiter[T]) {
	if w.prev == nil {
		l.head = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		l.tail = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
	l.len--
}

// pump serves the lines in turn for as long as there are seats. An exclusive
// call that has to wait, and one that cannot be served by every seat, lets the
// calls behind it pass to other seats; any other one does not. Callers hold mu.
func (d *Dispatcher[T]) pump() {
	q := &d.queue
	q.begin()
	defer q.end()
	for w := q.first(); w != nil; w = q.first() {
		s := d.choose(&w.ask, w)
		switch {
		case s != nil:
			s.hold(w.ask.Exclusive)
			q.charge(w)
			d.leave(w)
			w.granted <- grant[T]{seat: s, bond: d.attach(&w.ask, s)}
			continue
		case w.ask.Exclusive:
			d.book(w)
		case !w.ask.picky():
			return
		}
		q.skip(w)
	}
}

// leave takes a waiter out of the queue, and its reservation with it.
func (d *Dispatcher[T]) leave(w *waiter[T]) {
	d.queue.remove(w)
	if w.ask.plain() {
		d.plain--
	}
	if d.bookedBy == w {
		d.unbook()
	}
}

// waiter returns a waiter whose timer runs until the call has to give up.
func (d *Dispatcher[T]) waiter(ask Ask, now time.Time) *waiter[T] {
	w, ok := d.waiters.Get().(*waiter[T])
	if !ok {
		w = &waiter[T]{granted: make(chan grant[T], 1)}
	}
	w.ask, w.since = ask, now
	limit, bounded := d.limit(ask, now)
	switch {
	case !bounded:
	case w.timer == nil:
		w.timer = time.NewTimer(limit)
	default:
		w.timer.Reset(limit)
	}
	return w
}

// limit is how long a call may wait: the queue's limit or its own deadline.
func (d *Dispatcher[T]) limit(ask Ask, now time.Time) (time.Duration, bool) {
	limit, bounded := d.cfg.QueueTimeout, d.cfg.QueueTimeout > 0
	if ask.Deadline.IsZero() {
		return limit, bounded
	}
	if left := ask.Deadline.Sub(now); !bounded || left < limit {
		return left, true
	}
	return limit, bounded
}

// wait blocks until the waiter gets its seat or has to give up.
func (d *Dispatcher[T]) wait(ctx context.Context, w *waiter[T]) (Slot[T], error) {
	var expired <-chan time.Time
	if w.timer != nil {
		expired = w.timer.C
	}
	select {
	case g := <-w.granted:
		return d.accept(w, g)
	case <-ctx.Done():
		return d.abandon(w, d.gone(ctx, w))
	case <-expired:
		return d.abandon(w, d.expired(w))
	}
}

func (d *Dispatcher[T]) accept(w *waiter[T], g grant[T]) (Slot[T], error) {
	slot := Slot[T]{owner: d, seat: g.seat, bond: g.bond, exclusive: w.ask.Exclusive, waited: time.Since(w.since)}
	d.recycle(w)
	if g.err != nil {
		return Slot[T]{}, g.err
	}
	return slot, nil
}

// abandon ends a wait with err. A seat that was granted in the same moment
// goes to the next call: nothing must start for a caller who has left.
func (d *Dispatcher[T]) abandon(w *waiter[T], err error) (Slot[T], error) {
	d.mu.Lock()
	queued := w.line != nil
	if queued {
		d.leave(w)
		d.pump()
	}
	d.unlock()
	if !queued {
		if slot, lost := d.accept(w, <-w.granted); lost == nil {
			slot.Release()
		}
		return Slot[T]{}, err
	}
	d.recycle(w)
	return Slot[T]{}, err
}

// recycle keeps a waiter for the next call.
func (d *Dispatcher[T]) recycle(w *waiter[T]) {
	if w.timer != nil {
		w.timer.Stop()
	}
	w.ask = Ask{}
	d.waiters.Put(w)
}
