package health

import "time"

// A Config says how workers are checked. All fields but Interval must be set.
type Config struct {
	// Interval is the time from the beginning of one check to that of the next,
	// give or take a tenth, so that workers do not all do it at once. 0: no
	// checks but those that are asked for.
	Interval time.Duration
	// DegradedInterval is the same for a worker that has failed its last check.
	DegradedInterval time.Duration
	// Timeout is how long a worker may take to answer.
	Timeout time.Duration
	// Failures is how many checks in a row a worker may fail before it is
	// replaced or given up.
	Failures int
	// BusyMax is how long a worker may not answer although it is known to be at
	// work. It is at work if calls are in flight and, since the last check, its
	// process has used at least a twentieth of one processor; or if its calls
	// keep their way so full that only the call of the check comes late; or if
	// its process waits for a processor or a disk. 0 is without limit.
	BusyMax time.Duration
	// Random returns numbers in [0, 1) for the spread of checks.
	Random func() float64
}

// spread is by how much of the interval checks are moved at random.
const spread = 0.1

// pause is how long to wait between the beginnings of two checks.
func (c Config) pause(degraded bool) time.Duration {
	d := c.Interval
	if degraded {
		d = c.DegradedInterval
	}
	return time.Duration(float64(d) * (1 - spread + 2*spread*c.Random()))
}
