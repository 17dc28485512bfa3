package worker

import (
	"sync"
	"sync/atomic"
	"time"
)

// countShift is where the number of calls stands in the word, above the state.
const countShift = 8

// A life holds a worker's state and its calls in flight in one word, so that
// both change together: with two words a call that ends and one that begins
// could leave a busy worker marked ready. The number follows the state: a
// worker that takes calls is Busy if it has any and Ready if not.
type life struct {
	word atomic.Uint64

	report sync.Mutex // held over a move and its report, which keeps them in order
	told   func(from, to State, reason string, at time.Time)
}

func split(word uint64) (State, int) { return State(word & 0xff), int(word >> countShift) } //nolint:gosec // both fit by construction

func join(s State, calls int) uint64 { return uint64(s) | uint64(calls)<<countShift } //nolint:gosec // never negative

func (l *life) state() State { s, _ := split(l.word.Load()); return s }

func (l *life) calls() int { _, n := split(l.word.Load()); return n }

// enter counts a call in. It reports false if the worker takes none.
func (l *life) enter() bool {
	for {
		old := l.word.Load()
		s, n := split(old)
		switch {
		case !s.Takes():
			return false
		case n == 0:
			if l.first() {
				return true
			}
		case l.word.CompareAndSwap(old, join(s, n+1)):
			return true
		}
	}
}

// first counts in a call that finds the worker idle. It reports false if the
// worker is not idle any more.
func (l *life) first() bool {
	l.report.Lock()
	defer l.report.Unlock()
	if !l.word.CompareAndSwap(join(Ready, 0), join(Busy, 1)) {
		return false
	}
	l.tell(Ready, Busy, "a call began")
	return true
}

// leave counts a call out and reports whether it was the last one.
func (l *life) leave() bool {
	for {
		old := l.word.Load()
		s, n := split(old)
		if n == 1 && s == Busy {
			if l.last() {
				return true
			}
			continue
		}
		if l.word.CompareAndSwap(old, join(s, n-1)) {
			return n == 1
		}
	}
}

func (l *life) last() bool {
	l.report.Lock()
	defer l.report.Unlock()
	if !l.word.CompareAndSwap(join(Busy, 1), join(Ready, 0)) {
		return false
	}
	l.tell(Busy, Ready, "no calls in flight")
	return true
}

// move makes a legal move and reports whether it did. A move to Ready goes on
// to Busy if there are calls in flight.
func (l *life) move(to State, reason string) bool {
	l.report.Lock()
	defer l.report.Unlock()
	for {
		old := l.word.Load()
		from, n := split(old)
		if !from.MayBecome(to) {
			return false
		}
		on := to
		if to == Ready && n > 0 {
			on = Busy
		}
		if !l.word.CompareAndSwap(old, join(on, n)) {
			continue
		}
		l.tell(from, to, reason)
		if on != to {
			l.tell(to, on, "calls are in flight")
		}
		return true
	}
}

func (l *life) tell(from, to State, reason string) {
	if l.told != nil {
		l.told(from, to, reason, time.Now())
	}
}
