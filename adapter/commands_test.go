package adapter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/lm"
)

const described = `"signature":{"inputs":[{"name":"question","type":"string","description":"what is asked"}],"outputs":[{"name":"answer","type":"string"}]}`

// CHK-25, CHK-75, CHK-78, CHK-88 to CHK-93, CHK-95: every command works in
// every mode.
func allCommands(t *testing.T, tr tier, a *adapter.Local) {
	a = tr.fresh(t, a)
	c := adapter.NewCommands(a)
	run(t, c, "cleanup", `{}`)
	python := tr.kind == adapter.Port || tr.kind == adapter.Pool

	ping := run(t, c, "ping", `{"session_id":"s1"}`)
	if ping["status"] != "ok" || ping["dspy_available"] != python || ping["current_session"] != "s1" || ping["worker_id"] == "" || ping["timestamp"] == "" {
		t.Errorf("ping %v", ping)
	}
	if got := run(t, c, "ping", `{"initialization":true,"worker_id":"w-7"}`); got["worker_id"] != "w-7" { // CHK-86
		t.Errorf("ping of an initialization %v", got)
	}
	for _, session := range []string{"", `"session_id":"s1",`} {
		t.Run("session "+session, func(t *testing.T) { programCommands(t, c, session) })
	}
	stats := run(t, c, "get_stats", `{}`)
	memory, _ := stats["memory_usage"].(map[string]any)
	if stats["programs_count"] != 2.0 || stats["command_count"].(float64) < 10 || stats["error_count"].(float64) < 3 || memory["rss"].(float64) <= 0 {
		t.Errorf("get_stats %v", stats)
	}
	if got := run(t, c, "cleanup", `{}`); got["status"] != "cleaned" || got["programs_removed"] != 2.0 {
		t.Errorf("cleanup %v", got)
	}
	run(t, c, "create_program", `{"id":"again",`+described+`}`)
	if got := run(t, c, "reset_state", `{}`); got["status"] != "reset" || got["programs_cleared"] != 1.0 || got["errors_reset"] != stats["error_count"] {
		t.Errorf("reset_state %v", got)
	}
	if got := run(t, c, "get_stats", `{}`); got["command_count"] != 1.0 || got["error_count"] != 0.0 {
		t.Errorf("get_stats after a reset %v", got)
	}
	for args, want := range map[string]string{`{"session_id":"s1"}`: "cleaned", `{"session_id":"nobody"}`: "not_found", `{}`: "not_applicable"} {
		if got := run(t, c, "cleanup_session", args); got["status"] != want {
			t.Errorf("cleanup_session(%s) %v", args, got)
		}
	}
	if _, err := a.Session("tracked").StartSession(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if got := run(t, c, "shutdown", `{}`); got["status"] != "shutting_down" || got["sessions_cleaned"].(float64) < 1 || len(a.Backend().Status().Workers) != 0 || a.Backend().Status().Phase != dspool.PoolHasStopped {
		t.Errorf("shutdown %v, then %s", got, a.Backend().Status().Phase)
	}
}

func programCommands(t *testing.T, c *adapter.Commands, session string) {
	created := run(t, c, "create_program", `{`+session+`"id":"p","program_type":"chain_of_thought",`+described+`}`)
	sig, _ := created["signature"].(map[string]any)
	if created["program_id"] != "p" || created["status"] != "created" || created["program_type"] != "chain_of_thought" || sig["inputs"] == nil {
		t.Errorf("create_program %v", created)
	}
	_, err := c.Execute(bounded(t), "create_program", json.RawMessage(`{`+session+`"program_id":"p",`+described+`}`))
	wantFault(t, err, fault.InvalidArgument, `"p" already`)
	if got := run(t, c, "create_program", `{`+session+`"id":"q","program_type":"magic",`+described+`}`); got["program_type"] != "predict" {
		t.Errorf("an unknown type became %v", got["program_type"])
	}
	done := run(t, c, "execute_program", `{`+session+`"program_id":"p","inputs":{"question":"Why?"}}`)
	outputs, _ := done["outputs"].(map[string]any)
	if done["program_id"] != "p" || outputs["answer"] == nil || outputs["reasoning"] == nil || done["execution_time"].(float64) < 0 {
		t.Errorf("execute_program %v", done)
	}
	list := run(t, c, "list_programs", `{`+strings.TrimSuffix(session, ",")+`}`)
	programs, _ := list["programs"].([]any)
	if list["total_count"] != 2.0 || len(programs) != 2 {
		t.Fatalf("list_programs %v", list)
	}
	first, _ := programs[0].(map[string]any)
	if first["id"] != "p" || first["execution_count"] != 1.0 || first["last_executed"] == nil || first["created_at"] == nil || (first["session_id"] != nil) != (session != "") {
		t.Errorf("list_programs has %v", first)
	}
	if info := run(t, c, "get_program_info", `{`+session+`"program_id":"p"}`); info["program_id"] != "p" || info["execution_count"] != 1.0 || info["signature"] == nil {
		t.Errorf("get_program_info %v", info)
	}
	if gone := run(t, c, "delete_program", `{`+session+`"program_id":"q"}`); gone["status"] != "deleted" || gone["program_id"] != "q" {
		t.Errorf("delete_program %v", gone)
	}
	for _, command := range []string{"delete_program", "get_program_info", "execute_program"} { // CHK-51
		_, err := c.Execute(bounded(t), command, json.RawMessage(`{`+session+`"program_id":"q","inputs":{}}`))
		wantFault(t, err, fault.NotFound, `"q"`)
	}
}

// CHK-90, CHK-95
func TestCommandsThatCannotBeRun(t *testing.T) {
	t.Parallel()
	c := adapter.NewCommands(over(t, adapter.Mock))
	for name, tt := range map[string]struct {
		command, args string
		code          fault.Code
		says          string
	}{
		"unknown":           {"fly", `{}`, fault.Unsupported, "Unknown command: fly"},
		"no signature":      {"create_program", `{"id":"x"}`, fault.InvalidArgument, "Program signature is required"},
		"a bad signature":   {"create_program", `{"signature":"nonsense"}`, fault.InvalidArgument, "signature"},
		"a reserved name":   {"create_program", `{"signature":"a: str -> keys: str"}`, fault.InvalidArgument, "keys"},
		"no program":        {"execute_program", `{}`, fault.InvalidArgument, "program_id is required"},
		"args that are not": {"ping", `[1]`, fault.InvalidArgument, "args"},
		"broken args":       {"ping", `{`, fault.InvalidArgument, "args"},
		"a bad session":     {"create_program", `{"session_id":"a\u0001b","signature":"a: str -> b: str"}`, fault.InvalidArgument, "session id"},
		"no model":          {"configure_lm", `{}`, fault.InvalidArgument, "model is required"},
		"a bad model":       {"configure_lm", `{"model":"m","temperature":-1}`, fault.InvalidArgument, "Temperature"},
	} {
		_, err := c.Execute(t.Context(), tt.command, json.RawMessage(tt.args))
		if fault.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v, want %s: %s", name, err, tt.code, tt.says)
		}
	}
	if got := run(t, c, "get_stats", ""); got["error_count"] != 10.0 || got["command_count"] != 11.0 {
		t.Errorf("counted %v errors of %v commands", got["error_count"], got["command_count"])
	}
}

// CHK-21, CHK-89, CHK-22, CHK-116
func configureLM(t *testing.T, tr tier, a *adapter.Local) {
	if before, err := a.LM(); err == nil {
		t.Cleanup(func() { _ = a.Backend().ConfigureLM("", before) })
	}
	c := adapter.NewCommands(tr.fresh(t, a))
	got := run(t, c, "configure_lm", `{"model":"gemini-1.5-flash","api_key":"k-for-tests","provider":"google"}`)
	if got["status"] != "configured" || got["model"] != "gemini/gemini-1.5-flash" || got["provider"] != "google" || got["temperature"] != 0.7 {
		t.Errorf("configure_lm %v", got)
	}
	if lm, err := a.LM(); err != nil || lm.Model != "gemini/gemini-1.5-flash" {
		t.Errorf("LM %s, %v", lm, err)
	}
	if got := run(t, c, "configure_lm", `{"session_id":"s","model":"groq/llama","temperature":0}`); got["provider"] != "groq" || got["temperature"] != 0.0 {
		t.Errorf("configure_lm of a session %v", got)
	}
	for session, want := range map[string]string{"": "gemini/gemini-1.5-flash", "s": "groq/llama", "other": "gemini/gemini-1.5-flash"} {
		if lm, err := a.Session(session).LM(); err != nil || lm.Model != want {
			t.Errorf("session %q asks %s, %v", session, lm, err)
		}
	}
	run(t, c, "cleanup_session", `{"session_id":"s"}`)
	if lm, err := a.Session("s").LM(); err != nil || lm.Model != "gemini/gemini-1.5-flash" {
		t.Errorf("a session that is over still asks %s, %v", lm, err)
	}
	raw, err := c.Execute(bounded(t), "configure_lm", json.RawMessage(`{"model":"m","api_base":"nowhere"}`))
	if raw != nil {
		t.Errorf("a failure came as the result %s", raw)
	}
	wantFault(t, err, fault.InvalidArgument, "APIBase")
}

// CHK-116
func TestNoLMIsLoaded(t *testing.T) {
	t.Parallel()
	m, err := dspool.NewMock(dspool.MockConfig{RequireLM: true})
	if err != nil {
		t.Fatal(err)
	}
	a, err := adapter.Over(adapter.Mock, m)
	if err != nil {
		t.Fatal(err)
	}
	_, err = a.LM()
	wantFault(t, err, fault.LMNotConfigured, "No LM is loaded")
	c := adapter.NewCommands(a)
	run(t, c, "create_program", `{"id":"p",`+described+`}`)
	_, err = c.Execute(t.Context(), "execute_program", json.RawMessage(`{"program_id":"p","inputs":{"question":"x"}}`)) // CHK-75
	wantFault(t, err, fault.LMNotConfigured, "No LM is loaded")
	run(t, c, "configure_lm", `{"model":"openai/m"}`)
	run(t, c, "execute_program", `{"program_id":"p","inputs":{"question":"x"}}`)
}

// CHK-94
func geminiPrograms(t *testing.T, tr tier, a *adapter.Local) {
	a = tr.fresh(t, a)
	c := adapter.NewCommands(a)
	if lm, err := a.LM(); err == nil { // the practice model plays Gemini
		if err := a.Backend().ConfigureLM("gemini:gemini-1.5-flash", lm); err != nil {
			t.Fatal(err)
		}
	}
	got := run(t, c, "create_gemini_program", `{"id":"g",`+described+`}`)
	if got["type"] != "gemini" || got["model_name"] != "gemini-1.5-flash" || got["program_id"] != "g" {
		t.Errorf("create_gemini_program %v", got)
	}
	done := run(t, c, "execute_gemini_program", `{"program_id":"g","inputs":{"question":"Why?"}}`)
	outputs, _ := done["outputs"].(map[string]any)
	text, _ := done["raw_response"].(string)
	if outputs["answer"] == nil || text == "" || done["program_id"] != "g" {
		t.Errorf("execute_gemini_program %v", done)
	}
	other := run(t, c, "create_gemini_program", `{"id":"h","model":"gemini-2.5-pro","api_key":"k-for-tests",`+described+`}`)
	if lm, ok := a.Backend().LM("gemini:gemini-2.5-pro"); !ok || lm.Model != "gemini/gemini-2.5-pro" || other["model_name"] != "gemini-2.5-pro" {
		t.Errorf("%v, %s", other, lm)
	}
}

// CHK-116: an override for one call touches no other.
func TestAnOverrideIsForOneCall(t *testing.T) {
	t.Parallel()
	m, err := dspool.NewMock(dspool.MockConfig{LMs: []string{}, Handlers: map[string]dspool.MockHandler{
		"predict": func(_ context.Context, c *dspool.MockCall) (any, error) {
			return map[string]string{"result": c.Request.LM}, nil
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	a, err := adapter.Over(adapter.Mock, m)
	if err != nil {
		t.Fatal(err)
	}
	id, err := a.CreateProgram(t.Context(), program(t, simple))
	if err != nil {
		t.Fatal(err)
	}
	input := json.RawMessage(`{"text":"x"}`)
	var callers sync.WaitGroup
	for i := range 20 {
		callers.Go(func() {
			lm := dspool.LM{Model: fmt.Sprintf("openai/m%d", i%3)}
			out, err := a.ExecuteProgram(bounded(t), id, input, adapter.OverrideLM(lm))
			if err != nil || !strings.Contains(string(out), "override:") {
				t.Errorf("%s, %v", out, err)
			}
			if out, err := a.ExecuteProgram(bounded(t), id, input); err != nil || string(out) != `{"result":""}` {
				t.Errorf("without an override: %s, %v", out, err)
			}
		})
	}
	callers.Wait()
	_, err = a.ExecuteProgram(bounded(t), id, input, adapter.UseLM("override:0"))
	wantFault(t, err, fault.InvalidArgument, "override:0")
	_, err = a.ExecuteProgram(bounded(t), id, input, adapter.OverrideLM(dspool.LM{}))
	wantFault(t, err, fault.InvalidArgument, "LM.Model")
}

// Two overrides are one only if they agree in everything.
func TestOverridesThatDifferAnywhereAreNotMixedUp(t *testing.T) {
	t.Parallel()
	const callers = 3
	var within sync.WaitGroup
	within.Add(callers)
	var a *adapter.Local
	m, err := dspool.NewMock(dspool.MockConfig{LMs: []string{}, Handlers: map[string]dspool.MockHandler{
		"predict": func(_ context.Context, c *dspool.MockCall) (any, error) {
			within.Done()
			within.Wait() // all are in use at the same time
			used, _ := a.Backend().LM(c.Request.LM)
			return map[string]string{"result": fmt.Sprint(used.Limits.RequestsPerMinute)}, nil
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if a, err = adapter.Over(adapter.Mock, m); err != nil {
		t.Fatal(err)
	}
	id, err := a.CreateProgram(t.Context(), program(t, simple))
	if err != nil {
		t.Fatal(err)
	}
	var calls sync.WaitGroup
	for i := range callers {
		calls.Go(func() {
			own := dspool.LM{Model: "openai/m", Limits: lm.Limits{RequestsPerMinute: i + 1}}
			out, err := a.ExecuteProgram(bounded(t), id, json.RawMessage(`{"text":"x"}`), adapter.OverrideLM(own))
			if want := fmt.Sprintf(`{"result":"%d"}`, i+1); err != nil || string(out) != want {
				t.Errorf("%s, %v, want %s", out, err, want)
			}
		})
	}
	calls.Wait()
}

// CHK-51, CHK-62, CHK-63, CHK-38
func contract(t *testing.T, tr tier, a *adapter.Local) {
	a = tr.fresh(t, a)
	if !a.SupportsLayer(tr.layer) || a.SupportsLayer("layer_9") || a.Capabilities().Performance == "" || a.Name() != string(tr.kind) {
		t.Errorf("%s: %+v", a.Name(), a.Capabilities())
	}
	_, err := a.ExecuteProgram(bounded(t), "nobody", json.RawMessage(`{}`))
	wantFault(t, err, fault.NotFound, "nobody")
	prefix := map[adapter.Kind]string{
		adapter.Mock: "mock_program_", adapter.WireMock: "bridge_mock_program_", adapter.Port: "python_port_", adapter.Pool: "pool_",
	}[tr.kind]
	id, err := a.CreateProgram(bounded(t), program(t, simple))
	if err != nil || !strings.HasPrefix(id, prefix) {
		t.Errorf("made the id %q, %v", id, err)
	}
	if _, err := a.ExecuteProgram(bounded(t), id, json.RawMessage(`{"text":"x"}`)); err != nil {
		t.Error(err)
	}
	info, err := a.ProgramInfo(bounded(t), id)
	if err != nil || info.ID != id || info.Executions != 1 || info.SessionID != "" {
		t.Errorf("%+v, %v", info, err)
	}
	st, err := a.Stats(bounded(t))
	want := map[adapter.Kind]string{adapter.Pool: "python_pool_v2"}[tr.kind]
	if err != nil || want != "" && st.AdapterType != want || !st.TrueConcurrency || st.ActivePrograms != 1 || st.ProgramsCreated != 1 || st.Executions != 2 || st.Errors != 1 {
		t.Errorf("%+v, %v", st, err)
	}
	if err := a.DeleteProgram(bounded(t), id); err != nil {
		t.Error(err)
	}
	sessionsOf(t, a)
}

// CHK-60: a bridge that is killed comes back with its programs, and a call that
// had no time does no harm.
func comesBack(t *testing.T, tr tier, a *adapter.Local) {
	if tr.kind == adapter.Mock {
		t.Skip("not applicable: a mock has no process")
	}
	c := adapter.NewCommands(tr.fresh(t, a))
	run(t, c, "create_program", `{"id":"p",`+described+`}`)
	run(t, c, "ping", `{}`)
	pool, _ := a.Backend().(interface {
		Events(ctx context.Context) iter.Seq[dspool.PoolEvent]
	})
	replaced := make(chan struct{})
	events := pool.Events(bounded(t))
	go func() {
		defer close(replaced)
		for ev := range events {
			if ev.Kind == dspool.WorkerReplaced {
				return
			}
		}
	}()
	if err := syscall.Kill(a.Backend().Status().Workers[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-replaced
	run(t, c, "ping", `{}`)
	run(t, c, "execute_program", `{"program_id":"p","inputs":{"question":"Why?"}}`)
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := c.Execute(ctx, "execute_program", json.RawMessage(`{"program_id":"p","inputs":{"question":"now"}}`)); err != nil {
		wantFault(t, err, fault.DeadlineExceeded)
	}
	run(t, c, "ping", `{}`)
}

// CHK-63: the pool adapter's sessions.
func sessionsOf(t *testing.T, a *adapter.Local) {
	t.Helper()
	s := a.Session("user-1")
	if id, err := s.StartSession(bounded(t)); err != nil || id != "user-1" || a.SessionID() != adapter.Anonymous {
		t.Errorf("%q, %v, %q", id, err, a.SessionID())
	}
	id, err := s.CreateProgram(bounded(t), program(t, simple))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := s.ProgramInfo(bounded(t), id); err != nil || info.SessionID != "user-1" {
		t.Errorf("%+v, %v", info, err)
	}
	if ids, err := a.ListPrograms(bounded(t)); err != nil || slices.Contains(ids, id) {
		t.Errorf("without a session: %v, %v", ids, err)
	}
	if info, err := s.SessionInfo(bounded(t)); err != nil || info.Programs != 1 {
		t.Errorf("%+v, %v", info, err)
	}
	if n, err := s.EndSession(bounded(t)); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	_, err = s.EndSession(bounded(t))
	wantFault(t, err, fault.NotFound)
}

// CHK-77: a mock fails the commands that it is told to.
func TestAMockFailsCommands(t *testing.T) {
	t.Parallel()
	a := over(t, adapter.Mock)
	m, _ := a.Backend().(*dspool.Mock)
	c := adapter.NewCommands(a)
	run(t, c, "create_program", `{"id":"p",`+described+`}`)
	commands := []string{"ping", "configure_lm", "create_program", "execute_program", "list_programs", "delete_program", "get_program_info", "get_stats", "cleanup", "reset_state"}
	for _, command := range commands {
		remove, err := m.Inject(dspool.MockFault{Command: command, Code: fault.Unavailable, Message: "told to"})
		if err != nil {
			t.Fatal(err)
		}
		args := json.RawMessage(`{"program_id":"p","id":"new","model":"openai/m","inputs":{"question":"x"},` + described + `}`)
		_, err = c.Execute(t.Context(), command, args)
		wantFault(t, err, fault.Unavailable, "told to")
		remove()
	}
	if n := m.Stats().Injected; n != int64(len(commands)) {
		t.Errorf("%d errors injected into %d commands", n, len(commands))
	}
}

// CHK-79, CHK-80: the same before a wire mock.
func TestFaultsBeforeAWireMock(t *testing.T) {
	t.Parallel()
	wire := openWire(t, 1).Backend()
	f, err := adapter.NewFaulty(wire, dspool.MockConfig{ErrorRate: 0.5, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	a, err := adapter.Over(adapter.WireMock, f)
	if err != nil {
		t.Fatal(err)
	}
	id, err := a.CreateProgram(bounded(t), program(t, simple))
	if err != nil {
		t.Fatal(err)
	}
	failed := 0
	for range 100 {
		if _, err := a.ExecuteProgram(bounded(t), id, json.RawMessage(`{"text":"x"}`)); err != nil {
			wantFault(t, err, fault.Unavailable)
			failed++
		}
	}
	if served := wire.Status().Totals.Calls; failed < 25 || failed > 75 || served != int64(100-failed) {
		t.Errorf("%d of 100 failed, the worker served %d", failed, served)
	}
	var injecting sync.WaitGroup
	for range 8 {
		injecting.Go(func() {
			if _, err := f.Inject(dspool.MockFault{Command: "execute_program", Times: 1}); err != nil {
				t.Error(err)
			}
		})
	}
	injecting.Wait()
	for range 8 {
		_, err := a.ExecuteProgram(bounded(t), id, json.RawMessage(`{"text":"x"}`))
		wantFault(t, err, fault.ProgramError, "Mock error triggered")
	}
	if n := f.Triggered(); n != 8 {
		t.Errorf("%d triggered", n)
	}
	f.Reset()
	if n := f.Triggered(); n != 0 {
		t.Errorf("%d triggered after a reset", n)
	}
	for _, err := range f.Stream(bounded(t), dspool.Request{Program: program(t, simple).Spec, Input: []byte(`{"text":"x"}`)}) {
		if err != nil && fault.CodeOf(err) != fault.Unavailable {
			t.Error(err)
		}
	}
	_, err = adapter.NewFaulty(wire, dspool.MockConfig{ErrorRate: 2})
	wantFault(t, err, fault.InvalidArgument, "ErrorRate")
}
