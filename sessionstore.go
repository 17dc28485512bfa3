package dspool

import (
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/dspool/dspool/fault"
)

// A SessionStore keeps sessions beyond the life of a process. [MemoryStore] and
// package sessionbolt are stores; dspooltest has the suite that any store has to
// pass.
//
// What it keeps are records: one JSON object a session, which docs/SESSIONS.md
// describes. To a store they are bytes. The table reads all of them when it is
// first used, and from then on writes what has changed, many sessions at a time
// and never from two goroutines at once. A store belongs to one table.
//
// The id of a tenant's session is the tenant's, the character U+001F and the
// session's own, at most 513 bytes; ids of other sessions have no such character.
//
// Errors should be *fault.Error, and say what to do. Methods return when ctx
// ends, unless what they do cannot be broken off.
type SessionStore interface {
	// Load returns the record of a session; not_found if there is none. The
	// bytes are the caller's own.
	Load(ctx context.Context, id string) ([]byte, error)
	// Save writes records by id, over older ones: all of them, or none if it
	// fails. When it returns they survive what the store promises to survive.
	// It does not keep the bytes.
	Save(ctx context.Context, records map[string][]byte) error
	// Delete removes records: all of them, or none if it fails. An id that has
	// no record is no error.
	Delete(ctx context.Context, ids ...string) error
	// List returns the ids of all records, sorted.
	List(ctx context.Context) ([]string, error)
}

// A MemoryStore keeps sessions in this process: they survive their pool, not
// the process. The zero value is ready. Safe for concurrent use.
type MemoryStore struct {
	mu      sync.Mutex
	records map[string][]byte
}

var _ SessionStore = (*MemoryStore)(nil)

// Load implements [SessionStore].
func (m *MemoryStore) Load(ctx context.Context, id string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.From(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	record, ok := m.records[id]
	if !ok {
		return nil, fault.Newf(fault.NotFound, "the store has no session %q", id)
	}
	return slices.Clone(record), nil
}

// Save implements [SessionStore].
func (m *MemoryStore) Save(ctx context.Context, records map[string][]byte) error {
	if err := ctx.Err(); err != nil {
		return fault.From(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records == nil {
		m.records = map[string][]byte{}
	}
	for id, record := range records {
		m.records[id] = slices.Clone(record)
	}
	return nil
}

// Delete implements [SessionStore].
func (m *MemoryStore) Delete(ctx context.Context, ids ...string) error {
	if err := ctx.Err(); err != nil {
		return fault.From(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range ids {
		delete(m.records, id)
	}
	return nil
}

// List implements [SessionStore].
func (m *MemoryStore) List(ctx context.Context) ([]string, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.From(err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.records)), nil
}
