package worker

import (
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
)

// A wish is how urgently a worker shall end. Wishes only grow.
type wish uint8

const (
	stay    wish = iota
	retire       // finish the calls in flight, however long they take
	hurry        // SIGTERM now: whoever waits has no more time
	condemn      // it does not react: kill it after its neighbours' grace
	abort        // it does not react, and nor would its neighbours: kill it now
	kill         // now
)

// code is what calls get that were in flight when the worker ended this way.
func (w wish) code() fault.Code {
	switch w {
	case retire, hurry:
		return fault.ShuttingDown
	case condemn, abort:
		return fault.WorkerUnresponsive
	case stay, kill:
		return fault.WorkerCrashed
	default:
		return fault.Internal
	}
}

// A blame says why a worker ended: the strongest wish there was when its end
// became known, stay if it ended by itself.
type blame struct {
	wish   wish
	code   fault.Code // what calls in flight get
	reason string
}

// wishes holds the strongest wish so far and wakes the keeper when there is
// something new to look at.
type wishes struct {
	awake chan struct{}

	mu    sync.Mutex
	level wish
	since time.Time
	blame blame
	fixed bool
}

// raise makes the wish stronger and reports whether it did.
func (w *wishes) raise(level wish, reason string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if level <= w.level {
		return false
	}
	w.level, w.since = level, time.Now()
	if !w.fixed {
		w.blame = blame{level, level.code(), reason}
	}
	w.nudge()
	return true
}

// fix keeps the blame as it is: the worker's end is known, and what is wished
// from now on was not its cause.
func (w *wishes) fix() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fixed = true
}

// blameFor fixes the blame, on the given grounds if there are none yet.
func (w *wishes) blameFor(code fault.Code, reason string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fixed = true
	if w.blame.reason == "" {
		w.blame.code, w.blame.reason = code, reason
	}
}

func (w *wishes) strongest() (wish, time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.level, w.since
}

func (w *wishes) blamed() blame {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.blame
}

// nudge wakes the keeper without waiting for it.
func (w *wishes) nudge() {
	select {
	case w.awake <- struct{}{}:
	default:
	}
}
