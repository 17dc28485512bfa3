package dspool

import (
	"time"

	"github.com/dspool/dspool/internal/supervise"
)

// Defaults of Restart.
const (
	RestartFailuresDefault   = supervise.FailuresDefault
	RestartDecayDefault      = supervise.DecayDefault
	RestartBackoffDefault    = supervise.BackoffDefault
	RestartBackoffMaxDefault = supervise.BackoffMaxDefault
)

// Restart says how fast lost workers are replaced. A replacement is ordered the
// moment a worker is lost, until losses come too fast: then there is a crash
// loop, and a new try is made only after a pause that doubles each time.
type Restart struct {
	// Failures is how many recent losses make a crash loop. A loss counts less
	// the longer ago it was. Defaults to 5.
	Failures int
	// Decay is the time after which a loss counts half. Defaults to 30 s.
	Decay time.Duration
	// Backoff is the first pause and BackoffMax the longest. Default to 200 ms
	// and 30 s.
	Backoff, BackoffMax time.Duration
}

func (r Restart) withDefaults() Restart {
	r.Failures = or(r.Failures, RestartFailuresDefault)
	r.Decay = or(r.Decay, RestartDecayDefault)
	r.Backoff = or(r.Backoff, RestartBackoffDefault)
	r.BackoffMax = or(r.BackoffMax, max(RestartBackoffMaxDefault, r.Backoff))
	return r
}

func (r Restart) check(k *checker) {
	k.must(r.Failures >= 1, "Restart.Failures", "must be at least 1, got %d", r.Failures)
	k.must(r.Decay > 0, "Restart.Decay", "must be positive, got %s", r.Decay)
	k.must(r.Backoff > 0, "Restart.Backoff", "must be positive, got %s", r.Backoff)
	k.must(r.BackoffMax >= r.Backoff, "Restart.BackoffMax", "must not be less than Backoff (%s), got %s", r.Backoff, r.BackoffMax)
}

func (r Restart) pace() supervise.Pace {
	return supervise.Pace{Failures: r.Failures, Decay: r.Decay, Backoff: r.Backoff, BackoffMax: r.BackoffMax}
}
