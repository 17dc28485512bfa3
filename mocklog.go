package dspool

import (
	"encoding/json"
	"sync"
	"sync/atomic"
	"time"
)

// A MockRecord is one call that a [Mock] has answered.
type MockRecord struct {
	// ID counts the calls from 1.
	ID int64
	// Program is the program's name and Hash that of its content.
	Program, Hash string
	// LM is the language model that was asked for, "" for the default.
	LM string
	// Input and Output are those of the call; Output is nil when Err is set.
	Input, Output json.RawMessage
	Err           error
	// At is when the call came and Took how long it was in the Mock.
	At   time.Time
	Took time.Duration
}

// mockLog keeps the last calls.
type mockLog struct {
	ids, ended, failed atomic.Int64

	mu      sync.Mutex
	max     int
	records []MockRecord // a ring once it is full
	oldest  int
}

func (l *mockLog) next() int64 { return l.ids.Add(1) }

// limit changes how many calls are kept.
func (l *mockLog) limit(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n != l.max {
		all := l.inOrder()
		l.records, l.oldest, l.max = all[max(0, len(all)-n):], 0, n
	}
}

func (l *mockLog) add(r MockRecord) {
	l.ended.Add(1)
	if r.Err != nil {
		l.failed.Add(1)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.max == 0:
	case len(l.records) < l.max:
		l.records = append(l.records, r)
	default:
		l.records[l.oldest] = r
		l.oldest = (l.oldest + 1) % l.max
	}
}

// inOrder returns the records, oldest first. Callers hold mu.
func (l *mockLog) inOrder() []MockRecord {
	out := make([]MockRecord, 0, len(l.records))
	out = append(out, l.records[l.oldest:]...)
	return append(out, l.records[:l.oldest]...)
}

// Calls returns the calls that the Mock remembers, in the order in which they
// ended.
func (m *Mock) Calls() []MockRecord {
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	return m.log.inOrder()
}

// MockStats count from NewMock, or from the last Reset.
type MockStats struct {
	// Calls have ended; Errors of them failed, Injected of these because they
	// were told to.
	Calls    int64 `json:"calls"`
	Errors   int64 `json:"errors"`
	Injected int64 `json:"injected"`
	// InFlight run now.
	InFlight int `json:"in_flight"`
	// Uptime is the time since NewMock.
	Uptime time.Duration `json:"uptime"`
}

// Stats returns the numbers of this moment.
func (m *Mock) Stats() MockStats {
	m.faults.mu.Lock()
	injected := m.faults.hits
	m.faults.mu.Unlock()
	return MockStats{
		Calls: m.log.ended.Load(), Errors: m.log.failed.Load(), Injected: injected,
		InFlight: m.desk.Stats().InFlight, Uptime: time.Since(m.since),
	}
}

// Reset forgets calls, numbers, injected faults and scenarios. The
// configuration stays, and calls that run go on.
func (m *Mock) Reset() {
	m.faults.clear()
	m.faults.seed(m.cfg.Load().Seed)
	m.scenes.clear()
	m.log.ended.Store(0)
	m.log.failed.Store(0)
	m.log.mu.Lock()
	defer m.log.mu.Unlock()
	m.log.records, m.log.oldest = nil, 0
}
