package dispatch

import (
	lru "container/list"
	"time"
)

// A bond binds a key to a seat. Guarded by the Dispatcher's mu.
type bond[T Target] struct {
	key   string
	seat  *seat[T] // gone if its target was removed: then the key is free
	calls int      // that hold a slot under this key
	used  time.Time
	at    *lru.Element // its place in the order; nil once it has ended
}

// bonds are all bindings, by key and by last use. A target that leaves costs
// nothing here: its seat is marked, and its bonds count no more.
type bonds[T Target] struct {
	ttl   time.Duration
	max   int
	byKey map[string]*bond[T]
	order lru.List // of *bond[T], the one used last in front
	bound int      // those whose target is there

	hits, misses, rebinds int64
}

func newBonds[T Target](ttl time.Duration, limit int) bonds[T] {
	if ttl <= 0 {
		ttl = BindingTTLDefault
	}
	if limit <= 0 {
		limit = BindingsDefault
	}
	return bonds[T]{ttl: ttl, max: limit, byKey: make(map[string]*bond[T])}
}

func (b *bonds[T]) len() int { return len(b.byKey) }

// find returns the bond of a key, nil if there is none that still holds.
func (b *bonds[T]) find(key string) *bond[T] {
	found := b.byKey[key]
	if found == nil || found.calls == 0 && time.Since(found.used) >= b.ttl {
		return nil
	}
	return found
}

// oldest returns the bond that was used least recently, nil for none.
func (b *bonds[T]) oldest() *bond[T] {
	last := b.order.Back()
	if last == nil {
		return nil
	}
	found, _ := last.Value.(*bond[T])
	return found
}

// add binds a key, whose old bond, if there is one, has run out.
func (b *bonds[T]) add(key string, s *seat[T]) *bond[T] {
	if old := b.byKey[key]; old != nil {
		b.drop(old)
	}
	added := &bond[T]{key: key, seat: s}
	added.at = b.order.PushFront(added)
	b.byKey[key] = added
	s.bonds++
	b.bound++
	return added
}

// move binds a key to another seat.
func (b *bonds[T]) move(m *bond[T], to *seat[T]) {
	b.uncount(m)
	m.seat = to
	to.bonds++
	b.bound++
}

func (b *bonds[T]) drop(m *bond[T]) {
	b.uncount(m)
	b.order.Remove(m.at)
	m.at = nil
	delete(b.byKey, m.key)
}

func (b *bonds[T]) uncount(m *bond[T]) {
	if !m.seat.gone {
		m.seat.bonds--
		b.bound--
	}
}

// touch notes that a bond is used now.
func (b *bonds[T]) touch(m *bond[T], now time.Time) {
	m.used = now
	if m.at != nil {
		b.order.MoveToFront(m.at)
	}
}

// left notes that a call under this bond has ended.
func (b *bonds[T]) left(m *bond[T]) {
	m.calls--
	b.touch(m, time.Now())
}

// forsake frees the keys of a seat whose target was removed, all at once.
func (b *bonds[T]) forsake(s *seat[T]) (count int) {
	count = s.bonds
	b.bound -= count
	s.gone, s.bonds = true, 0
	return count
}
