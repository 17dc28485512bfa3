package health

import "time"

// Limits say when a worker has done enough and is replaced by a fresh one. 0
// is no limit.
type Limits struct {
	// Calls is how many calls have ended on it, Errors how many in a row with
	// an error that speaks against the worker.
	Calls, Errors int64
	// Age is how long it has been there, Idle how long without a call since
	// its last one.
	Age, Idle time.Duration
	// Memory is resident memory in bytes.
	Memory int64
}

// A Use is what a worker has done so far.
type Use struct {
	Calls, Errors int64
	Age           time.Duration
	// Idle is how long it has had nothing to do since its last call, 0 if it
	// has never had a call.
	Idle   time.Duration
	Memory int64
}

// A Cause is the limit that a worker has reached.
type Cause string

// The causes.
const (
	None     Cause = ""
	ByCalls  Cause = "calls"
	ByErrors Cause = "errors"
	ByAge    Cause = "age"
	ByIdle   Cause = "idle"
	ByMemory Cause = "memory"
)

// Reached tells which limit a worker has reached, if any: what speaks most
// against it first.
func (l Limits) Reached(u Use) Cause {
	switch {
	case l.Errors > 0 && u.Errors >= l.Errors:
		return ByErrors
	case l.Memory > 0 && u.Memory >= l.Memory:
		return ByMemory
	case l.Calls > 0 && u.Calls >= l.Calls:
		return ByCalls
	case l.Age > 0 && u.Age >= l.Age:
		return ByAge
	case l.Idle > 0 && u.Idle >= l.Idle:
		return ByIdle
	default:
		return None
	}
}

// Spread returns limits that are lower by a random part, at most the share
// given, so that workers that began together do not all end together. random
// is in [0, 1). Memory and errors stay: they are no clocks.
func (l Limits) Spread(share, random float64) Limits {
	factor := 1 - share*random
	l.Age = time.Duration(float64(l.Age) * factor)
	l.Idle = time.Duration(float64(l.Idle) * factor)
	if l.Calls > 0 {
		l.Calls = max(int64(float64(l.Calls)*factor), 1)
	}
	return l
}
