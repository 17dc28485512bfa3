package dspool

import (
	"time"

	"github.com/dspool/dspool/internal/breaker"
)

// Defaults of BreakerConfig.
const (
	BreakerFailuresDefault      = 5
	BreakerPauseDefault         = time.Minute
	BreakerProbesDefault        = 3
	BreakerSuccessesDefault     = 3
	BreakerProbeFailuresDefault = 1
	BreakerRateDefault          = 0.5
	BreakerMinimumDefault       = 20
)

// BreakerConfig says when a circuit opens and closes. The zero value works.
type BreakerConfig struct {
	// Name is what events, errors and Status call the circuit. Defaults to
	// "circuit".
	Name string
	// Failures in a row open the circuit. Defaults to 5.
	Failures int
	// Window, if set, also opens it when the share of failures among the
	// results of that time reaches Rate. A window costs a lock on every call.
	Window time.Duration
	// Rate is that share, from 0 to 1. Defaults to 0.5.
	Rate float64
	// Minimum is how many results there have to be before Rate says anything.
	// Defaults to 20.
	Minimum int
	// Pause is how long the circuit stays open. Defaults to 60 s. PauseMax, if
	// it is longer, lets the pause double each time that the probes fail.
	Pause, PauseMax time.Duration
	// Probes are the calls that a half-open circuit lets through at once,
	// Successes of which close it and ProbeFailures of which open it again.
	// Default to 3, 3 and 1.
	Probes, Successes, ProbeFailures int
	// IgnoreDeadlines leaves calls out of the count that ran out of time. Set
	// it where callers bring deadlines that are too short for the work.
	IgnoreDeadlines bool
	// OnChange is told of every change of state, one after the other and in
	// order. No lock is held: it may use the circuit. The caller whose call
	// changed the state waits for it.
	OnChange func(CircuitChange)
}

func (c BreakerConfig) withDefaults() BreakerConfig {
	c.Name = or(c.Name, "circuit")
	c.Failures = or(c.Failures, BreakerFailuresDefault)
	c.Rate = or(c.Rate, BreakerRateDefault)
	c.Minimum = or(c.Minimum, BreakerMinimumDefault)
	c.Pause = or(c.Pause, BreakerPauseDefault)
	c.PauseMax = or(c.PauseMax, c.Pause)
	c.Probes = or(c.Probes, BreakerProbesDefault)
	c.Successes = or(c.Successes, BreakerSuccessesDefault)
	c.ProbeFailures = or(c.ProbeFailures, BreakerProbeFailuresDefault)
	return c
}

// Validate returns everything that is wrong with the configuration in one
// error, each part with the path of its field, or nil.
func (c BreakerConfig) Validate() error {
	c = c.withDefaults()
	k := &checker{path: "BreakerConfig"}
	k.must(c.Failures >= 1, "Failures", "must be at least 1, got %d", c.Failures)
	k.must(c.Window >= 0, "Window", "must not be negative, got %s", c.Window)
	k.must(c.Rate > 0 && c.Rate <= 1, "Rate", "must be more than 0 and at most 1, got %g", c.Rate)
	k.must(c.Minimum >= 1, "Minimum", "must be at least 1, got %d", c.Minimum)
	k.must(c.Pause > 0, "Pause", "must be positive, got %s", c.Pause)
	k.must(c.PauseMax >= c.Pause, "PauseMax", "must not be less than Pause (%s), got %s", c.Pause, c.PauseMax)
	k.must(c.Probes >= 1, "Probes", "must be at least 1, got %d", c.Probes)
	k.must(c.Successes >= 1, "Successes", "must be at least 1, got %d", c.Successes)
	k.must(c.ProbeFailures >= 1, "ProbeFailures", "must be at least 1, got %d", c.ProbeFailures)
	return k.verdict()
}

// core is the configuration of the state machine underneath.
func (c BreakerConfig) core(changed func(breaker.Change)) breaker.Config {
	return breaker.Config{
		Failures: c.Failures, Window: c.Window, Rate: c.Rate, Minimum: c.Minimum,
		Pause: c.Pause, PauseMax: c.PauseMax,
		Probes: c.Probes, Successes: c.Successes, Relapses: c.ProbeFailures, Changed: changed,
	}
}
