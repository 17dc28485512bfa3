package breaker

import "time"

// State is what a circuit does with calls.
type State uint8

// The states.
const (
	// Closed lets everything through.
	Closed State = iota
	// Open lets nothing through until its pause is over.
	Open
	// HalfOpen lets a few through to see how it goes.
	HalfOpen
)

// String returns the state as the documentation writes it.
func (s State) String() string {
	switch s {
	case Closed:
		return "closed"
	case Open:
		return "open"
	case HalfOpen:
		return "half_open"
	default:
		return "unknown"
	}
}

// Config says when a circuit opens and closes. Every field has to be set,
// except Window and its kin, and Changed.
type Config struct {
	// Failures in a row open the circuit.
	Failures int
	// Window, if positive, opens it too when of at least Minimum results of
	// this time a share of Rate or more are failures.
	Window  time.Duration
	Rate    float64
	Minimum int
	// Pause is how long it stays open. It doubles each time that the circuit
	// opens again without having been closed, up to PauseMax.
	Pause, PauseMax time.Duration
	// Probes run at once at most when it is half-open. Successes of them close
	// it, Relapses failed ones open it again.
	Probes, Successes, Relapses int
	// Changed is told of every change of state, one after the other and in
	// order, under no lock: it may use the circuit.
	Changed func(Change)
}

// A Change is a move from one state to another.
type Change struct {
	From, To State
	At       time.Time
	// Cause is the failure that opened the circuit, nil if somebody opened or
	// closed it by hand, or if it closed because all went well.
	Cause error
	// Pause is how long the circuit stays open.
	Pause time.Duration
	// Manual tells that somebody wanted it.
	Manual bool
}

// A Snapshot is a moment's view of a circuit.
type Snapshot struct {
	State State
	// Since is when it took that state, zero if it never changed.
	Since time.Time
	// Streak is the number of failures in a row.
	Streak int
	// Left is how long the circuit stays open, 0 if probes may come, or if it
	// is not open.
	Left time.Duration
	// Probing is how many probes run, Proved how many went well.
	Probing, Proved int
	// Successes, Failures and Refused calls, Probes that were let through, and
	// the times that it Opened and Closed count from the beginning.
	Successes, Failures, Refused int64
	Probes, Opened, Closed       int64
	// Cause is the last failure, nil for none.
	Cause error
}
