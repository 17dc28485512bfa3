package supervise

import (
	"math"
	"math/rand/v2"
	"time"
)

// Defaults of [Pace].
const (
	FailuresDefault   = 5
	DecayDefault      = 30 * time.Second
	BackoffDefault    = 200 * time.Millisecond
	BackoffMaxDefault = 30 * time.Second
)

// jitter is by how much, at most, a pause is longer or shorter than computed,
// so that pools on one machine do not start in step.
const jitter = 0.2

// A Pace says how fast failures are followed by new tries.
type Pace struct {
	// Failures is how many recent failures make a crash loop. Defaults to 5.
	Failures int
	// Decay is the time after which a failure counts half. Defaults to 30 s.
	Decay time.Duration
	// Backoff is the first pause, BackoffMax the longest; each is twice the one
	// before. Default to 200 ms and 30 s.
	Backoff, BackoffMax time.Duration
}

func (p Pace) withDefaults() Pace {
	if p.Failures <= 0 {
		p.Failures = FailuresDefault
	}
	if p.Decay <= 0 {
		p.Decay = DecayDefault
	}
	if p.Backoff <= 0 {
		p.Backoff = BackoffDefault
	}
	if p.BackoffMax <= 0 {
		p.BackoffMax = BackoffMaxDefault
	}
	return p
}

// A meter counts failures by a pace. It is not for concurrent use.
type meter struct {
	pace   Pace
	count  float64
	at     time.Time
	pauses int
	random func() float64 // in [0, 1)
}

func newMeter(p Pace) *meter { return &meter{pace: p, random: rand.Float64} }

// level is the decayed count. Once it is low the next pause is short again.
func (m *meter) level(now time.Time) float64 {
	if m.count > 0 {
		m.count *= math.Exp2(-now.Sub(m.at).Seconds() / m.pace.Decay.Seconds())
	}
	m.at = now
	if m.count < 0.5 {
		m.pauses = 0
	}
	return m.count
}

// fail counts one failure.
func (m *meter) fail(now time.Time) { m.count = m.level(now) + 1 }

// looping reports whether failures come too fast.
func (m *meter) looping(now time.Time) bool { return m.level(now) >= float64(m.pace.Failures)-0.01 }

// pause returns how long to wait now; the next one will be twice as long.
func (m *meter) pause() time.Duration {
	d := m.pace.BackoffMax
	if m.pauses < 30 {
		d = min(d, m.pace.Backoff<<m.pauses)
	}
	m.pauses++
	return time.Duration(float64(d) * (1 - jitter + 2*jitter*m.random()))
}
