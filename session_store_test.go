package dspool_test

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
)

func TestConformanceOfTheMemoryStore(t *testing.T) {
	t.Parallel()
	dspooltest.SessionStoreConformance(t, func(*testing.T) dspool.SessionStore { return &dspool.MemoryStore{} })
}

// A moodyStore is a memory store that fails when it is told to, and counts.
type moodyStore struct {
	dspool.MemoryStore

	mu             sync.Mutex
	mood           error
	saves, records int
}

func (m *moodyStore) set(mood error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mood = mood
}

func (m *moodyStore) Save(ctx context.Context, records map[string][]byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mood != nil {
		return m.mood
	}
	m.saves++
	m.records += len(records)
	return m.MemoryStore.Save(ctx, records)
}

func (m *moodyStore) Delete(ctx context.Context, ids ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mood != nil {
		return m.mood
	}
	return m.MemoryStore.Delete(ctx, ids...)
}

func (m *moodyStore) List(ctx context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mood != nil {
		return nil, m.mood
	}
	return m.MemoryStore.List(ctx)
}

func (m *moodyStore) counts() (saves, records int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.saves, m.records
}

func TestSessionsComeBackFromTheirStore(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := &dspool.MemoryStore{}
	config := dspool.SessionsConfig{Store: store}
	first := sessionsOver(t, says(`{"answer":"42"}`), config)
	s := first.Session("s", dspool.SessionUser("u"), dspool.SessionLM("big"),
		dspool.SessionMetadata(map[string]string{"plan": "free"}), dspool.SessionLimit(dspool.SessionLimits{Calls: 3}))
	spec := predict(t, "history: dspy.History, question: str -> answer: str", dspool.WithTemperature(0.5))
	_, err := s.CreateProgram(ctx, "qa", spec)
	wantNoError(t, err)
	_, err = s.Execute(ctx, "qa", json.RawMessage(`{"question":"?"}`))
	wantNoError(t, err)
	wantNoError(t, first.Session("gone").Touch(ctx))
	wantNoError(t, first.EndSession(ctx, "gone"))
	before, err := s.Info(ctx)
	wantNoError(t, err)
	wantNoError(t, first.Stop(ctx))

	runner := says(`{"answer":"43"}`)
	second := sessionsOver(t, runner, config)
	wantNoError(t, second.Start(ctx))
	s = second.Session("s")
	after, err := s.Info(ctx)
	wantNoError(t, err)
	was, _ := json.Marshal(before)
	is, _ := json.Marshal(after)
	if string(was) != string(is) {
		t.Errorf("came back as\n%s\nwas\n%s", is, was)
	}
	program, err := s.Program(ctx, "qa")
	wantNoError(t, err)
	_, hash, _ := spec.Definition()
	if _, got, err := program.Spec.Definition(); err != nil || got != hash || program.Executions != 1 || program.LastExecuted.IsZero() {
		t.Errorf("program %+v, %v", program, err)
	}
	_, err = s.Execute(ctx, "qa", json.RawMessage(`{"question":"Sure?"}`))
	wantNoError(t, err)
	if got := string(runner.requests[0].Input); got != `{"history":{"messages":[{"question":"?","answer":"42"}]},"question":"Sure?"}` {
		t.Errorf("the program was told %s", got)
	}
	_, err = s.Execute(ctx, "qa", json.RawMessage(`{"question":"!"}`))
	wantNoError(t, err)
	_, err = s.Execute(ctx, "qa", json.RawMessage(`{"question":"!"}`))
	wantFault(t, err, fault.ResourceExhausted, "3 calls")
	if list, _ := second.List(ctx); len(list) != 1 {
		t.Errorf("%d sessions came back, want 1", len(list))
	}
}

// A thousand calls within the interval are one write; nobody waits for it.
func TestChangesAreSavedTogetherAndLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &moodyStore{}
		table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{Store: store})
		for i := range 1000 {
			_, err := table.Session(string(rune('a'+i%10))).Call(t.Context(), dspool.Request{Program: mock(t, "echo")})
			wantNoError(t, err)
		}
		if saves, _ := store.counts(); saves != 0 || table.Status().Unsaved != 10 {
			t.Errorf("%d writes while calls were made, %d unsaved", saves, table.Status().Unsaved)
		}
		time.Sleep(time.Second) //nolint:forbidigo // virtual time
		synctest.Wait()
		if saves, records := store.counts(); saves != 1 || records != 10 || table.Status().Unsaved != 0 {
			t.Errorf("%d writes of %d records, %d unsaved", saves, records, table.Status().Unsaved)
		}
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		if saves, _ := store.counts(); saves != 1 {
			t.Errorf("%d writes although nothing changed", saves)
		}
	})
}

func TestAFailingStoreCostsNoResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &moodyStore{}
		table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{Store: store})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		wantNoError(t, table.Start(ctx))
		events := table.Events(ctx)
		store.set(fault.New(fault.ResourceExhausted, "the disk is full"))
		resp, err := table.Session("s").Call(ctx, dspool.Request{Program: mock(t, "echo")})
		if err != nil || string(resp.Output) != `"x"` {
			t.Fatalf("the call gave %s, %v", resp.Output, err)
		}
		time.Sleep(10 * time.Second) //nolint:forbidigo // virtual time
		st := table.Status()
		// Tries come after 1, 2, 4 and 8 s.
		if st.StoreFailures != 4 || st.Unsaved != 1 || !strings.Contains(st.StoreError, "disk is full") {
			t.Errorf("status %+v", st)
		}
		for ev := range events {
			if ev.Kind != dspool.SessionStoreFailed {
				continue
			}
			if ev.Err.Code != fault.ResourceExhausted || ev.Count != 1 {
				t.Errorf("event %+v", ev)
			}
			break
		}
		wantFault(t, table.Sync(ctx), fault.ResourceExhausted, "disk is full", "kept in memory")
		store.set(nil)
		time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		synctest.Wait()
		if st := table.Status(); st.Unsaved != 0 || st.StoreError != "" {
			t.Errorf("after the store came back: %+v", st)
		}
		if ids, _ := store.List(ctx); len(ids) != 1 {
			t.Errorf("the store has %q", ids)
		}
	})
}

func TestStopSaysWhatWasNotSaved(t *testing.T) {
	t.Parallel()
	store := &moodyStore{}
	table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{Store: store})
	wantNoError(t, table.Session("s").Touch(t.Context()))
	store.set(errors.New("gone"))
	wantFault(t, table.Stop(t.Context()), fault.Internal, "not saved", "gone")
	store.set(nil)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantNoError(t, table.Stop(ended)) // tried again, and with a moment of its own
	if ids, _ := store.List(t.Context()); len(ids) != 1 {
		t.Errorf("the store has %q", ids)
	}
}

func TestEndingASessionReachesTheStoreAtOnce(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := &moodyStore{}
	table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{Store: store, FlushInterval: time.Hour})
	wantNoError(t, table.Session("s").Touch(ctx))
	wantNoError(t, table.Sync(ctx))
	store.set(errors.New("gone"))
	if err := table.EndSession(ctx, "s"); err == nil {
		t.Error("the failure of the store was not told")
	}
	if _, err := table.Info(ctx, "s"); fault.CodeOf(err) != fault.NotFound {
		t.Errorf("the session lives on: %v", err)
	}
	store.set(nil)
	wantNoError(t, table.Session("s").Touch(ctx))
	wantNoError(t, table.EndSession(ctx, "s"))
	if ids, _ := store.List(ctx); len(ids) != 0 {
		t.Errorf("the store has %q", ids)
	}
}

func TestAStoreThatCannotBeReadStopsSessionsUntilItCan(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := &moodyStore{}
	store.set(fault.New(fault.Unavailable, "the disk is away"))
	runner := says(`"x"`)
	table := sessionsOver(t, runner, dspool.SessionsConfig{Store: store})
	_, err := table.Session("s").Call(ctx, dspool.Request{Program: mock(t, "echo")})
	wantFault(t, err, fault.Unavailable, "store cannot be read", "disk is away")
	pool, err := dspool.New(dspool.Config{Sessions: dspool.SessionsConfig{Store: store}})
	wantNoError(t, err)
	wantFault(t, pool.Start(ctx), fault.Unavailable, "disk is away")
	store.set(nil)
	_, err = table.Session("s").Call(ctx, dspool.Request{Program: mock(t, "echo")})
	wantNoError(t, err)
}

// One bad record costs one session, never the others, and is never written
// over.
func TestARecordThatCannotBeReadIsKeptAndTold(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	store := &dspool.MemoryStore{}
	first := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{Store: store})
	for _, id := range []string{"sound", "flipped", "newer", "torn", "stolen"} {
		wantNoError(t, first.Session(id, dspool.SessionUser("user")).Touch(ctx))
	}
	wantNoError(t, first.Stop(ctx))
	change := func(id string, f func(string) string) {
		raw, err := store.Load(ctx, id)
		wantNoError(t, err)
		wantNoError(t, store.Save(ctx, map[string][]byte{id: []byte(f(string(raw)))}))
	}
	change("flipped", func(s string) string { return strings.Replace(s, `"user"`, `"usfr"`, 1) })
	change("newer", func(s string) string { return strings.Replace(s, `"version":1`, `"version":2`, 1) })
	change("torn", func(s string) string { return s[:len(s)/2] })
	sound, err := store.Load(ctx, "sound")
	wantNoError(t, err)
	change("stolen", func(string) string { return string(sound) })
	newer, err := store.Load(ctx, "newer")
	wantNoError(t, err)

	table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{Store: store})
	wantNoError(t, table.Session("sound").Touch(ctx))
	for id, want := range map[string]struct {
		code fault.Code
		says string
	}{
		"flipped": {fault.Unavailable, "is damaged"}, "newer": {fault.Unsupported, "version 2"},
		"torn": {fault.Unavailable, "is damaged"}, "stolen": {fault.Unavailable, "another session"},
	} {
		_, err := table.Session(id).Call(ctx, dspool.Request{Program: mock(t, "echo")})
		wantFault(t, err, want.code, want.says, "ending the session removes it")
	}
	if st := table.Status(); st.Active != 1 || st.Unreadable != 4 {
		t.Errorf("status %+v", st)
	}
	wantNoError(t, table.Sync(ctx))
	if kept, err := store.Load(ctx, "newer"); err != nil || string(kept) != string(newer) {
		t.Errorf("the newer record became %.60s, %v", kept, err)
	}
	wantNoError(t, table.EndSession(ctx, "torn"))
	wantNoError(t, table.Session("torn").Touch(ctx))
}

// Time goes on while the host is down.
func TestSessionsExpireInTheStoreToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		store := &dspool.MemoryStore{}
		first := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{Store: store})
		wantNoError(t, first.Session("old").Touch(t.Context()))
		time.Sleep(30 * time.Minute) //nolint:forbidigo // virtual time
		wantNoError(t, first.Session("young").Touch(t.Context()))
		wantNoError(t, first.Stop(t.Context()))
		time.Sleep(40 * time.Minute) //nolint:forbidigo // virtual time
		second := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{Store: store})
		list, err := second.List(t.Context())
		wantNoError(t, err)
		if len(list) != 1 || list[0].ID != "young" {
			t.Errorf("sessions %+v", list)
		}
		time.Sleep(2 * time.Minute) //nolint:forbidigo // virtual time
		synctest.Wait()
		if ids, _ := store.List(t.Context()); len(ids) != 1 {
			t.Errorf("the store has %q", ids)
		}
	})
}

// A brittleStore panics when it is to save.
type brittleStore struct{ dspool.MemoryStore }

func (*brittleStore) Save(_ context.Context, records map[string][]byte) error {
	ids := slices.Collect(maps.Keys(records))
	_ = ids[len(ids)] // out of range
	return nil
}

func TestAStoreThatPanicsHasFailed(t *testing.T) {
	t.Parallel()
	table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{Store: &brittleStore{}})
	wantNoError(t, table.Session("s").Touch(t.Context()))
	wantFault(t, table.Sync(t.Context()), fault.Internal, "panicked: runtime error: index out of range")
	if st := table.Status(); st.Unsaved != 1 || st.StoreFailures == 0 {
		t.Errorf("status %+v", st)
	}
}
