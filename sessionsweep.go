package dspool

import "time"

// sweepMax is how many sessions are removed before others get their turn.
const sweepMax = 256

// due tells why a session is over, "" if it is not. Callers hold mu.
func (t *Sessions) due(st *sessionState, now time.Time) string {
	switch {
	case t.cfg.TTL > 0 && now.Sub(st.created) >= t.cfg.TTL:
		return "it has reached its greatest age"
	case t.cfg.IdleTimeout > 0 && st.inFlight == 0 && now.Sub(st.active) >= t.cfg.IdleTimeout:
		return "it was idle"
	default:
		return ""
	}
}

// expire removes a session that is due. Callers hold mu.
func (t *Sessions) expire(st *sessionState, why string) { t.remove(st, SessionExpired, why) }

// expireDue removes at most limit sessions that are due and reports whether
// there may be more. Callers hold mu.
func (t *Sessions) expireDue(now time.Time, limit int) (more bool) {
	for range limit {
		st := t.nextDue(now)
		if st == nil {
			return false
		}
		if why := t.due(st, now); why != "" {
			t.expire(st, why)
		} else {
			t.touch(st) // it has calls in flight
		}
	}
	return true
}

// nextDue returns a session whose time is over, unless its calls keep it.
// Callers hold mu.
func (t *Sessions) nextDue(now time.Time) *sessionState {
	if st := t.byAge.first(); st != nil && t.cfg.TTL > 0 && now.Sub(st.created) >= t.cfg.TTL {
		return st
	}
	if st := t.byUse.first(); st != nil && t.cfg.IdleTimeout > 0 && now.Sub(st.active) >= t.cfg.IdleTimeout {
		return st
	}
	return nil
}

// watch makes sure that a sweep comes while there are sessions. A table without
// any has no timer, so one that is not used need not be stopped. Callers hold mu.
func (t *Sessions) watch() {
	if len(t.live) > 0 && (t.cfg.IdleTimeout > 0 || t.cfg.TTL > 0) {
		t.sweeps.set(t.cfg.SweepInterval)
	}
}

// sweep removes what has expired, a few at a time.
func (t *Sessions) sweep() {
	for more := true; more; {
		t.mu.Lock()
		more = !t.closed && t.expireDue(time.Now(), sweepMax)
		t.unlock()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.watch()
}
