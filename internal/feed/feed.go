package feed

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
)

// An Item is an event, and how many events this subscriber lost just before it.
type Item[E any] struct {
	Event   E
	Dropped int
}

// A Feed distributes events. The zero value is ready. Safe for concurrent use.
type Feed[E any] struct {
	count   atomic.Int32 // subscribers, so that nobody listening costs one load
	dropped atomic.Int64
	mu      sync.Mutex
	subs    []*subscription[E]
	closed  bool
}

// Publish gives an event to every subscriber. It never blocks.
func (f *Feed[E]) Publish(event E) {
	if f.count.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, s := range f.subs {
		if s.wanted != nil && !s.wanted(event) {
			continue
		}
		if !s.push(event) {
			f.dropped.Add(1)
		}
	}
}

// Dropped returns how many events were lost so far, by all subscribers together.
func (f *Feed[E]) Dropped() int64 { return f.dropped.Load() }

// Heard reports whether anybody listens.
func (f *Feed[E]) Heard() bool { return f.count.Load() > 0 }

// Subscribe returns the events published from now on, at most size of them
// waiting at a time. The sequence can be read once. It ends when ctx ends, when
// the loop is left, or when the Feed is closed and everything has been read.
func (f *Feed[E]) Subscribe(ctx context.Context, size int) iter.Seq[Item[E]] {
	return f.SubscribeTo(ctx, size, nil)
}

// SubscribeTo is Subscribe for those events only that wanted approves, so that
// many others do not push them out. It is called by publishers and must be
// quick. Nil wants all.
func (f *Feed[E]) SubscribeTo(ctx context.Context, size int, wanted func(E) bool) iter.Seq[Item[E]] {
	s := &subscription[E]{ring: make([]E, size), wake: make(chan struct{}, 1), wanted: wanted}
	f.join(s)
	stop := context.AfterFunc(ctx, func() { f.leave(s) })
	return func(yield func(Item[E]) bool) {
		defer f.leave(s)
		defer stop()
		for {
			item, ok := s.next(ctx)
			if !ok || !yield(item) {
				return
			}
		}
	}
}

func (f *Feed[E]) join(s *subscription[E]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		s.end()
		return
	}
	f.subs = append(f.subs, s)
	f.count.Add(1)
}

func (f *Feed[E]) leave(s *subscription[E]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if i := slices.Index(f.subs, s); i >= 0 {
		f.subs = slices.Delete(f.subs, i, i+1)
		f.count.Add(-1)
	}
	s.end()
}

// Close ends every subscription once its waiting events have been read.
func (f *Feed[E]) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	f.count.Store(0)
	for _, s := range f.subs {
		s.end()
	}
	f.subs = nil
}

// A subscription is one subscriber's ring of waiting events.
type subscription[E any] struct {
	wake   chan struct{}
	wanted func(E) bool // nil for all

	mu          sync.Mutex
	ring        []E
	start, size int
	dropped     int
	ended       bool
}

// push reports false if an older event had to make room.
func (s *subscription[E]) push(event E) bool {
	s.mu.Lock()
	full := s.size == len(s.ring)
	if full {
		s.start = (s.start + 1) % len(s.ring)
		s.size--
		s.dropped++
	}
	s.ring[(s.start+s.size)%len(s.ring)] = event
	s.size++
	s.mu.Unlock()
	s.rouse()
	return !full
}

func (s *subscription[E]) end() {
	s.mu.Lock()
	s.ended = true
	s.mu.Unlock()
	s.rouse()
}

func (s *subscription[E]) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// next waits for an event. It returns false when there will be none.
func (s *subscription[E]) next(ctx context.Context) (Item[E], bool) {
	for {
		item, ok, ended := s.pop()
		if ok || ended {
			return item, ok
		}
		select {
		case <-s.wake:
		case <-ctx.Done():
			return Item[E]{}, false
		}
	}
}

func (s *subscription[E]) pop() (item Item[E], ok, ended bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.size == 0 {
		return item, false, s.ended
	}
	var zero E
	item = Item[E]{Event: s.ring[s.start], Dropped: s.dropped}
	s.ring[s.start] = zero
	s.start = (s.start + 1) % len(s.ring)
	s.size--
	s.dropped = 0
	return item, true, false
}
