package dspool

import (
	"math/rand/v2"
	"time"

	"github.com/dspool/dspool/fault"
)

// Defaults of RetryConfig.
const (
	RetryAttemptsDefault = 3
	RetryTimeoutDefault  = 2 * time.Minute
	RetryJitterDefault   = 0.2
	RetryLimitDefault    = 1024
)

// RetryConfig says how often and how fast failed calls are repeated. The zero
// value works.
type RetryConfig struct {
	// Name is what events and Status call it. Defaults to "retry".
	Name string
	// Attempts is how often a call is made at most, the first time included.
	// Defaults to 3. The error matrix may allow less for what went wrong.
	Attempts int
	// Backoff is the pause before each repetition. Nil: what the error matrix
	// says, which is a few tenths of a second where another worker is at hand
	// and an exponential pause from Base otherwise.
	Backoff BackoffFunc
	// Base is the first pause of the error matrix, Max the longest pause
	// whoever chose it; an error's own RetryAfter may be longer. Default to 1 s
	// and 30 s.
	Base, Max time.Duration
	// Jitter spreads pauses by up to this part in both directions, so that
	// callers who failed together do not come back together. Defaults to 0.2,
	// -1 is none.
	Jitter float64
	// Timeout is the time budget of a call whose context has no deadline; no
	// repetition begins after it, and one that runs is cut off. The first
	// attempt has the Runner's own limit. Defaults to 2 min, -1 is no limit.
	Timeout time.Duration
	// Limit is how many calls may be in repetition at once; more fail with
	// their first error. Defaults to 1024.
	Limit int
	// Budget limits repetitions to a part of the calls.
	Budget RetryBudget
}

func (c RetryConfig) withDefaults() RetryConfig {
	c.Name = or(c.Name, "retry")
	c.Attempts = or(c.Attempts, RetryAttemptsDefault)
	c.Base = or(c.Base, BackoffBaseDefault)
	c.Max = or(c.Max, max(BackoffMaxDefault, c.Base))
	c.Jitter = or(c.Jitter, RetryJitterDefault)
	c.Timeout = or(c.Timeout, RetryTimeoutDefault)
	c.Limit = or(c.Limit, RetryLimitDefault)
	c.Budget = c.Budget.withDefaults(RetryRatioDefault, RetryPerSecondDefault, RetryBurstDefault)
	return c
}

// Validate returns everything that is wrong with the configuration in one
// error, each part with the path of its field, or nil.
func (c RetryConfig) Validate() error {
	c = c.withDefaults()
	k := &checker{path: "RetryConfig"}
	k.must(c.Attempts >= 1, "Attempts", "must be at least 1, got %d", c.Attempts)
	k.must(c.Base > 0, "Base", "must be positive, got %s", c.Base)
	k.must(c.Max >= c.Base, "Max", "must not be less than Base (%s), got %s", c.Base, c.Max)
	k.must(c.Jitter == -1 || c.Jitter > 0 && c.Jitter <= 1, "Jitter", "must be -1 (none) or between 0 and 1, got %g", c.Jitter)
	k.must(c.Timeout > 0 || c.Timeout == -1, "Timeout", "must be -1 (off) or positive, got %s", c.Timeout)
	k.must(c.Limit >= 1, "Limit", "must be at least 1, got %d", c.Limit)
	c.Budget.check(k, "Budget")
	return k.verdict()
}

// pause is how long to wait before the n-th repetition, after an error.
func (c RetryConfig) pause(err *fault.Error, n int, last time.Duration) time.Duration {
	if err.RetryAfter > 0 { // whoever says so knows better, but not to the moment
		return err.RetryAfter + c.spread(err.RetryAfter, 0)
	}
	pause := c.backoff(err.Class(), n, last)
	return min(max(pause+c.spread(pause, -1), 0), c.Max)
}

func (c RetryConfig) backoff(class fault.Class, n int, last time.Duration) time.Duration {
	switch {
	case c.Backoff != nil:
		return c.Backoff(n, last)
	case class.Strategy == fault.StrategyImmediate:
		return immediateStep * time.Duration(n-1)
	case class.Pace == fault.PaceLinear:
		return LinearBackoff(c.Base, c.Max)(n, last)
	default:
		return ExponentialBackoff(c.Base, c.Max)(n, last)
	}
}

// spread is a random part of a pause, from that times Jitter to Jitter.
func (c RetryConfig) spread(pause time.Duration, from float64) time.Duration {
	if c.Jitter < 0 {
		return 0
	}
	return time.Duration(float64(pause) * c.Jitter * (from + rand.Float64()*(1-from))) //nolint:gosec // spreads load, guards nothing
}
