package dspool

import (
	"sync"
	"sync/atomic"
	"time"
)

// Defaults of RetryBudget for a [Retry], and for the repetitions that a pool
// makes by itself. Finagle allows 20 % and 10 a second over 10 s:
// finagle.github.io/blog/2016/02/08/retry-budgets. A pool's are wider because
// the end of one worker costs all of its calls at once.
const (
	RetryRatioDefault         = 0.1
	RetryPerSecondDefault     = 10
	RetryBurstDefault         = 100
	PoolRetryRatioDefault     = 0.5
	PoolRetryPerSecondDefault = 100
	PoolRetryBurstDefault     = 1024
)

// A RetryBudget limits how many calls may be repeated, all together: when
// everything fails, repetitions would only multiply the load. It is a token
// bucket; every call puts a part of a token into it, every repetition takes one
// out. Calls that go well pay nothing for it.
type RetryBudget struct {
	// Ratio is how many repetitions each call makes room for. Defaults to 0.1
	// for a Retry and to 0.5 for a pool; -1 is no limit at all.
	Ratio float64
	// PerSecond are allowed beyond that, for those who call seldom. Defaults to
	// 10 for a Retry and to 100 for a pool; -1 is none.
	PerSecond float64
	// Burst is how much room may pile up, and what there is at the beginning.
	// Defaults to 100 for a Retry, and for a pool to as many calls as its
	// workers can have in flight, but at least 1024.
	Burst int
}

func (b RetryBudget) withDefaults(ratio, perSecond float64, burst int) RetryBudget {
	b.Ratio = or(b.Ratio, ratio)
	b.PerSecond = or(b.PerSecond, perSecond)
	b.Burst = or(b.Burst, burst)
	return b
}

func (b RetryBudget) check(k *checker, path string) {
	orOff := func(v float64) bool { return v == -1 || v >= 0 }
	k.must(orOff(b.Ratio), path+".Ratio", "must be -1 (no limit) or positive, got %g", b.Ratio)
	k.must(orOff(b.PerSecond), path+".PerSecond", "must be -1 (none) or positive, got %g", b.PerSecond)
	k.must(b.Burst >= 1, path+".Burst", "must be at least 1, got %d", b.Burst)
}

// A bucket spends a RetryBudget. It is filled when somebody takes from it, from
// the number of calls and the time since: nobody else touches it.
type bucket struct {
	cfg     RetryBudget
	refused atomic.Int64

	mu     sync.Mutex
	tokens float64
	calls  int64 // as of the last filling
	at     time.Time
}

func newBucket(config RetryBudget) *bucket {
	return &bucket{cfg: config, tokens: float64(config.Burst)}
}

// take takes one token; calls is how many calls there have been.
func (b *bucket) take(calls int64) bool {
	if b.cfg.Ratio < 0 {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fill(calls); b.tokens < 1 {
		b.refused.Add(1)
		return false
	}
	b.tokens--
	return true
}

// left is how many repetitions there is room for, -1 for any number.
func (b *bucket) left(calls int64) float64 {
	if b.cfg.Ratio < 0 {
		return -1
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fill(calls)
	return b.tokens
}

func (b *bucket) fill(calls int64) {
	now := time.Now()
	if fresh := calls - b.calls; fresh > 0 {
		b.tokens += b.cfg.Ratio * float64(fresh)
		b.calls = calls
	}
	if !b.at.IsZero() && b.cfg.PerSecond > 0 {
		b.tokens += b.cfg.PerSecond * now.Sub(b.at).Seconds()
	}
	b.at = now
	b.tokens = min(b.tokens, float64(b.cfg.Burst))
}
