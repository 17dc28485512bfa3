package worker

import "time"

// A State says what a worker can be used for. Work goes only to workers that
// are Ready or Busy.
type State uint8

// The states of a worker, in the order of an ordinary life.
const (
	// Initializing: the process was ordered and has not said HELLO.
	Initializing State = iota
	// Ready: nothing in flight, takes calls.
	Ready
	// Busy: calls in flight, takes more.
	Busy
	// Degraded: lives, but a health check failed; takes no calls until it
	// passes one.
	Degraded
	// Error: lost its connection or stopped reacting; takes no calls any more
	// and is about to be killed.
	Error
	// Draining: takes no calls any more, finishes those in flight.
	Draining
	// Terminating: told to end.
	Terminating
	// Terminated: the process is gone.
	Terminated

	stateCount
)

// String returns the state's name in lower case.
func (s State) String() string {
	if s >= stateCount {
		return "invalid"
	}
	return [stateCount]string{
		"initializing", "ready", "busy", "degraded",
		"error", "draining", "terminating", "terminated",
	}[s]
}

// Takes reports whether a worker in this state is given calls.
func (s State) Takes() bool { return s == Ready || s == Busy }

// Final reports whether a worker in this state will never take a call again.
func (s State) Final() bool { return s >= Error }

// MayBecome reports whether the table of legal moves has this one.
func (s State) MayBecome(next State) bool {
	return s < stateCount && next < stateCount && moves()[s]&(1<<next) != 0
}

// moves is the table of legal moves: for each state the set of its successors.
// docs/LIFECYCLE.md draws it.
func moves() [stateCount]uint16 {
	return [stateCount]uint16{
		Initializing: set(Ready, Error, Terminating),
		Ready:        set(Busy, Degraded, Error, Draining, Terminating),
		Busy:         set(Ready, Degraded, Error, Draining, Terminating),
		Degraded:     set(Ready, Error, Draining, Terminating),
		Error:        set(Terminating, Terminated),
		Draining:     set(Error, Terminating, Terminated),
		Terminating:  set(Terminated),
		Terminated:   0,
	}
}

func set(states ...State) uint16 {
	var bits uint16
	for _, s := range states {
		bits |= 1 << s
	}
	return bits
}

// A Transition is one move of one worker. Moves of a worker are reported in
// the order in which they happened.
type Transition struct {
	// Worker is the worker's id, PID its process, 0 while it has none.
	Worker string
	PID    int
	From   State
	To     State
	// Reason says why, for people.
	Reason string
	At     time.Time
	// Took is how long the worker was in From.
	Took time.Duration
}
