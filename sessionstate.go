package dspool

import (
	"maps"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dspool/dspool/fault"
)

// lastErrorMax is how much of an error's message is kept, in bytes.
const lastErrorMax = 1 << 10

// sessionState is a session's data. The table's lock guards it.
type sessionState struct {
	id, tenant      string
	key             string // the id, scoped to the tenant
	user            string
	created, active time.Time
	lm              string
	limits          SessionLimits
	metadata        map[string]string
	programs        map[string]*sessionProgram
	programBytes    int // of their definitions
	history         conversation
	stats           SessionStats
	began           int64 // calls that were let in, against Limits.Calls
	inFlight        int
}

// SessionStats are what a session has done since it started.
type SessionStats struct {
	// Operations are calls that have ended, Errors those that failed.
	Operations int64 `json:"operations"`
	Errors     int64 `json:"errors"`
	// LastError is the last failure, "" for none, and LastErrorAt its time.
	LastError   string    `json:"last_error,omitempty"`
	LastErrorAt time.Time `json:"last_error_at,omitzero"`
	// TotalTime is how long all calls took together, waiting included, and
	// MeanTime how long one did.
	TotalTime time.Duration `json:"total_time"`
	MeanTime  time.Duration `json:"mean_time"`
	// HistoryDropped is how many turns of the conversation were forgotten to
	// stay within the limits.
	HistoryDropped int64 `json:"history_dropped,omitempty"`
}

// SessionInfo describes a session at one moment. It is the reader's own copy.
type SessionInfo struct {
	ID           string            `json:"id"`
	Tenant       string            `json:"tenant,omitempty"`
	User         string            `json:"user,omitempty"`
	CreatedAt    time.Time         `json:"created_at"`
	LastActivity time.Time         `json:"last_activity"`
	LM           string            `json:"lm,omitempty"`
	Limits       SessionLimits     `json:"limits"`
	Metadata     map[string]string `json:"metadata,omitempty"`
	// Programs is how many programs it keeps and ProgramBytes the size of their
	// definitions, HistoryTurns and HistoryBytes how much of the conversation.
	Programs     int `json:"programs"`
	ProgramBytes int `json:"program_bytes"`
	HistoryTurns int `json:"history_turns"`
	HistoryBytes int `json:"history_bytes"`
	// InFlight calls have not ended.
	InFlight int          `json:"in_flight"`
	Stats    SessionStats `json:"stats"`
	// ExpiresAt is when it ends if it is not used again, zero for never.
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// info describes a session. Callers hold mu.
func (t *Sessions) info(st *sessionState) SessionInfo {
	return SessionInfo{
		ID: st.id, Tenant: st.tenant, User: st.user, CreatedAt: st.created, LastActivity: st.active, LM: st.lm,
		Limits: st.limits, Metadata: maps.Clone(st.metadata), Programs: len(st.programs), ProgramBytes: st.programBytes,
		HistoryTurns: len(st.history.turns), HistoryBytes: st.history.bytes,
		InFlight: st.inFlight, Stats: st.stats, ExpiresAt: t.expiry(st),
	}
}

// expiry is when a session ends if it is not used again.
func (t *Sessions) expiry(st *sessionState) (at time.Time) {
	if t.cfg.IdleTimeout > 0 {
		at = st.active.Add(t.cfg.IdleTimeout)
	}
	if end := st.created.Add(t.cfg.TTL); t.cfg.TTL > 0 && (at.IsZero() || end.Before(at)) {
		at = end
	}
	return at
}

// exhausted is the error of a limit: what is at it, and what to do.
func (st *sessionState) exhausted(limit string, allowed int64, what, do string) *fault.Error {
	err := fault.Newf(fault.ResourceExhausted, "session %q: %s, the limit is %d: %s", st.id, what, allowed, do).
		WithStarted(fault.StartedNo)
	err.Details = map[string]string{"session": st.id, "limit": limit, "allowed": strconv.FormatInt(allowed, 10)}
	return err
}

// record counts a call that has ended.
func (s *SessionStats) record(took time.Duration, err error) {
	s.MeanTime = time.Duration(runningMean(float64(s.MeanTime), s.Operations, float64(took)))
	s.Operations++
	s.TotalTime += took
	if err != nil {
		s.Errors++
		s.LastError, s.LastErrorAt = clipped(err.Error(), lastErrorMax), time.Now()
	}
}

// runningMean is the mean of n values and one more.
func runningMean(mean float64, n int64, next float64) float64 {
	return mean + (next-mean)/float64(n+1)
}

// clipped returns at most n bytes of text, whole characters only.
func clipped(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return strings.ToValidUTF8(text[:n], "�") + "..."
}
