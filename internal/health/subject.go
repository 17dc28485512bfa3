package health

import (
	"context"
	"time"
)

// A Subject is a worker as a [Monitor] sees it. Its methods are called
// concurrently.
type Subject interface {
	// Ping asks for a sign of life and waits for it until ctx ends.
	Ping(ctx context.Context) (Pulse, error)
	// Try makes a call on the way of every call and waits for it until ctx
	// ends. It says on its own whether an answer that is an error will do.
	Try(ctx context.Context) error
	// Vitals tells how the process is doing; false if the system does not tell.
	Vitals() (Vitals, bool)
	// InFlight is how many calls the worker has.
	InFlight() int
	// Leaving reports whether the worker takes no calls any more for good and
	// only finishes those that it has: it is pinged, but not tried.
	Leaving() bool
	// Done is closed when the worker is gone.
	Done() <-chan struct{}

	// Checked hears of every check that was made, before what follows from it.
	Checked(Result)
	// Degrade is told once when checks begin to fail, Restore when one passes
	// again.
	Degrade(reason string)
	Restore(reason string)
	// Replace is told when the worker lives but calls do not come back, GiveUp
	// when it does not react at all. Nothing more is told after GiveUp;
	// Replace is told again after as many failures.
	Replace(reason string)
	GiveUp(reason string)
}

// A Pulse is what a worker answers to a ping.
type Pulse struct {
	// Lag is by how much the worker's event loop is late.
	Lag time.Duration
	// RSS is resident memory in bytes, 0 if unknown.
	RSS int64
}

// Vitals are what the system says of a worker's process.
type Vitals struct {
	// CPU is the processor time that it has used so far.
	CPU time.Duration
	// Stopped: somebody has stopped it. Waiting: it would go on but for the
	// machine.
	Stopped, Waiting bool
}

// A Result is how one check went.
type Result struct {
	// At is when the check began, Took how long it was.
	At   time.Time
	Took time.Duration
	// Alive tells that the ping was answered, with Pulse.
	Alive bool
	Pulse Pulse
	// Err is nil if the worker is alive and ready.
	Err error
}
