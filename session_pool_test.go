package dspool_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// CHK-01: three sessions create, list and run at once.
func sessionsAtOnce(t *testing.T, table *dspool.Sessions) {
	t.Helper()
	ctx := testkit.Context(t, time.Minute)
	var users sync.WaitGroup
	for i := range 3 {
		users.Go(func() {
			s, id := table.Session(fmt.Sprintf("session %d", i)), fmt.Sprintf("program %d", i)
			if _, err := s.CreateProgram(ctx, id, mock(t, "echo")); err != nil {
				t.Error(err)
			}
			if got := programIDs(t, s); len(got) != 1 || got[0] != id {
				t.Errorf("%s lists %q", s.ID(), got)
			}
			resp, err := s.Execute(ctx, id, fmt.Appendf(nil, `{"text":"%d"}`, i))
			if err != nil || string(resp.Output) != fmt.Sprintf(`"%d"`, i) {
				t.Errorf("%s: %s, %v", s.ID(), resp.Output, err)
			}
		})
	}
	users.Wait()
	if st := table.Status(); st.Active != 3 || st.Operations != 3 || st.Errors != 0 {
		t.Errorf("status %+v", st)
	}
}

func TestSessionsAtOnceOnTheMock(t *testing.T) {
	t.Parallel()
	echo := dspool.MockFunc(func(_ context.Context, in map[string]string) (string, error) { return in["text"], nil })
	m, err := dspool.NewMock(dspool.MockConfig{Handlers: map[string]dspool.MockHandler{"mock:echo": echo}})
	wantNoError(t, err)
	sessionsAtOnce(t, sessionsOver(t, m, dspool.SessionsConfig{}))
}

// threeWarm waits for a pool of three workers.
func threeWarm(t *testing.T, pool *dspool.Pool) *dspool.Sessions {
	t.Helper()
	until(t, "three workers are warm", func() bool { return pool.Status().Serving == 3 })
	return pool.Sessions()
}

func TestSessionsAtOnceOnMockWorkers(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers = 3 })
	sessionsAtOnce(t, threeWarm(t, pool))
	if n := pool.Status().Affinity.Bindings; n != 3 {
		t.Errorf("%d sessions are bound to workers, want 3", n)
	}
}

func TestSessionsAtOnceOnPython(t *testing.T) {
	t.Parallel()
	config := pythonConfig(dspool.ForkServer)(t)
	config.Workers = 3
	sessionsAtOnce(t, threeWarm(t, started(t, config)))
}

// CHK-02, CHK-20: two sessions on two lazy workers, whichever serves them; and
// what a session has outlives the worker that served it.
func sessionsOutliveWorkers(t *testing.T, pool *dspool.Pool) {
	t.Helper()
	ctx := testkit.Context(t, time.Minute)
	events := record(ctx, pool)
	a, b := pool.Session("a"), pool.Session("b")
	idA, err := a.CreateProgram(ctx, "", mock(t, "echo"))
	wantNoError(t, err)
	idB, err := b.CreateProgram(ctx, "", mock(t, "echo"))
	wantNoError(t, err)
	for round := range 2 {
		for _, s := range []struct {
			session *dspool.Session
			id      string
		}{{a, idA}, {b, idB}} {
			resp, err := s.session.Execute(ctx, s.id, json.RawMessage(`{"text":"hello"}`))
			if err != nil || string(resp.Output) != `"hello"` {
				t.Fatalf("round %d: %s, %v", round, resp.Output, err)
			}
			if got := programIDs(t, s.session); len(got) != 1 || got[0] != s.id {
				t.Errorf("%s lists %q, want %q", s.session.ID(), got, s.id)
			}
		}
		if round > 0 {
			break
		}
		for _, w := range pool.Status().Workers {
			if err := syscall.Kill(w.PID, syscall.SIGKILL); err != nil {
				t.Error(err)
			}
		}
		events.await(t, dspool.WorkerCrashed)
	}
	_, err = a.Execute(ctx, idB, nil)
	wantCode(t, err, fault.NotFound, fault.StartedNo)
	if info, err := a.Info(ctx); err != nil || info.Stats.Operations != 2 {
		t.Errorf("info %+v, %v", info, err)
	}
}

func TestSessionsOutliveWorkersOnMockWorkers(t *testing.T) {
	t.Parallel()
	sessionsOutliveWorkers(t, mockPool(t, func(c *dspool.Config) { c.Lazy = true }))
}

func TestSessionsOutliveWorkersOnPython(t *testing.T) {
	t.Parallel()
	config := pythonConfig(dspool.ForkServer)(t)
	config.Lazy = true
	sessionsOutliveWorkers(t, started(t, config))
}

// CHK-43, CHK-100: a pool's numbers of its sessions; calls without a session
// leave none, and those with one carry its id.
func TestThePoolTellsOfItsSessions(t *testing.T) {
	t.Parallel()
	ctx := testkit.Context(t, time.Minute)
	store := &dspool.MemoryStore{}
	pool := mockPool(t, func(c *dspool.Config) { c.Sessions = dspool.SessionsConfig{Store: store, FlushInterval: time.Hour} })
	other := mockPool(t, nil)
	if st := pool.Status(); st.Sessions.Operations != 0 || st.Sessions.Active != 0 || st.Want <= 0 || st.StartedAt.IsZero() {
		t.Errorf("at the start: %+v", st)
	}
	events := record(ctx, pool)
	_, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo")})
	wantNoError(t, err)
	if st := pool.Status(); st.Sessions.Active != 0 || st.Affinity.Bindings != 0 {
		t.Errorf("a call without a session left %+v", st.Sessions)
	}
	for range 3 {
		_, err := pool.Session("s").Call(ctx, dspool.Request{Program: mock(t, "echo")})
		wantNoError(t, err)
	}
	if st := pool.Status(); st.Sessions.Active != 1 || st.Sessions.Operations != 3 || st.Affinity.Hits != 2 {
		t.Errorf("after three calls: %+v, %+v", st.Sessions, st.Affinity)
	}
	_, err = pool.Session("s").Call(ctx, dspool.Request{Program: mock(t, "fail"), Input: json.RawMessage(`{"code":"program_error","message":"no"}`)})
	wantCode(t, err, fault.ProgramError, fault.StartedYes)
	wantNoError(t, pool.EndSession(ctx, "s"))
	if st := pool.Status().Sessions; st.Active != 0 || st.Ended != 1 || st.Errors != 1 || st.MeanLife <= 0 {
		t.Errorf("after its end: %+v", st)
	}
	if ev := events.await(t, dspool.SessionStarted); ev.Session != "s" || ev.At.IsZero() {
		t.Errorf("event %+v", ev)
	}
	if ev := events.await(t, dspool.SessionEnded); ev.Session != "s" || ev.Took <= 0 {
		t.Errorf("event %+v", ev)
	}
	if st := other.Status().Sessions; st.Started != 0 {
		t.Errorf("another pool has %+v", st)
	}
	wantNoError(t, pool.Session("kept").Touch(ctx))
	stopPool(t, pool)
	if ids, _ := store.List(ctx); len(ids) != 1 || ids[0] != "kept" {
		t.Errorf("Stop saved %q", ids)
	}
	_, err = pool.Session("late").Call(ctx, dspool.Request{Program: mock(t, "echo")})
	wantCode(t, err, fault.ShuttingDown, fault.StartedNo)
}

// prompts keeps the messages that a language model was sent.
type prompts struct {
	lm *dspooltest.PracticeLM

	mu   sync.Mutex
	seen [][]string
}

func (p *prompts) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	var chat struct {
		Messages []struct {
			Role    string `json:"role"`
			Content any    `json:"content"`
		} `json:"messages"`
	}
	if json.Unmarshal(body, &chat) == nil && len(chat.Messages) > 0 {
		var messages []string
		for _, m := range chat.Messages {
			messages = append(messages, m.Role+": "+fmt.Sprint(m.Content))
		}
		p.mu.Lock()
		p.seen = append(p.seen, messages)
		p.mu.Unlock()
	}
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	p.lm.ServeHTTP(w, r)
}

func (p *prompts) last() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.seen[len(p.seen)-1]
}

// The conversation reaches the language model as messages, on whichever worker,
// and CHK-21: so does the session's choice of one.
func TestAConversationReachesTheLanguageModel(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "dspy")
	heard := &prompts{lm: dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})}
	server := httptest.NewServer(heard)
	t.Cleanup(server.Close)
	lm := func(model string) dspool.LM {
		return dspool.LM{Model: "openai/" + model, APIBase: server.URL + "/v1", APIKey: "k"}
	}
	pool := started(t, dspool.Config{
		Python: testkit.Python(t), Workers: 2, LM: lm("usual"), LMs: map[string]dspool.LM{"own": lm("own")},
	})
	ctx := testkit.Context(t, time.Minute)
	type in struct {
		Question string         `json:"question"`
		History  dspool.History `json:"history" dspool:"type=dspy.History"`
	}
	type out struct {
		Answer string `json:"answer"`
	}
	s, chat := pool.Session("s", dspool.SessionLM("own")), dspool.ChainOfThought[in, out]("Answer.")
	first, err := chat.Call(ctx, s, in{Question: "What is a zebra?"})
	wantNoError(t, err)
	if got := heard.last(); len(got) != 2 {
		t.Fatalf("the first prompt has %d messages: %q", len(got), got)
	}
	for _, w := range pool.Status().Workers {
		_ = syscall.Kill(w.PID, syscall.SIGKILL)
	}
	second, err := chat.Do(ctx, s, in{Question: "Are you sure?"})
	wantNoError(t, err)
	got := heard.last()
	if len(got) != 4 || !strings.Contains(got[1], "What is a zebra?") || !strings.HasPrefix(got[2], "assistant: ") ||
		!strings.Contains(got[2], first.Answer) || !strings.Contains(got[3], "Are you sure?") {
		t.Errorf("the second prompt is %q", got)
	}
	if _, own := second.Usage["openai/own"]; !own || len(second.Usage) != 1 {
		t.Errorf("usage %v", second.Usage)
	}
	result, err := chat.Do(ctx, pool.Session("t"), in{Question: "And you?"})
	wantNoError(t, err)
	if got := heard.last(); len(got) != 2 {
		t.Errorf("another session was told %q", got)
	}
	if _, usual := result.Usage["openai/usual"]; !usual {
		t.Errorf("usage %v", result.Usage)
	}
	turns, err := s.History(ctx)
	wantNoError(t, err)
	if len(turns) != 2 || !strings.Contains(string(turns[0].Message), `"reasoning":`) {
		t.Errorf("turns %+v", turns)
	}
}

// Calls of one session leave the others' language model and history alone.
func TestSessionsUnderLoadStayApart(t *testing.T) {
	t.Parallel()
	runner := &fakeRunner{answer: func(_ context.Context, req dspool.Request) (dspool.Response, error) {
		return dspool.Response{Output: fmt.Appendf(nil, `{"answer":"%s %s"}`, req.Session, req.LM)}, nil
	}}
	table := sessionsOver(t, runner, dspool.SessionsConfig{Store: &dspool.MemoryStore{}, FlushInterval: time.Millisecond})
	chat := predict(t, chatSignature)
	var users sync.WaitGroup
	for i := range 16 {
		users.Go(func() {
			id := fmt.Sprintf("s%d", i%8)
			s := table.Session(id)
			for n := range 50 {
				_ = s.SetLM(t.Context(), "lm of "+id)
				resp, err := s.Call(t.Context(), dspool.Request{Program: chat, Input: fmt.Appendf(nil, `{"question":"%s %d"}`, id, n)})
				if want := fmt.Sprintf(`{"answer":"%s lm of %s"}`, id, id); err != nil || string(resp.Output) != want {
					t.Errorf("%s, %v, want %s", resp.Output, err, want)
				}
			}
		})
	}
	users.Wait()
	for i := range 8 {
		id := fmt.Sprintf("s%d", i)
		turns, err := table.Session(id).History(t.Context())
		wantNoError(t, err)
		if len(turns) != 100 {
			t.Errorf("%s has %d turns, want 100", id, len(turns))
		}
		for _, turn := range turns {
			if !strings.HasPrefix(string(turn.Message), `{"question":"`+id+" ") {
				t.Errorf("%s has the turn %s", id, turn.Message)
			}
		}
	}
}
