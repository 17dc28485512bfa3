package dspool

import "time"

// SessionsStatus is a moment's view of a table of sessions. It is the reader's
// own copy.
type SessionsStatus struct {
	// Active sessions exist now, at most Max, -1 for no limit.
	Active int `json:"active"`
	Max    int `json:"max"`
	// Started counts sessions that began, Ended those that are over, and Expired
	// those of them that nobody had ended.
	Started int64 `json:"started"`
	Ended   int64 `json:"ended"`
	Expired int64 `json:"expired"`
	// Operations are calls in sessions that have ended, Errors those that failed.
	Operations int64 `json:"operations"`
	Errors     int64 `json:"errors"`
	// MeanLife is how long sessions that are over existed.
	MeanLife time.Duration `json:"mean_life"`
	// Unsaved sessions have changes that the store does not have yet.
	// StoreFailures is how often it could not take them, and StoreError why the
	// last try failed, "" if it did not.
	Unsaved       int    `json:"unsaved,omitempty"`
	StoreFailures int64  `json:"store_failures,omitempty"`
	StoreError    string `json:"store_error,omitempty"`
	// Unreadable sessions are in the store in a form that cannot be used; see
	// [SessionStore].
	Unreadable int `json:"unreadable,omitempty"`
}

// Status returns the numbers of this moment. It does no I/O.
func (t *Sessions) Status() SessionsStatus {
	t.mu.Lock()
	defer t.mu.Unlock()
	st := SessionsStatus{
		Active: len(t.live), Max: t.cfg.Max, Started: t.totals.started, Ended: t.totals.ended, Expired: t.totals.expired,
		Operations: t.totals.operations, Errors: t.totals.errors, MeanLife: time.Duration(t.totals.meanLife),
		Unreadable: len(t.broken),
	}
	if t.saver != nil {
		t.saver.describe(&st)
	}
	return st
}
