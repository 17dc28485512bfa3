package adapter_test

// The sixteen tests that failed in the original system, by their meaning, on the
// mock, the wire mock and real Python alike.

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// blocking: three sessions at once each create a program and list programs.
func blocking(t *testing.T, _ tier, a *adapter.Local) {
	c := adapter.NewCommands(a)
	var callers sync.WaitGroup
	for i := range 3 {
		callers.Go(func() {
			session := fmt.Sprintf("blocking_%d", i)
			args := fmt.Sprintf(`{"session_id":%q,"id":"prog_%d","signature":{"inputs":[{"name":"input","type":"string"}],"outputs":[{"name":"output","type":"string"}]}}`, session, i)
			if _, err := c.Execute(bounded(t), "create_program", json.RawMessage(args)); err != nil {
				t.Errorf("%s: %v", session, err)
				return
			}
			raw, err := c.Execute(bounded(t), "list_programs", fmt.Appendf(nil, `{"session_id":%q}`, session))
			var list struct {
				Programs []json.RawMessage `json:"programs"`
				Total    int               `json:"total_count"`
			}
			if err == nil {
				err = json.Unmarshal(raw, &list)
			}
			if err != nil || len(list.Programs) != 1 || list.Total != 1 {
				t.Errorf("%s: %s, %v", session, raw, err)
			}
		})
	}
	callers.Wait()
}

func isolation(t *testing.T, _ tier, a *adapter.Local) {
	ids := map[string]string{}
	for _, session := range []string{"iso_a", "iso_b"} {
		id, err := a.Session(session).CreateProgram(bounded(t), program(t, simple))
		if err != nil || id == "" {
			t.Fatalf("%s: %q, %v", session, id, err)
		}
		ids[session] = id
	}
	for session, other := range map[string]string{"iso_a": "iso_b", "iso_b": "iso_a"} {
		list, err := a.Session(session).ListPrograms(bounded(t))
		if err != nil || !slices.Contains(list, ids[session]) || slices.Contains(list, ids[other]) {
			t.Errorf("%s lists %v, %v; own %s, other %s", session, list, err, ids[session], ids[other])
		}
	}
	if list, err := a.Session("iso_nobody").ListPrograms(bounded(t)); err != nil || len(list) != 0 {
		t.Errorf("an unknown session lists %v, %v", list, err)
	}
}

func mixed(t *testing.T, _ tier, a *adapter.Local) {
	c := adapter.NewCommands(a)
	var callers sync.WaitGroup
	for i := range 6 {
		callers.Go(func() {
			command := []string{"ping", "invalid_command"}[i%2]
			raw, err := c.Execute(bounded(t), command, fmt.Appendf(nil, `{"session_id":"mixed_%d"}`, i))
			if i%2 == 0 && err != nil {
				t.Errorf("ping: %s, %v", raw, err)
			}
			if i%2 == 1 && fault.CodeOf(err) != fault.Unsupported {
				t.Errorf("an unknown command: %s, %v", raw, err)
			}
		})
	}
	callers.Wait()
	if st := a.Backend().Status(); st.Phase != dspool.PoolServing || st.Totals.Crashes != 0 {
		t.Errorf("afterwards: %s, %d crashes", st.Phase, st.Totals.Crashes)
	}
}

func languageModel(t *testing.T, _ tier, a *adapter.Local) {
	s := a.Session("lm")
	lm, err := adapter.ParseLM(json.RawMessage(`{"model":"gemini-1.5-flash","api_key":"test-key-of-nobody","temperature":0.5,"provider":"google"}`))
	if err != nil || lm.Model != "gemini/gemini-1.5-flash" {
		t.Fatalf("%s, %v", lm, err)
	}
	if err := s.ConfigureLM(bounded(t), lm); err != nil {
		t.Error(err)
	}
	if got, err := s.LM(); err != nil || got.Model != lm.Model {
		t.Errorf("the session's model is %s, %v", got, err)
	}
}

func answers(t *testing.T, tr tier, a *adapter.Local) {
	id := "test_program_" + string(tr.layer)
	args := fmt.Sprintf(`{"id":%q,"modules":[],"signature":{"inputs":[{"name":"question","type":"string"}],`+
		`"outputs":[{"name":"answer","type":"string"},{"name":"confidence","type":"float"}]}}`, id)
	got, err := a.CreateProgram(bounded(t), program(t, args))
	if err != nil || got != id {
		t.Fatalf("created %q, %v", got, err)
	}
	raw, err := a.ExecuteProgram(bounded(t), id, json.RawMessage(`{"question":"What is 2+2?"}`))
	if err != nil {
		t.Fatal(err)
	}
	out := decoded(t, raw)
	if _, text := out["answer"].(string); !text {
		t.Errorf("outputs %s", raw)
	}
	if _, number := out["confidence"].(float64); !number {
		t.Errorf("outputs %s", raw)
	}
}

func complexSignature(t *testing.T, _ tier, a *adapter.Local) {
	id, err := a.CreateProgram(bounded(t), program(t, `{"signature":{
		"inputs":[{"name":"input","type":"string"},{"name":"context","type":"list(string)"}],
		"outputs":[{"name":"result","type":"string"},{"name":"reasoning","type":"list(string)"},{"name":"confidence","type":"probability"}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := a.ExecuteProgram(bounded(t), id, json.RawMessage(`{"input":"x","context":["a","b"]}`))
	if err != nil {
		t.Fatal(err)
	}
	var out struct {
		Result     *string
		Reasoning  []string
		Confidence *float64
	}
	if err := json.Unmarshal(raw, &out); err != nil || out.Result == nil || out.Confidence == nil || len(out.Reasoning) == 0 || *out.Confidence < 0 || *out.Confidence > 1 {
		t.Errorf("outputs %s, %v", raw, err)
	}
}

func listing(t *testing.T, _ tier, a *adapter.Local) {
	for i := 1; i <= 3; i++ {
		p := program(t, simple)
		p.ID = fmt.Sprintf("listed_%d", i)
		if _, err := a.CreateProgram(bounded(t), p); err != nil {
			t.Fatal(err)
		}
	}
	ids, err := a.ListPrograms(bounded(t))
	if err != nil || !slices.Contains(ids, "listed_1") || !slices.Contains(ids, "listed_2") || !slices.Contains(ids, "listed_3") {
		t.Errorf("%v, %v", ids, err)
	}
}

// factory returns a Factory over Python that is only just starting, in a mode.
func factory(t testing.TB, pooling bool, mode string) (*adapter.Factory, *adapter.Registry) {
	t.Helper()
	r := adapter.NewRegistry(adapter.RegistryConfig{Pooling: pooling, Getenv: environment(adapter.ModeVariable, mode)})
	s := adapter.NewServices(time.Minute)
	r.Register(adapter.Port, s.Open(adapter.Port))
	r.Register(adapter.Pool, s.Open(adapter.Pool))
	r.RegisterAdapter(adapter.Mock, openMock(t, 1))
	r.RegisterAdapter(adapter.WireMock, openWire(t, 1))
	done := s.Announce(adapter.Port)
	if pooling {
		done = s.Announce(adapter.Pool)
		done(openPool(t, 1), nil)
	} else {
		done(openPort(t, 1), nil)
	}
	return adapter.NewFactory(r, s), r
}

// CHK-07, CHK-15, CHK-16: the factory finds Python that is still starting, and
// gives each layer its adapter.
func TestSeedFactory(t *testing.T) {
	t.Parallel()
	f, _ := factory(t, false, string(adapter.ModeFull))
	for layer, name := range map[adapter.Layer]string{
		adapter.Layer3: adapter.NamePort, adapter.Layer1: adapter.NameMock, adapter.Layer2: adapter.NameBridgeMock,
	} {
		a, err := f.Create(bounded(t), adapter.CreateOptions{Layer: layer})
		if err != nil || a.Name() != name {
			t.Errorf("%s: %v, %v; want %s", layer, a, err, name)
		}
	}
	port, err := f.Create(bounded(t), adapter.CreateOptions{})
	if err != nil || port.Name() != adapter.NamePort {
		t.Fatalf("%v, %v", port, err)
	}
	healthy, err := adapter.Execute(bounded(t), f, port, func(ctx context.Context, a adapter.Adapter) (string, error) {
		deadline, ok := ctx.Deadline()
		if left := time.Until(deadline); !ok || left < 25*time.Second || left > 30*time.Second {
			t.Errorf("an operation of layer 3 has %s", left)
		}
		return "ok", a.HealthCheck(ctx)
	}, adapter.ExecuteOptions{})
	if err != nil || healthy != "ok" {
		t.Errorf("%q, %v", healthy, err)
	}
}

// CHK-12: a lazy pool in full integration with pooling is the resolved adapter,
// and its workers do not multiply.
func TestSeedLazyPool(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "dspy")
	pool, err := dspool.New(dspool.Config{Python: testkit.Python(t), Workers: 2, Lazy: true})
	p := started(t, adapter.Pool, pool, err)
	if n := len(pool.Status().Workers); n != 0 {
		t.Errorf("%d workers before anybody needs one", n)
	}
	r := adapter.NewRegistry(adapter.RegistryConfig{Pooling: true, Getenv: environment(adapter.ModeVariable, "full_integration")})
	s := adapter.NewServices(time.Minute)
	s.Add(p)
	r.Register(adapter.Pool, s.Open(adapter.Pool))
	a, err := adapter.NewFactory(r, s).Create(bounded(t), adapter.CreateOptions{Validate: true})
	if err != nil || a.Name() != adapter.NamePool {
		t.Fatalf("%v, %v", a, err)
	}
	if err := a.ConfigureLM(bounded(t), dspool.LM{Model: "openai/m"}); err != nil {
		t.Error(err)
	}
	c := adapter.NewCommands(p)
	for range 200 {
		run(t, c, "ping", `{}`)
	}
	if st := pool.Status(); len(st.Workers) > 2 || st.Totals.Restarts != 0 {
		t.Errorf("%d workers, %d restarts", len(st.Workers), st.Totals.Restarts)
	}
}

// CHK-13: TEST_MODE is looked at for each use.
func TestSeedTestMode(t *testing.T) {
	t.Parallel()
	mode := ""
	for _, pooling := range []bool{false, true} {
		r := adapter.NewRegistry(adapter.RegistryConfig{Pooling: pooling, Getenv: func(string) string { return mode }})
		full := map[bool]string{false: adapter.NamePort, true: adapter.NamePool}[pooling]
		for given, want := range map[string]string{
			"mock_adapter": adapter.NameMock, "bridge_mock": adapter.NameBridgeMock, "full_integration": full,
			"": adapter.NamePort, "nonsense": adapter.NamePort,
		} {
			mode = given
			if res, err := r.Resolve(""); err != nil || res.Resolved != want {
				t.Errorf("TEST_MODE %q, pooling %v: %s, %v; want %s", given, pooling, res.Resolved, err, want)
			}
		}
	}
}

// CHK-04, CHK-14: health and status are those of the instance that is asked, and
// of no other.
func healthOfThisOne(t *testing.T, _ tier, a *adapter.Local) {
	other := openMock(t, 1)
	if err := other.Shutdown(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if err := a.HealthCheck(bounded(t)); err != nil {
		t.Fatal(err)
	}
	if st := a.Backend().Status(); st.Phase != dspool.PoolServing || len(st.Workers) == 0 {
		t.Errorf("%s with %d workers", st.Phase, len(st.Workers))
	}
	st, err := a.Stats(bounded(t))
	if err != nil || st.PoolStatus.Phase != dspool.PoolServing {
		t.Errorf("%+v, %v", st, err)
	}
}
