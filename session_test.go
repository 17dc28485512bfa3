package dspool_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// sessionsOver puts sessions over a Runner, stopped with the test.
func sessionsOver(t testing.TB, r dspool.Runner, config dspool.SessionsConfig) *dspool.Sessions {
	t.Helper()
	table, err := dspool.NewSessions(r, config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = table.Stop(context.Background()) })
	return table
}

// predict is a program "question -> answer".
func predict(t testing.TB, sig string, opts ...dspool.PredictOption) *dspool.Spec {
	t.Helper()
	spec, err := dspool.NewPredict(sig, "Answer.", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func wantNoError(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// programIDs lists the ids of a session's programs.
func programIDs(t testing.TB, s *dspool.Session) []string {
	t.Helper()
	programs, err := s.Programs(t.Context())
	wantNoError(t, err)
	ids := []string{}
	for _, p := range programs {
		ids = append(ids, p.ID)
	}
	return ids
}

// CHK-02, CHK-20: a session lists its own programs and nobody else's, and an
// unknown one lists none.
func TestSessionsSeeOnlyTheirOwn(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	table := sessionsOver(t, says(`{"answer":"42"}`), dspool.SessionsConfig{})
	a, b := table.Session("a"), table.Session("b")
	idA, err := a.CreateProgram(ctx, "", predict(t, "question: str -> answer: str"))
	wantNoError(t, err)
	idB, err := b.CreateProgram(ctx, "", predict(t, "question: str -> answer: str"))
	wantNoError(t, err)
	if idA == idB || idA == "" {
		t.Errorf("ids %q and %q", idA, idB)
	}
	if got := programIDs(t, a); len(got) != 1 || got[0] != idA {
		t.Errorf("a lists %q, want %q", got, idA)
	}
	if got := programIDs(t, b); len(got) != 1 || got[0] != idB {
		t.Errorf("b lists %q, want %q", got, idB)
	}
	if got := programIDs(t, table.Session("unknown")); len(got) != 0 {
		t.Errorf("an unknown session lists %q", got)
	}
	_, err = b.Execute(ctx, idA, json.RawMessage(`{"question":"?"}`))
	wantCode(t, err, fault.NotFound, fault.StartedNo)
	_, err = table.Info(ctx, "unknown")
	wantCode(t, err, fault.NotFound, fault.StartedNo)
	if n := table.Status().Active; n != 2 {
		t.Errorf("%d sessions, want 2: asking does not start one", n)
	}
}

func TestASessionKeepsItsPrograms(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runner := says(`{"answer":"42"}`)
	s := sessionsOver(t, runner, dspool.SessionsConfig{}).Session("s")
	spec := predict(t, "question: str -> answer: str")
	id, err := s.CreateProgram(ctx, "qa", spec)
	wantNoError(t, err)
	_, err = s.CreateProgram(ctx, id, spec)
	wantFault(t, err, fault.InvalidArgument, `"qa" already`, "delete it first")
	_, err = s.CreateProgram(ctx, "bad", nil)
	wantCode(t, err, fault.InvalidArgument, fault.StartedNo)
	for range 2 {
		resp, err := s.Execute(ctx, id, json.RawMessage(`{"question":"?"}`))
		wantNoError(t, err)
		if string(resp.Output) != `{"answer":"42"}` {
			t.Errorf("output %s", resp.Output)
		}
	}
	if req := runner.requests[1]; req.Program != spec || req.Session != "s" {
		t.Errorf("request %+v", req)
	}
	p, err := s.Program(ctx, id)
	wantNoError(t, err)
	if p.Executions != 2 || p.LastExecuted.IsZero() || p.CreatedAt.IsZero() || p.Spec != spec {
		t.Errorf("program %+v", p)
	}
	for range s.ExecuteStream(ctx, id, dspool.Request{Input: json.RawMessage(`{"question":"?"}`)}) {
	}
	if p, _ := s.Program(ctx, id); p.Executions != 3 {
		t.Errorf("%d executions after a stream, want 3", p.Executions)
	}
	wantNoError(t, s.DeleteProgram(ctx, id))
	wantCode(t, s.DeleteProgram(ctx, id), fault.NotFound, fault.StartedNo)
	_, err = s.Execute(ctx, id, nil)
	wantCode(t, err, fault.NotFound, fault.StartedNo)
	if len(runner.requests) != 3 {
		t.Errorf("%d calls came to the Runner, want 3", len(runner.requests))
	}
}

// CHK-24: the first call creates, later calls only touch; tables do not share.
func TestLaterCallsOnlyTouchASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runner := says(`"x"`)
		table, other := sessionsOver(t, runner, dspool.SessionsConfig{}), sessionsOver(t, runner, dspool.SessionsConfig{})
		s, spec := table.Session("s"), mock(t, "echo")
		began := time.Now()
		for range 3 {
			_, err := s.Call(t.Context(), dspool.Request{Program: spec})
			wantNoError(t, err)
			time.Sleep(time.Minute) //nolint:forbidigo // virtual time
		}
		_, err := table.Session("s", dspool.SessionUser("late")).Call(t.Context(), dspool.Request{Program: spec})
		wantNoError(t, err)
		info, err := s.Info(t.Context())
		wantNoError(t, err)
		if !info.CreatedAt.Equal(began) || !info.LastActivity.Equal(began.Add(3*time.Minute)) || info.Stats.Operations != 4 || info.User != "" {
			t.Errorf("info %+v", info)
		}
		if st := other.Status(); st.Active != 0 || st.Started != 0 {
			t.Errorf("the other table has %+v", st)
		}
	})
}

// CHK-37, CHK-42: tracking is idempotent, ending removes one, and an unknown id
// is not found.
func TestEndingASessionRemovesThatOneOnly(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{})
	for _, id := range []string{"one", "two", "three", "two"} {
		wantNoError(t, table.Session(id).Touch(ctx))
	}
	if list, _ := table.List(ctx); len(list) != 3 {
		t.Fatalf("%d sessions, want 3", len(list))
	}
	wantNoError(t, table.EndSession(ctx, "two"))
	list, err := table.List(ctx)
	wantNoError(t, err)
	if len(list) != 2 || list[0].ID != "one" || list[1].ID != "three" {
		t.Errorf("left are %+v", list)
	}
	wantFault(t, table.EndSession(ctx, "two"), fault.NotFound, `no session "two"`)
	if st := table.Status(); st.Active != 2 || st.Started != 3 || st.Ended != 1 || st.Expired != 0 {
		t.Errorf("status %+v", st)
	}
}

// CHK-45: idle sessions are removed, fresh ones kept, and counted.
func TestIdleSessionsExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		events := table.Events(ctx)
		wantNoError(t, table.Session("stale").Touch(ctx))
		time.Sleep(30 * time.Minute) //nolint:forbidigo // virtual time
		wantNoError(t, table.Session("fresh").Touch(ctx))
		time.Sleep(31 * time.Minute) //nolint:forbidigo // virtual time
		synctest.Wait()
		if st := table.Status(); st.Active != 1 || st.Expired != 1 || st.Ended != 1 {
			t.Errorf("status %+v", st)
		}
		if list, _ := table.List(ctx); len(list) != 1 || list[0].ID != "fresh" {
			t.Errorf("left are %+v", list)
		}
		var kinds []string
		for ev := range events {
			kinds = append(kinds, string(ev.Kind)+" "+ev.Session)
			if ev.Kind == dspool.SessionExpired {
				break
			}
		}
		if got := strings.Join(kinds, ", "); got != "session_started stale, session_started fresh, session_expired stale" {
			t.Errorf("events: %s", got)
		}
	})
}

func TestAnIdleSessionIsNotUsedAgainBeforeTheSweep(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{SweepInterval: 24 * time.Hour})
		s := table.Session("s")
		_, err := s.CreateProgram(t.Context(), "p", mock(t, "echo"))
		wantNoError(t, err)
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		if got := programIDs(t, s); len(got) != 0 {
			t.Errorf("programs %q", got)
		}
		if st := table.Status(); st.Active != 0 || st.Expired != 1 {
			t.Errorf("status %+v", st)
		}
	})
}

func TestACallInFlightKeepsASessionFromBeingIdleButNotYoung(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		runner := &fakeRunner{answer: func(context.Context, dspool.Request) (dspool.Response, error) {
			<-release
			return dspool.Response{Output: json.RawMessage(`"late"`)}, nil
		}}
		table := sessionsOver(t, runner, dspool.SessionsConfig{TTL: 5 * time.Hour})
		done := background(t.Context(), table.Session("s"), dspool.Request{Program: mock(t, "echo")})
		time.Sleep(4 * time.Hour) //nolint:forbidigo // virtual time
		if st := table.Status(); st.Active != 1 {
			t.Errorf("a session with a call in flight is gone: %+v", st)
		}
		time.Sleep(2 * time.Hour) //nolint:forbidigo // virtual time
		if st := table.Status(); st.Active != 0 || st.Expired != 1 {
			t.Errorf("a session beyond its TTL is there: %+v", st)
		}
		wantNoError(t, table.Session("s").Touch(t.Context()))
		close(release)
		if got := <-done; got.err != nil || string(got.resp.Output) != `"late"` {
			t.Errorf("the call of the expired session gave %s, %v", got.resp.Output, got.err)
		}
		info, err := table.Info(t.Context(), "s")
		wantNoError(t, err)
		if info.Stats.Operations != 0 || info.InFlight != 0 {
			t.Errorf("the new session has the old one's numbers: %+v", info)
		}
	})
}

// CHK-21: a session's language model wins, and touches no other call.
func TestTheLanguageModelOfASessionWins(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runner := says(`{"answer":"42"}`)
	table := sessionsOver(t, runner, dspool.SessionsConfig{})
	own := predict(t, "question: str -> answer: str", dspool.WithLM("programs"))
	a, b := table.Session("a", dspool.SessionLM("sessions")), table.Session("b")
	for _, call := range []struct {
		session *dspool.Session
		lm      string
		want    string
	}{{a, "", "sessions"}, {b, "", ""}, {a, "calls", "calls"}} {
		_, err := call.session.Call(ctx, dspool.Request{Program: own, LM: call.lm, Input: json.RawMessage(`{"question":"?"}`)})
		wantNoError(t, err)
		if got := runner.requests[len(runner.requests)-1].LM; got != call.want {
			t.Errorf("request with LM %q in %s went to %q, want %q", call.lm, call.session.ID(), got, call.want)
		}
	}
	wantNoError(t, a.SetLM(ctx, "other"))
	_, err := a.Call(ctx, dspool.Request{Program: own, Input: json.RawMessage(`{"question":"?"}`)})
	wantNoError(t, err)
	if got := runner.requests[3].LM; got != "other" {
		t.Errorf("after SetLM: %q", got)
	}
}

func TestIDsAreRefusedEarly(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	runner := says(`"x"`)
	table := sessionsOver(t, runner, dspool.SessionsConfig{})
	for _, tt := range []struct{ name, id, says string }{
		{"empty", "", "must not be empty"},
		{"10 kB", strings.Repeat("x", 10_000), "at most 256 bytes long, got 10000"},
		{"control character", "a\x07b", "U+0007 at byte 1"},
		{"line break", "a\n", "U+000A"},
		{"broken text", "a\xff", "must be UTF-8"},
	} {
		s := table.Session(tt.id)
		_, call := s.Call(ctx, dspool.Request{Program: mock(t, "echo")})
		var stream error
		for _, err := range s.Stream(ctx, dspool.Request{Program: mock(t, "echo")}) {
			stream = err
		}
		_, create := s.CreateProgram(ctx, "", mock(t, "echo"))
		_, info := table.Info(ctx, tt.id)
		for how, err := range map[string]error{
			"Validate": s.Validate(), "Call": call, "Stream": stream, "CreateProgram": create, "Info": info,
			"Touch": s.Touch(ctx), "End": table.EndSession(ctx, tt.id),
		} {
			wantFault(t, err, fault.InvalidArgument, "session id: ", tt.says)
			if len(err.Error()) > 200 {
				t.Errorf("%s, %s: the error has %d bytes", tt.name, how, len(err.Error()))
			}
		}
		if tt.id != "" {
			_, err := table.Session("s").CreateProgram(ctx, tt.id, mock(t, "echo"))
			wantFault(t, err, fault.InvalidArgument, "program id: ", tt.says)
		}
	}
	wantNoError(t, table.Session(strings.Repeat("é", 128)).Validate())
	if len(runner.requests) != 0 || table.Status().Active != 0 {
		t.Errorf("%d calls, %d sessions", len(runner.requests), table.Status().Active)
	}
}

// CHK-104: the record of a session says who, when, what, and how it went.
func TestStatisticsOfASession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fail := false
		runner := &fakeRunner{answer: func(context.Context, dspool.Request) (dspool.Response, error) {
			time.Sleep(time.Second) //nolint:forbidigo // virtual time
			if fail {
				time.Sleep(time.Second) //nolint:forbidigo // virtual time
				return dspool.Response{}, fault.New(fault.ProgramError, strings.Repeat("é", 2000))
			}
			return dspool.Response{Output: json.RawMessage(`"x"`)}, nil
		}}
		table := sessionsOver(t, runner, dspool.SessionsConfig{})
		s := table.Session("s", dspool.SessionUser("u"), dspool.SessionMetadata(map[string]string{"plan": "free"}))
		for _, fail = range []bool{false, true, false} {
			_, _ = s.Call(t.Context(), dspool.Request{Program: mock(t, "echo")})
		}
		info, err := s.Info(t.Context())
		wantNoError(t, err)
		st := info.Stats
		if st.Operations != 3 || st.Errors != 1 || st.TotalTime != 4*time.Second || st.MeanTime != 4*time.Second/3 {
			t.Errorf("stats %+v", st)
		}
		if !strings.HasPrefix(st.LastError, "program_error: é") || len(st.LastError) > 1100 || st.LastErrorAt.IsZero() {
			t.Errorf("last error of %d bytes at %s: %.40s", len(st.LastError), st.LastErrorAt, st.LastError)
		}
		if info.User != "u" || info.Metadata["plan"] != "free" || !info.ExpiresAt.Equal(info.LastActivity.Add(time.Hour)) {
			t.Errorf("info %+v", info)
		}
		info.Metadata["plan"] = "changed"
		if again, _ := s.Info(t.Context()); again.Metadata["plan"] != "free" {
			t.Error("a reader changed the session's metadata")
		}
		if total := table.Status(); total.Operations != 3 || total.Errors != 1 {
			t.Errorf("status %+v", total)
		}
	})
}

func TestLimitsSayWhatToDo(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	hold := make(chan struct{})
	runner := &fakeRunner{answer: func(ctx context.Context, _ dspool.Request) (dspool.Response, error) {
		select {
		case <-hold:
			return dspool.Response{Output: json.RawMessage(`"x"`)}, nil
		case <-ctx.Done():
			return dspool.Response{}, ctx.Err()
		}
	}}
	table := sessionsOver(t, runner, dspool.SessionsConfig{Max: 2, Limits: dspool.SessionLimits{InFlight: 1, Calls: 2, Programs: 1, MetadataBytes: 4}})
	s := table.Session("s")
	_, err := s.CreateProgram(ctx, "one", mock(t, "echo"))
	wantNoError(t, err)
	_, err = s.CreateProgram(ctx, "two", mock(t, "echo"))
	wantFault(t, err, fault.ResourceExhausted, `session "s"`, "delete some, or raise SessionLimits.Programs")
	wantFault(t, table.Session("s").SetLM(ctx, strings.Repeat("x", 10_000)), fault.InvalidArgument, "session LM: must be at most 256 bytes")
	wantFault(t, s.SetMetadata(ctx, map[string]string{"long": "text"}), fault.ResourceExhausted, "8 bytes", "MetadataBytes")

	wantNoError(t, s.SetLimits(ctx, dspool.SessionLimits{Programs: 9, ProgramBytes: 60, InFlight: 1, Calls: 2}))
	_, err = s.CreateProgram(ctx, "two", mock(t, "echo"))
	wantFault(t, err, fault.ResourceExhausted, "its programs have 33 bytes, and this one 33", "raise SessionLimits.ProgramBytes")
	wantNoError(t, s.DeleteProgram(ctx, "one"))
	_, err = s.CreateProgram(ctx, "two", mock(t, "echo"))
	wantNoError(t, err)

	inFlight := background(ctx, s, dspool.Request{Program: mock(t, "echo")})
	until(t, "a call is in flight", func() bool { return runner.running.Load() == 1 })
	_, err = s.Call(ctx, dspool.Request{Program: mock(t, "echo")})
	wantFault(t, err, fault.ResourceExhausted, "calls in flight: 1", "raise SessionLimits.InFlight")
	close(hold)
	wantNoError(t, (<-inFlight).err)
	_, err = s.Call(ctx, dspool.Request{Program: mock(t, "echo")})
	wantNoError(t, err)
	_, err = s.Call(ctx, dspool.Request{Program: mock(t, "echo")})
	f := wantCode(t, err, fault.ResourceExhausted, fault.StartedNo)
	if f.Details["limit"] != "calls" || f.Details["allowed"] != "2" || f.Details["session"] != "s" {
		t.Errorf("details %v", f.Details)
	}
	wantNoError(t, s.SetLimits(ctx, dspool.SessionLimits{Calls: -1}))
	_, err = s.Call(ctx, dspool.Request{Program: mock(t, "echo")})
	wantNoError(t, err)

	wantNoError(t, table.Session("t").Touch(ctx))
	wantFault(t, table.Session("u").Touch(ctx), fault.ResourceExhausted, "there are 2 sessions", "raise it")
	wantNoError(t, table.EndSession(ctx, "t"))
	wantNoError(t, table.Session("u").Touch(ctx))
}

func TestAFullTableMakesRoomByExpiry(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{Max: 1, SweepInterval: 24 * time.Hour})
		wantNoError(t, table.Session("old").Touch(t.Context()))
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		wantNoError(t, table.Session("new").Touch(t.Context()))
	})
}

func TestConfigurationErrorsOfSessionsComeTogether(t *testing.T) {
	t.Parallel()
	bad := dspool.SessionsConfig{
		Max: -2, IdleTimeout: -5, TTL: -7, SweepInterval: -1, FlushInterval: -1,
		Limits: dspool.SessionLimits{Programs: -2, Calls: -3, HistoryFull: "explode"},
	}
	_, err := dspool.New(dspool.Config{Sessions: bad})
	wantFault(t, err, fault.InvalidArgument, "Config.Sessions.Max", "Config.Sessions.IdleTimeout", "Config.Sessions.TTL",
		"Config.Sessions.SweepInterval", "Config.Sessions.FlushInterval", "Config.Sessions.Limits.Programs",
		"Config.Sessions.Limits.Calls", `Config.Sessions.Limits.HistoryFull: must be "drop_oldest" or "refuse_calls", got "explode"`)
	_, err = dspool.NewSessions(says(`"x"`), bad)
	wantFault(t, err, fault.InvalidArgument, "SessionsConfig.Max: must be -1 (no limit) or at least 1, got -2")
	_, err = dspool.NewSessions(nil, dspool.SessionsConfig{})
	wantFault(t, err, fault.InvalidArgument, "must not be nil")
	s := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{}).Session("s", dspool.SessionLimit(dspool.SessionLimits{Calls: -9}))
	wantFault(t, s.Touch(t.Context()), fault.InvalidArgument, "SessionLimits.Calls")
	wantFault(t, s.SetLimits(t.Context(), dspool.SessionLimits{InFlight: -9}), fault.InvalidArgument, "SessionLimits.InFlight")
}

// CHK-46 counts what is over: a session's life, and its running mean.
func TestTheMeanLifeOfSessionsIsKept(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{})
		for _, life := range []time.Duration{time.Second, time.Second, 2 * time.Second} {
			s := table.Session("s")
			wantNoError(t, s.Touch(t.Context()))
			time.Sleep(life) //nolint:forbidigo // virtual time
			wantNoError(t, s.End(t.Context()))
		}
		if got := table.Status().MeanLife.Round(10 * time.Microsecond); got != 1333330*time.Microsecond {
			t.Errorf("mean life %s", got)
		}
	})
}

func TestAStreamThatIsLeftCountsAsCanceled(t *testing.T) {
	t.Parallel()
	runner := says(`"x"`)
	runner.events = []dspool.Event{{Kind: dspool.EventItem}, {Kind: dspool.EventItem}}
	s := sessionsOver(t, runner, dspool.SessionsConfig{}).Session("s")
	for range s.Stream(t.Context(), dspool.Request{Program: mock(t, "echo")}) {
		break
	}
	info, err := s.Info(t.Context())
	wantNoError(t, err)
	if info.InFlight != 0 || info.Stats.Errors != 1 || !strings.HasPrefix(info.Stats.LastError, "canceled") {
		t.Errorf("info %+v", info)
	}
	n := 0
	for ev, err := range s.Stream(t.Context(), dspool.Request{Program: mock(t, "echo")}) {
		wantNoError(t, err)
		if n++; n == 3 && ev.Kind != dspool.EventResult {
			t.Errorf("the last event is %s", ev.Kind)
		}
	}
	if info, _ = s.Info(t.Context()); info.Stats.Operations != 2 || info.Stats.Errors != 1 {
		t.Errorf("info %+v", info)
	}
}

func TestARunnerThatPanicsLeavesNoCallInFlight(t *testing.T) {
	t.Parallel()
	runner := &fakeRunner{answer: func(_ context.Context, req dspool.Request) (dspool.Response, error) {
		return dspool.Response{Output: req.Input[len(req.Session):]}, nil // out of range
	}}
	s := sessionsOver(t, runner, dspool.SessionsConfig{}).Session("s")
	func() {
		defer func() { _ = recover() }()
		_, _ = s.Call(t.Context(), dspool.Request{Program: mock(t, "echo")})
	}()
	info, err := s.Info(t.Context())
	wantNoError(t, err)
	if info.InFlight != 0 || info.Stats.Errors != 1 {
		t.Errorf("info %+v", info)
	}
}

func TestStoppedSessionsRefuseCalls(t *testing.T) {
	t.Parallel()
	table := sessionsOver(t, says(`"x"`), dspool.SessionsConfig{})
	wantNoError(t, table.Session("s").Touch(t.Context()))
	wantNoError(t, errors.Join(table.Stop(t.Context()), table.Stop(t.Context())))
	wantCode(t, table.Session("s").Touch(t.Context()), fault.ShuttingDown, fault.StartedNo)
	if _, err := table.Session("s").Info(t.Context()); err != nil {
		t.Errorf("what was there cannot be read: %v", err)
	}
}

// A holder is a Runner that keeps something of sessions.
type holder struct {
	*fakeRunner

	mu       sync.Mutex
	released []string
}

func (h *holder) ReleaseSession(session string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = append(h.released, session)
}

// A tenantHolder is told of sessions with their tenants, and by nothing else.
type tenantHolder struct {
	*fakeRunner

	mu       sync.Mutex
	released []string
}

func (h *tenantHolder) ReleaseTenantSession(tenant, session string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.released = append(h.released, tenant+"/"+session)
}

func TestARunnerCanBeToldOfTenantsSessionsAlone(t *testing.T) {
	t.Parallel()
	runner := &tenantHolder{fakeRunner: says(`"x"`)}
	table := sessionsOver(t, runner, dspool.SessionsConfig{})
	for _, tenant := range []string{"", "acme"} {
		s := table.Session("s", dspool.SessionTenant(tenant))
		wantNoError(t, s.Touch(t.Context()))
		wantNoError(t, s.End(t.Context()))
	}
	runner.mu.Lock()
	defer runner.mu.Unlock()
	if got := strings.Join(runner.released, " "); got != "/s acme/s" {
		t.Errorf("released: %s", got)
	}
}

func TestTheRunnerIsToldOfSessionsThatAreOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		runner := &holder{fakeRunner: says(`"x"`)}
		table := sessionsOver(t, runner, dspool.SessionsConfig{SweepInterval: 2 * time.Hour})
		for _, id := range []string{"ended", "restarted", "swept"} {
			wantNoError(t, table.Session(id).Touch(t.Context()))
		}
		wantNoError(t, table.EndSession(t.Context(), "ended"))
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		wantNoError(t, table.Session("restarted").Touch(t.Context()))
		time.Sleep(time.Hour) //nolint:forbidigo // virtual time
		synctest.Wait()
		runner.mu.Lock()
		defer runner.mu.Unlock()
		// The one that was restarted is over for the second time, too.
		if got := strings.Join(runner.released[:3], " "); got != "ended restarted swept" {
			t.Errorf("released: %s", got)
		}
	})
}
