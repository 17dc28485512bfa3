package dspool

import (
	"math/rand/v2"
	"time"
)

// Defaults of the pauses between attempts.
const (
	BackoffBaseDefault = time.Second
	BackoffMaxDefault  = 30 * time.Second
)

// immediateStep is what a repetition that may come at once waits the longer, the
// more often it came.
const immediateStep = 100 * time.Millisecond

// A BackoffFunc says how long to pause before the n-th repetition of a call, n
// counting from 1; last is the pause before the one before, 0 for the first.
// It is called from many goroutines at once. A function of the user's own is as
// good as one of these: [LinearBackoff], [ExponentialBackoff],
// [FibonacciBackoff], [DecorrelatedBackoff].
type BackoffFunc func(n int, last time.Duration) time.Duration

// LinearBackoff pauses for base, 2 base, 3 base, up to limit. 0 stands for 1 s
// and 30 s, as with the others.
func LinearBackoff(base, limit time.Duration) BackoffFunc {
	base, limit = or(base, BackoffBaseDefault), or(limit, BackoffMaxDefault)
	return func(n int, _ time.Duration) time.Duration {
		if n > int(limit/base) {
			return limit
		}
		return base * time.Duration(n)
	}
}

// ExponentialBackoff pauses for base, 2 base, 4 base, up to limit.
func ExponentialBackoff(base, limit time.Duration) BackoffFunc {
	base, limit = or(base, BackoffBaseDefault), or(limit, BackoffMaxDefault)
	return func(n int, _ time.Duration) time.Duration {
		pause := base
		for i := 1; i < n && pause < limit; i++ {
			pause *= 2
		}
		return min(pause, limit)
	}
}

// FibonacciBackoff pauses for base, base, 2 base, 3 base, 5 base, up to limit.
func FibonacciBackoff(base, limit time.Duration) BackoffFunc {
	base, limit = or(base, BackoffBaseDefault), or(limit, BackoffMaxDefault)
	return func(n int, _ time.Duration) time.Duration {
		pause, next := base, base
		for i := 1; i < n && pause < limit; i++ {
			pause, next = next, pause+next
		}
		return min(pause, limit)
	}
}

// DecorrelatedBackoff pauses for a random time between base and three times the
// last pause, up to limit: callers that failed together come back apart. The
// algorithm is "decorrelated jitter" of the AWS Architecture Blog, Exponential
// Backoff And Jitter, 2015.
func DecorrelatedBackoff(base, limit time.Duration) BackoffFunc {
	base, limit = or(base, BackoffBaseDefault), or(limit, BackoffMaxDefault)
	return func(_ int, last time.Duration) time.Duration {
		span := 3*max(last, base) - base
		return min(base+rand.N(span+1), limit) //nolint:gosec // spreads load, guards nothing
	}
}
