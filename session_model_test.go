package dspool_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// What the table of the model test is allowed.
const (
	modelMax      = 3
	modelPrograms = 2
	modelTurns    = 4
	modelIdle     = time.Hour
	modelTTL      = 3 * time.Hour
)

// A modelSession is a session as simple as can be.
type modelSession struct {
	created, active time.Time
	programs        map[string]int // executions by id
	calls, turns    int
}

// A modelTable runs steps on a table and on its own idea of one.
type modelTable struct {
	t     *testing.T
	store *dspool.MemoryStore
	table *dspool.Sessions
	chat  *dspool.Spec
	live  map[string]*modelSession
}

func newModelTable(t *testing.T) *modelTable {
	t.Helper()
	m := &modelTable{t: t, store: &dspool.MemoryStore{}, chat: predict(t, chatSignature), live: map[string]*modelSession{}}
	m.restart()
	return m
}

// restart stops the table and makes a new one over the same store.
func (m *modelTable) restart() {
	if m.table != nil {
		wantNoError(m.t, m.table.Stop(m.t.Context()))
	}
	m.table = sessionsOver(m.t, says(`{"answer":"a"}`), dspool.SessionsConfig{
		Max: modelMax, IdleTimeout: modelIdle, TTL: modelTTL, Store: m.store,
		Limits: dspool.SessionLimits{Programs: modelPrograms, HistoryTurns: modelTurns},
	})
}

// expire forgets what is over.
func (m *modelTable) expire() {
	now := time.Now()
	maps.DeleteFunc(m.live, func(_ string, s *modelSession) bool {
		return now.Sub(s.active) >= modelIdle || now.Sub(s.created) >= modelTTL
	})
}

// open returns the session, or nil and what the table has to say.
func (m *modelTable) open(id string) (*modelSession, fault.Code) {
	s := m.live[id]
	if s == nil {
		if len(m.live) >= modelMax {
			return nil, fault.ResourceExhausted
		}
		s = &modelSession{created: time.Now(), programs: map[string]int{}}
		m.live[id] = s
	}
	s.active = time.Now()
	return s, ""
}

// step does one thing to both, and holds them against each other. Three
// numbers say what.
func (m *modelTable) step(op, who, what int) {
	t, ctx := m.t, m.t.Context()
	m.expire()
	id, program := fmt.Sprintf("s%d", who%5), fmt.Sprintf("p%d", what%3)
	s := m.table.Session(id)
	var want fault.Code
	var err error
	switch op % 8 {
	case 0:
		_, err = s.Call(ctx, dspool.Request{Program: m.chat, Input: []byte(`{"question":"q"}`)})
		var mine *modelSession
		if mine, want = m.open(id); mine != nil {
			mine.calls++
			mine.turns = min(mine.turns+1, modelTurns)
		}
	case 1:
		_, err = s.CreateProgram(ctx, program, m.chat)
		want = m.create(id, program)
	case 2:
		err = s.DeleteProgram(ctx, program)
		want = fault.NotFound
		if mine := m.live[id]; mine != nil && has(mine.programs, program) {
			delete(mine.programs, program)
			mine.active, want = time.Now(), ""
		}
	case 3:
		_, err = s.Execute(ctx, program, []byte(`{"question":"q"}`))
		want = m.execute(id, program)
	case 4:
		err = m.table.EndSession(ctx, id)
		want = fault.NotFound
		if m.live[id] != nil {
			delete(m.live, id)
			want = ""
		}
	case 5:
		time.Sleep(time.Duration(what%60) * time.Minute) //nolint:forbidigo // virtual time
		m.expire()
	case 6:
		m.restart()
	case 7:
		err = s.ClearHistory(ctx)
		if mine := m.live[id]; mine != nil {
			mine.turns, mine.active = 0, time.Now()
		}
	}
	if fault.CodeOf(err) != want {
		t.Fatalf("step %d of %s, %s: %v, want %q", op%8, id, program, err, want)
	}
	m.compare()
}

func has(programs map[string]int, id string) bool {
	_, ok := programs[id]
	return ok
}

func (m *modelTable) create(id, program string) fault.Code {
	mine, refused := m.open(id)
	switch {
	case mine == nil:
		return refused
	case has(mine.programs, program):
		return fault.InvalidArgument
	case len(mine.programs) >= modelPrograms:
		return fault.ResourceExhausted
	}
	mine.programs[program] = 0
	return ""
}

func (m *modelTable) execute(id, program string) fault.Code {
	mine, refused := m.open(id)
	switch {
	case mine == nil:
		return refused
	case !has(mine.programs, program):
		return fault.NotFound
	}
	mine.programs[program]++
	mine.calls++
	mine.turns = min(mine.turns+1, modelTurns)
	return ""
}

// compare holds everything that can be seen against the model.
func (m *modelTable) compare() {
	t, ctx := m.t, m.t.Context()
	list, err := m.table.List(ctx)
	wantNoError(t, err)
	var ids []string
	for _, info := range list {
		ids = append(ids, info.ID)
	}
	if !slices.Equal(ids, slices.Sorted(maps.Keys(m.live))) {
		t.Fatalf("sessions %q, want %q", ids, slices.Sorted(maps.Keys(m.live)))
	}
	for _, info := range list {
		mine := m.live[info.ID]
		if !info.CreatedAt.Equal(mine.created) || !info.LastActivity.Equal(mine.active) || info.Stats.Operations != int64(mine.calls) ||
			info.HistoryTurns != mine.turns || info.InFlight != 0 {
			t.Fatalf("%s is %+v, want %+v", info.ID, info, mine)
		}
		programs, err := m.table.Session(info.ID).Programs(ctx)
		wantNoError(t, err)
		got := map[string]int{}
		for _, p := range programs {
			got[p.ID] = int(p.Executions)
		}
		if !maps.Equal(got, mine.programs) {
			t.Fatalf("%s has the programs %v, want %v", info.ID, got, mine.programs)
		}
	}
}

func TestTheTableOfSessionsIsAsSimpleAsItsModel(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			random, m := rand.New(rand.NewPCG(seed, 1)), newModelTable(t)
			for range 500 {
				m.step(random.IntN(8), random.IntN(5), random.IntN(60))
			}
		})
	}
}

func FuzzTheTableOfSessions(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x03\x00\x00\x05\x00\x3b\x06\x00\x00\x03\x00\x00\x04\x00\x00\x03\x00\x00"))
	f.Fuzz(func(t *testing.T, steps []byte) {
		synctest.Test(t, func(t *testing.T) {
			m := newModelTable(t)
			for s := range slices.Chunk(steps[:min(len(steps), 600)], 3) {
				if len(s) == 3 {
					m.step(int(s[0]), int(s[1]), int(s[2]))
				}
			}
		})
	})
}
