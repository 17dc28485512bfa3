package dspool

import (
	"cmp"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"time"

	"github.com/dspool/dspool/fault"
)

// SessionRecordVersion is the version of the records that this package writes.
// It reads no newer ones.
const SessionRecordVersion = 1

// A recordEnvelope is what stores keep; docs/SESSIONS.md describes it.
type recordEnvelope struct {
	Version int `json:"version"`
	// Sum is the CRC-32C of Session's bytes: stores and disks flip bits.
	Sum     uint32          `json:"crc32c"`
	Session json.RawMessage `json:"session"`
}

// sessionRecord is a session in its envelope.
type sessionRecord struct {
	ID           string            `json:"id"`
	Tenant       string            `json:"tenant,omitempty"`
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

// encode writes the record as stores keep it.
func (r *sessionRecord) encode() ([]byte, error) {
	body, err := json.Marshal(r)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "a session cannot be written as JSON")
	}
	head := fmt.Appendf(make([]byte, 0, len(body)+64), `{"version":%d,"crc32c":%d,"session":`, SessionRecordVersion, checksum(body))
	return append(append(head, body...), '}'), nil
}

func checksum(b []byte) uint32 { return crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli)) }

// record copies a session for the store. What it shares never changes. Callers
// hold the table's lock.
func (st *sessionState) record() *sessionRecord {
	r := &sessionRecord{
		ID: st.id, Tenant: st.tenant, User: st.user, CreatedAt: st.created, LastActivity: st.active,
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
	var e recordEnvelope
	err := json.Unmarshal(raw, &e)
	switch {
	case err == nil && e.Version > SessionRecordVersion:
		return nil, badRecord(id, fault.Unsupported, nil, fmt.Sprintf("has version %d and this dspool knows %d: use a newer one",
			e.Version, SessionRecordVersion))
	case err != nil || e.Version < 1 || e.Sum != checksum(e.Session):
		return nil, badRecord(id, fault.Unavailable, err, "is damaged")
	}
	var r sessionRecord
	if err := json.Unmarshal(e.Session, &r); err != nil {
		return nil, badRecord(id, fault.Unavailable, err, "cannot be read")
	}
	if scoped(r.Tenant, r.ID) != id {
		return nil, badRecord(id, fault.Unavailable, nil, "belongs to another session")
	}
	st, err := r.state()
	if err != nil {
		return nil, badRecord(id, fault.Unavailable, err, "cannot be used")
	}
	return st, nil
}

// badRecord is the error of a session whose record is no good.
func badRecord(id string, code fault.Code, cause error, what string) *fault.Error {
	message := fmt.Sprintf("session %q: its record in the store %s; ending the session removes it", id, what)
	err := fault.Wrap(code, cause, message).WithStarted(fault.StartedNo)
	err.Details = map[string]string{fault.DetailSession: id}
	return err
}

// state is the session that the record describes.
func (r *sessionRecord) state() (*sessionState, error) {
	st := &sessionState{
		id: r.ID, tenant: r.Tenant, key: scoped(r.Tenant, r.ID), user: r.User, created: r.CreatedAt, active: r.LastActivity, lm: r.LM,
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
		st.keep(&sessionProgram{id: p.ID, spec: p.Spec, created: p.CreatedAt, executed: p.LastExecuted, executions: p.Executions})
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
