package dispatch

import "time"

const (
	// meterWindow is how far back the service rate looks, once it is full.
	meterWindow = 5 * time.Second
	// Bounds of the advice when to come back.
	retryMin     = 10 * time.Millisecond
	retryMax     = 30 * time.Second
	retryUnknown = time.Second
)

// A meter knows how many calls finish per second while there is a queue. It
// reads the clock only for calls that wait. Guarded by the Dispatcher's mu.
type meter struct {
	released      int64
	older, recent mark
}

type mark struct {
	at       time.Time
	released int64
}

// observe remembers where the count stood, at most once per window.
func (m *meter) observe(now time.Time) {
	if now.Sub(m.recent.at) >= meterWindow {
		m.older, m.recent = m.recent, mark{now, m.released}
	}
}

// estimate is how long it takes, at the recent rate, until n calls are done.
func (m *meter) estimate(now time.Time, n int) time.Duration {
	from := m.older
	if from.at.IsZero() || now.Sub(from.at) > 4*meterWindow {
		from = m.recent
	}
	done := m.released - from.released
	if from.at.IsZero() || done <= 0 {
		return retryUnknown
	}
	each := now.Sub(from.at) / time.Duration(done)
	return min(max(each*time.Duration(n), retryMin), retryMax)
}
