package dspool

import (
	"log/slog"
	"time"
)

// Defaults of SessionsConfig and SessionLimits.
const (
	SessionsMaxDefault          = 10_000
	SessionIdleTimeoutDefault   = time.Hour
	SessionSweepIntervalDefault = time.Minute
	SessionFlushIntervalDefault = time.Second
	SessionProgramsDefault      = 100
	SessionProgramBytesDefault  = 4 << 20
	SessionHistoryTurnsDefault  = 100
	SessionHistoryBytesDefault  = 1 << 20
	SessionMetadataBytesDefault = 16 << 10
)

// SessionsConfig says how many sessions there may be, how long they live and
// where they are kept. The zero value works.
type SessionsConfig struct {
	// Max is how many sessions there may be at once; the next one gets
	// resource_exhausted. Defaults to 10,000, -1 is no limit.
	Max int
	// IdleTimeout ends a session that was not used for so long and has no call
	// in flight. Defaults to 1 h, -1 is never.
	IdleTimeout time.Duration
	// TTL ends a session that is so old, however busy it is; its calls in
	// flight still give their results. 0 and -1 are never.
	TTL time.Duration
	// SweepInterval is how long an expired session may stay in memory before
	// it is removed. It is never used again in that time. Defaults to 1 min.
	SweepInterval time.Duration
	// Limits bound each session that brings none of its own.
	Limits SessionLimits
	// Store keeps sessions beyond the life of this process. Nil: they live in
	// its memory. Whoever opened the store closes it, after Stop.
	Store SessionStore
	// FlushInterval is how long a change may wait until it is saved, and so
	// what a crash of this process can lose. Defaults to 1 s.
	FlushInterval time.Duration
	// Logger hears of failures of the store. Defaults to the pool's, or to
	// none.
	Logger *slog.Logger
}

func (c SessionsConfig) withDefaults() SessionsConfig {
	c.Max = or(c.Max, SessionsMaxDefault)
	c.IdleTimeout = or(c.IdleTimeout, SessionIdleTimeoutDefault)
	c.SweepInterval = or(c.SweepInterval, SessionSweepIntervalDefault)
	c.FlushInterval = or(c.FlushInterval, SessionFlushIntervalDefault)
	c.Limits = c.Limits.over(defaultSessionLimits())
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// check looks at the fields under a prefix, "Sessions." in a Config.
func (c SessionsConfig) check(k *checker, prefix string) {
	orOff := func(name string, d time.Duration) {
		k.must(d >= 0 || d == -1, prefix+name, "must be -1 (off) or positive, got %s", d)
	}
	k.must(c.Max >= 1 || c.Max == -1, prefix+"Max", "must be -1 (no limit) or at least 1, got %d", c.Max)
	orOff("IdleTimeout", c.IdleTimeout)
	orOff("TTL", c.TTL)
	k.must(c.SweepInterval > 0, prefix+"SweepInterval", "must be positive, got %s", c.SweepInterval)
	k.must(c.FlushInterval > 0, prefix+"FlushInterval", "must be positive, got %s", c.FlushInterval)
	c.Limits.check(k, prefix+"Limits.")
}

// validate returns everything that is wrong in one error.
func (c SessionsConfig) validate() error {
	k := &checker{path: "SessionsConfig"}
	c.check(k, "")
	return k.verdict()
}

// HistoryPolicy says what happens when a session's history is full.
type HistoryPolicy string

const (
	// DropOldest makes room for a new turn by forgetting the oldest ones.
	DropOldest HistoryPolicy = "drop_oldest"
	// RefuseCalls refuses further calls of programs that take the history,
	// with resource_exhausted, until it is cleared.
	RefuseCalls HistoryPolicy = "refuse_calls"
)

// SessionLimits bound one session. A field that is 0 has the default, one that
// is -1 is no limit.
type SessionLimits struct {
	// Programs is how many programs the session may keep, and ProgramBytes how
	// large their definitions may be together. Default to 100 and 4 MiB.
	Programs     int `json:"programs,omitempty"`
	ProgramBytes int `json:"program_bytes,omitempty"`
	// InFlight is how many calls the session may have in flight. Defaults to
	// no limit beyond the Runner's own.
	InFlight int `json:"in_flight,omitempty"`
	// Calls is how many calls the session may make in its life. Defaults to
	// no limit.
	Calls int64 `json:"calls,omitempty"`
	// HistoryTurns and HistoryBytes are how much of the conversation is kept.
	// Default to 100 turns and 1 MiB of JSON.
	HistoryTurns int `json:"history_turns,omitempty"`
	HistoryBytes int `json:"history_bytes,omitempty"`
	// HistoryFull says what happens then. Defaults to DropOldest.
	HistoryFull HistoryPolicy `json:"history_full,omitempty"`
	// MetadataBytes is the size of all names and values in the metadata
	// together. Defaults to 16 KiB.
	MetadataBytes int `json:"metadata_bytes,omitempty"`
}

func defaultSessionLimits() SessionLimits {
	return SessionLimits{
		Programs: SessionProgramsDefault, ProgramBytes: SessionProgramBytesDefault, InFlight: -1, Calls: -1,
		HistoryTurns: SessionHistoryTurnsDefault, HistoryBytes: SessionHistoryBytesDefault,
		HistoryFull: DropOldest, MetadataBytes: SessionMetadataBytesDefault,
	}
}

// over fills what is left out with the fields of base.
func (l SessionLimits) over(base SessionLimits) SessionLimits {
	return SessionLimits{
		Programs: or(l.Programs, base.Programs), ProgramBytes: or(l.ProgramBytes, base.ProgramBytes),
		InFlight: or(l.InFlight, base.InFlight), Calls: or(l.Calls, base.Calls),
		HistoryTurns: or(l.HistoryTurns, base.HistoryTurns), HistoryBytes: or(l.HistoryBytes, base.HistoryBytes),
		HistoryFull: or(l.HistoryFull, base.HistoryFull), MetadataBytes: or(l.MetadataBytes, base.MetadataBytes),
	}
}

func (l SessionLimits) check(k *checker, prefix string) {
	atLeast := func(name string, n int64) {
		k.must(n >= -1, prefix+name, "must be -1 (no limit) or positive, got %d", n)
	}
	atLeast("Programs", int64(l.Programs))
	atLeast("ProgramBytes", int64(l.ProgramBytes))
	atLeast("InFlight", int64(l.InFlight))
	atLeast("Calls", l.Calls)
	atLeast("HistoryTurns", int64(l.HistoryTurns))
	atLeast("HistoryBytes", int64(l.HistoryBytes))
	atLeast("MetadataBytes", int64(l.MetadataBytes))
	k.must(l.HistoryFull == "" || l.HistoryFull == DropOldest || l.HistoryFull == RefuseCalls, prefix+"HistoryFull",
		"must be %q or %q, got %q", DropOldest, RefuseCalls, l.HistoryFull)
}

// within reports whether n more fit beside what is there.
func within[T int | int64](have, n, limit T) bool { return limit < 0 || have+n <= limit }
