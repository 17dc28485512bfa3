package dspool

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/dspool/dspool/fault"
)

// SessionRecordVersion is the version of the records that this package writes.
// It reads no newer ones.
const SessionRecordVersion = 1

// sessionRecord is a session as stores keep it; docs/SESSIONS.md describes it.
type sessionRecord struct {
	Version      int               `json:"version"`
	ID           string            `json:"id"`
	User         string            `json:"user,omitempty"`
	CreatedAt    time.Time         `json:"created_at"`
	LastActivity time.Time         `json:"last_activity"`
	LM           string            `json:"lm,omitempty"`
	Limits       SessionLimits     `json:"limits"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	Programs     []SessionProgram  `json:"programs,omitempty"`
	History      []Turn            `json:"history,omitempty"`
	Calls        int64             `json:"calls"`
	Stats        SessionStats      `json:"stats"`
}

// record copies a session for the store. What it shares never changes. Callers
// hold the table's lock.
func (st *sessionState) record() *sessionRecord {
	r := &sessionRecord{
		Version: SessionRecordVersion, ID: st.id, User: st.user, CreatedAt: st.created, LastActivity: st.active,
		LM: st.lm, Limits: st.limits, Metadata: maps.Clone(st.metadata), Calls: st.began - int64(st.inFlight), Stats: st.stats,
	}
	for _, p := range st.programs {
		r.Programs = append(r.Programs, p.describe())
	}
	slices.SortFunc(r.Programs, func(a, b SessionProgram) int { return cmp.Compare(a.ID, b.ID) })
	for _, t := range st.history.turns {
		r.History = append(r.History, t.Turn)
	}
	return r
}

// readSession makes a session of a record. The error says what is wrong with
// it, and that ending the session gets rid of it.
func readSession(id string, raw []byte) (*sessionState, *fault.Error) {
	var head struct {
		Version int    `json:"version"`
		ID      string `json:"id"`
	}
	bad := func(code fault.Code, format string, args ...any) *fault.Error {
		err := fault.Newf(code, "session %q: "+format+"; ending the session removes the record", append([]any{id}, args...)...)
		return err.WithStarted(fault.StartedNo)
	}
	if err := json.Unmarshal(raw, &head); err != nil {
		return nil, bad(fault.Unavailable, "its record in the store cannot be read: %s", err)
	}
	switch {
	case head.Version > SessionRecordVersion:
		return nil, bad(fault.Unsupported, "its record has version %d and this dspool knows %d: use a newer one", head.Version, SessionRecordVersion)
	case head.Version < 1 || head.ID != id:
		return nil, bad(fault.Unavailable, "its record in the store is not one of this session")
	}
	var r sessionRecord
	if err := json.Unmarshal(raw, &r); err != nil {
		return nil, bad(fault.Unavailable, "its record in the store cannot be read: %s", err)
	}
	st, err := r.state()
	if err != nil {
		return nil, bad(fault.Unavailable, "its record in the store cannot be used: %s", fault.From(err).Message)
	}
	return st, nil
}

// state is the session that the record describes.
func (r *sessionRecord) state() (*sessionState, error) {
	st := &sessionState{
		id: r.ID, user: r.User, created: r.CreatedAt, active: r.LastActivity, lm: r.LM,
		limits: r.Limits.over(defaultSessionLimits()), metadata: r.Metadata, began: r.Calls, stats: r.Stats,
		programs: make(map[string]*sessionProgram, len(r.Programs)),
	}
	if err := st.limits.validate(); err != nil {
		return nil, err
	}
	for _, p := range r.Programs {
		if err := p.Spec.Validate(); err != nil {
			return nil, err
		}
		st.programs[p.ID] = &sessionProgram{
			id: p.ID, spec: p.Spec, created: p.CreatedAt, executed: p.LastExecuted, executions: p.Executions,
		}
	}
	for _, t := range r.History {
		made, err := newTurn(t)
		if err != nil {
			return nil, err
		}
		st.history.turns = append(st.history.turns, made)
		st.history.bytes += len(t.Message)
	}
	return st, nil
}
