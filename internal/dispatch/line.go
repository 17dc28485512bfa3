package dispatch

import (
	"container/heap"
	"slices"
)

// A Share says whose turn a call takes when it has to wait, and how much that
// one gets. It is read-only once it is in an Ask.
type Share struct {
	// Name tells it from others. "" is all calls without a Share.
	Name string
	// Weight is how many turns it gets while one of weight 1 gets one; 0 is 1.
	Weight int
	// Queue is how many of its calls may wait at once; 0 is no limit of its own.
	Queue int
}

const (
	// linesMax is how many lines without waiters are remembered at most.
	linesMax = 1 << 16
	// spareMax is how many lines are kept for use under another name.
	spareMax = 64
)

// A line is the calls of one share that wait, first come, first served.
type line[T Target] struct {
	name    string
	step    float64 // what a turn costs: 1/weight
	waiting list[T]
	tag     float64    // the virtual time of its next turn
	order   uint64     // among lines with the same tag: who had a turn longest ago
	at      int        // its place in the heap, -1 if nobody waits
	pass    uint64     // the pass that cursor is about
	cursor  *waiter[T] // whom that pass tries next
}

// lines are all that wait. Lines take turns by start-time fair queueing: each
// has a tag, the virtual time of its next turn; the smallest is served, becomes
// the virtual time of all, and grows by 1/weight. A line that begins to wait
// starts at the virtual time, or at its own tag if that is later, so that it
// gains nothing by what it did not use and nothing by leaving and coming back.
// (P. Goyal, H. Vin, H. Cheng, "Start-time Fair Queueing", SIGCOMM 1996; a turn
// is one call.) With one line that is a plain queue.
type lines[T Target] struct {
	main   line[T] // of calls without a share; always there
	byName map[string]*line[T]
	live   []*line[T] // those with waiters: a heap by tag
	len    int        // waiters
	now    float64    // virtual time
	turns  uint64
	pass   uint64
	aside  []*line[T] // lines that the pass under way is done with
	sweep  int        // how many lines there may be before old ones are dropped
	spare  []*line[T]
}

func newLines[T Target]() lines[T] {
	return lines[T]{main: line[T]{step: 1, at: -1}, byName: map[string]*line[T]{}, sweep: spareMax}
}

// of returns the line of a share, nil if there is none yet.
func (q *lines[T]) of(s *Share) *line[T] {
	if s == nil || s.Name == "" {
		return &q.main
	}
	return q.byName[s.Name]
}

// open returns the line of a share.
func (q *lines[T]) open(s *Share) *line[T] {
	l := q.of(s)
	if l == nil {
		l = q.fresh()
		l.name = s.Name
		q.byName[s.Name] = l
	}
	if s != nil {
		l.step = 1 / float64(max(s.Weight, 1))
	}
	return l
}

func (q *lines[T]) fresh() *line[T] {
	if n := len(q.spare); n > 0 {
		l := q.spare[n-1]
		q.spare = q.spare[:n-1]
		return l
	}
	return &line[T]{at: -1}
}

// overfull reports whether a share has as many waiting as it may.
func (q *lines[T]) overfull(s *Share) bool {
	if s == nil || s.Queue <= 0 {
		return false
	}
	l := q.of(s)
	return l != nil && l.waiting.len >= s.Queue
}

// add lets a call wait: at the end of its line, or, if it has had a turn before
// and lost its target, at the head, with that turn given back.
func (q *lines[T]) add(w *waiter[T]) {
	l := q.open(w.ask.Share)
	w.line = l
	q.len++
	if w.ask.Again {
		l.tag = max(q.now, l.tag-l.step)
		l.waiting.pushFront(w)
	} else {
		l.tag = max(q.now, l.tag)
		l.waiting.pushBack(w)
	}
	if l.at >= 0 {
		heap.Fix((*byTag[T])(q), l.at)
		return
	}
	q.turns++
	l.order = q.turns
	heap.Push((*byTag[T])(q), l)
}

// charge takes the turn of a waiter that is served. It is to leave next.
func (q *lines[T]) charge(w *waiter[T]) {
	l := w.line
	q.now = max(q.now, l.tag)
	l.tag = q.now + l.step
	q.turns++
	l.order = q.turns
	heap.Fix((*byTag[T])(q), l.at)
}

// remove takes a waiter out, wherever it stands.
func (q *lines[T]) remove(w *waiter[T]) {
	l := w.line
	if l.cursor == w {
		l.cursor = w.next
	}
	l.waiting.remove(w)
	w.line = nil
	q.len--
	if l.waiting.len > 0 {
		return
	}
	heap.Remove((*byTag[T])(q), l.at)
	switch {
	case q.len == 0:
		q.reset()
	case l.tag <= q.now:
		q.forget(l)
	case len(q.byName) > q.sweep:
		q.prune()
	}
}

// reset begins anew: nobody waits, so nobody has had more than others.
func (q *lines[T]) reset() {
	for _, l := range q.byName {
		q.forget(l)
	}
	q.now, q.main.tag, q.turns, q.sweep = 0, 0, 0, spareMax
}

// forget drops a line without waiters, unless it is the main one.
func (q *lines[T]) forget(l *line[T]) {
	if l == &q.main {
		return
	}
	delete(q.byName, l.name)
	if len(q.spare) < spareMax {
		*l = line[T]{at: -1}
		q.spare = append(q.spare, l)
	}
}

// prune drops the lines without waiters whose tags mean nothing any more, and
// all of them if there are too many.
func (q *lines[T]) prune() {
	for _, l := range q.byName {
		if l.at < 0 && (l.tag <= q.now || len(q.byName) > linesMax) {
			q.forget(l)
		}
	}
	q.sweep = max(2*len(q.byName), spareMax)
}

// first returns the waiter to try next in the pass under way and nil after the
// last one.
func (q *lines[T]) first() *waiter[T] {
	for len(q.live) > 0 {
		l := q.live[0]
		if l.pass != q.pass {
			l.pass, l.cursor = q.pass, l.waiting.head
		}
		if l.cursor != nil {
			return l.cursor
		}
		heap.Pop((*byTag[T])(q))
		q.aside = append(q.aside, l)
	}
	return nil
}

// begin and end are around a pass.
func (q *lines[T]) begin() { q.pass++ }

func (q *lines[T]) end() {
	for i, l := range q.aside {
		heap.Push((*byTag[T])(q), l)
		q.aside[i] = nil
	}
	q.aside = q.aside[:0]
}

// skip lets the pass go on without the waiter that first returned.
func (q *lines[T]) skip(w *waiter[T]) { w.line.cursor = w.next }

// surplus returns a waiter that has to go so that one of the given share can
// wait in a full queue: the last one of the line that is longest for its
// weight, if the new one's would still be shorter. Nil: there is none. (B.
// Suter et al., "Buffer Management Schemes for Supporting TCP in Gigabit Routers
// with Per-flow Queueing", 1999: longest queue drop.)
func (q *lines[T]) surplus(s *Share) *waiter[T] {
	mine := 1.0
	if s != nil {
		mine = 1 / float64(max(s.Weight, 1))
	}
	own := q.of(s)
	if own != nil {
		mine *= float64(own.waiting.len + 1)
	}
	var longest *line[T]
	for _, l := range q.live {
		if size := float64(l.waiting.len) * l.step; l != own && size > mine {
			longest, mine = l, size
		}
	}
	if longest == nil {
		return nil
	}
	w := longest.waiting.tail
	for w != nil && w.ask.Again {
		w = w.prev
	}
	return w
}

// each calls f for all waiters; f may take out the one that it is given.
func (q *lines[T]) each(f func(*waiter[T])) {
	for _, l := range slices.Clone(q.live) {
		for w := l.waiting.head; w != nil; {
			next := w.next
			f(w)
			w = next
		}
	}
}

// byTag is the heap of lines with waiters.
type byTag[T Target] lines[T]

func (h *byTag[T]) Len() int { return len(h.live) }

func (h *byTag[T]) Less(i, j int) bool {
	a, b := h.live[i], h.live[j]
	return a.tag < b.tag || a.tag == b.tag && a.order < b.order
}

func (h *byTag[T]) Swap(i, j int) {
	h.live[i], h.live[j] = h.live[j], h.live[i]
	h.live[i].at, h.live[j].at = i, j
}

func (h *byTag[T]) Push(x any) {
	l, _ := x.(*line[T])
	l.at = len(h.live)
	h.live = append(h.live, l)
}

func (h *byTag[T]) Pop() any {
	n := len(h.live) - 1
	l := h.live[n]
	h.live[n] = nil
	h.live, l.at = h.live[:n], -1
	return l
}
