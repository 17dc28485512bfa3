package dspool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

func newMock(t testing.TB, config dspool.MockConfig) *dspool.Mock {
	t.Helper()
	m, err := dspool.NewMock(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := m.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	return m
}

func qaSpec(t testing.TB, opts ...dspool.PredictOption) *dspool.Spec {
	t.Helper()
	spec, err := dspool.NewPredict("question: str -> answer: str, n: int, score: probability, tags: list[str]", "", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func ask(question string) json.RawMessage { return fmt.Appendf(nil, `{"question":%q}`, question) }

// CHK-76
func TestAMockAnswersAsAFunctionOfItsInputs(t *testing.T) {
	t.Parallel()
	m, spec := newMock(t, dspool.MockConfig{}), qaSpec(t)
	var mu sync.Mutex
	seen := map[string]bool{}
	var callers sync.WaitGroup
	for i := range 10 {
		callers.Go(func() {
			first, err := m.Call(soon(t), dspool.Request{Program: spec, Input: ask(fmt.Sprint(i))})
			if err != nil {
				t.Error(err)
				return
			}
			again, err := m.Call(soon(t), dspool.Request{Program: spec, Input: ask(fmt.Sprint(i))})
			if err != nil || string(again.Output) != string(first.Output) {
				t.Errorf("%s, then %s, %v", first.Output, again.Output, err)
			}
			mu.Lock()
			seen[string(first.Output)] = true
			mu.Unlock()
		})
	}
	callers.Wait()
	if len(seen) != 10 {
		t.Errorf("%d different answers to 10 different inputs", len(seen))
	}
	for output := range seen {
		if !strings.Contains(output, `"answer":"mock_response_answer_`) {
			t.Errorf("answered %s", output)
		}
	}
}

func TestTheOrderOfInputsDoesNotChangeAMocksAnswer(t *testing.T) {
	t.Parallel()
	spec, err := dspool.NewPredict("a: str, b: str -> c: str", "")
	if err != nil {
		t.Fatal(err)
	}
	m := newMock(t, dspool.MockConfig{})
	one, err := m.Call(soon(t), dspool.Request{Program: spec, Input: []byte(`{"a":"1","b":"2"}`)})
	if err != nil {
		t.Fatal(err)
	}
	two, err := m.Call(soon(t), dspool.Request{Program: spec, Input: []byte(`{"b":"2", "a":"1"}`)})
	if err != nil || string(one.Output) != string(two.Output) {
		t.Errorf("%s and %s, %v", one.Output, two.Output, err)
	}
}

func TestAMockThatVariesAnswersDifferently(t *testing.T) {
	t.Parallel()
	m, req := newMock(t, dspool.MockConfig{Vary: true}), dspool.Request{Program: qaSpec(t), Input: ask("x")}
	one, err := m.Call(soon(t), req)
	if err != nil {
		t.Fatal(err)
	}
	if two, err := m.Call(soon(t), req); err != nil || string(one.Output) == string(two.Output) {
		t.Errorf("%s twice, %v", one.Output, err)
	}
}

// CHK-74
func TestAMockGivesConfiguredAnswers(t *testing.T) {
	t.Parallel()
	named, function := qaSpec(t, dspool.Named("Named")), mustFunc(t, "app.tools:count")
	_, hash, err := qaSpec(t, dspool.WithTemperature(0.5)).Definition()
	if err != nil {
		t.Fatal(err)
	}
	m := newMock(t, dspool.MockConfig{
		Answers: map[string]any{
			"Named": map[string]any{"answer": "by name"}, "app.tools:count": 42,
			hash: map[string]any{"answer": "by hash"}, "predict": map[string]any{"answer": "by kind"},
		},
		Handlers: map[string]dspool.MockHandler{
			"app.tools:double": dspool.MockFunc(func(_ context.Context, in struct{ N int }) (int, error) { return 2 * in.N, nil }),
		},
	})
	for name, tt := range map[string]struct {
		spec        *dspool.Spec
		input, want string
	}{
		"by name":      {named, `{"question":"q"}`, `"answer":"by name"`},
		"by hash":      {qaSpec(t, dspool.WithTemperature(0.5)), `{"question":"q"}`, `"answer":"by hash"`},
		"by kind":      {qaSpec(t), `{"question":"q"}`, `"answer":"by kind"`},
		"by reference": {function, `{}`, `42`},
		"a handler":    {mustFunc(t, "app.tools:double"), `{"n":21}`, `42`},
	} {
		resp, err := m.Call(soon(t), dspool.Request{Program: tt.spec, Input: []byte(tt.input)})
		if err != nil || !strings.Contains(string(resp.Output), tt.want) {
			t.Errorf("%s: %s, %v, want %s", name, resp.Output, err, tt.want)
		}
	}
	_, err = m.Call(soon(t), dspool.Request{Program: mustFunc(t, "app.tools:nobody")})
	wantFault(t, err, fault.NotFound, "app.tools:nobody", "handler")
}

func mustFunc(t testing.TB, ref string) *dspool.Spec {
	t.Helper()
	spec, err := dspool.NewFunc(ref)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestAMocksAnswerHasToFitTheSignature(t *testing.T) {
	t.Parallel()
	m := newMock(t, dspool.MockConfig{Answers: map[string]any{"predict": map[string]any{"score": 7}}})
	_, err := m.Call(soon(t), dspool.Request{Program: qaSpec(t), Input: ask("x")})
	wantFault(t, err, fault.OutputInvalid, "output.score")
	_, err = m.Call(soon(t), dspool.Request{Program: qaSpec(t), Input: []byte(`{"question":1}`)})
	wantFault(t, err, fault.InvalidArgument, "input.question")
}

// CHK-77
func TestInjectedFaultsStrikeWhatTheyAreMeantFor(t *testing.T) {
	t.Parallel()
	m := newMock(t, dspool.MockConfig{})
	plain, named := qaSpec(t), qaSpec(t, dspool.Named("Named"))
	run := func(spec *dspool.Spec) error {
		_, err := m.Call(soon(t), dspool.Request{Program: spec, Input: ask("x")})
		return err
	}
	remove, err := m.Inject(dspool.MockFault{Program: "Named", Code: fault.LMRateLimit, Message: "slow down", RetryAfter: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := run(plain); err != nil {
		t.Errorf("a fault struck another program: %v", err)
	}
	err = run(named)
	wantFault(t, err, fault.LMRateLimit, "slow down")
	if fault.From(err).RetryAfter != time.Second {
		t.Errorf("RetryAfter %s", fault.From(err).RetryAfter)
	}
	remove()
	if err := run(named); err != nil {
		t.Errorf("a fault that was taken back struck: %v", err)
	}
	if _, err := m.Inject(dspool.MockFault{Command: "ping", Times: 1}); err != nil {
		t.Fatal(err)
	}
	if err := run(plain); err != nil {
		t.Errorf("a fault for ping struck a call: %v", err)
	}
	wantFault(t, m.Trip("ping"), fault.ProgramError, "Mock error triggered")
	if err := m.Trip("ping"); err != nil {
		t.Errorf("a fault that was spent struck: %v", err)
	}
	if n := m.Stats().Injected; n != 2 {
		t.Errorf("%d injected, want 2", n)
	}
	_, err = m.Inject(dspool.MockFault{Probability: 2, Code: "nonsense"})
	wantFault(t, err, fault.InvalidArgument, "MockFault.Probability", "MockFault.Code")
}

// CHK-74
func TestTheErrorRateHitsTheSameCallsForTheSameSeed(t *testing.T) {
	t.Parallel()
	spec := qaSpec(t)
	pattern := func() (s string) {
		m := newMock(t, dspool.MockConfig{ErrorRate: 0.3, Seed: 5})
		for range 200 {
			_, err := m.Call(soon(t), dspool.Request{Program: spec, Input: ask("x")})
			if err != nil && (fault.CodeOf(err) != fault.Unavailable || !fault.Retryable(err)) {
				t.Fatalf("error %v", err)
			}
			s += fmt.Sprint(map[bool]int{true: 1}[err != nil])
		}
		return s
	}
	first := pattern()
	if n := strings.Count(first, "1"); n < 30 || n > 90 {
		t.Errorf("%d of 200 calls failed at a rate of 0.3", n)
	}
	if second := pattern(); first != second {
		t.Errorf("the same seed hit other calls:\n%s\n%s", first, second)
	}
}

// CHK-77
func TestScenariosOverrideFields(t *testing.T) {
	t.Parallel()
	m := newMock(t, dspool.MockConfig{})
	if err := m.SetScenario("calm", map[string]any{"answer": "all is well"}); err != nil {
		t.Fatal(err)
	}
	read := func() string {
		resp, err := m.Call(soon(t), dspool.Request{Program: qaSpec(t), Input: ask("x")})
		if err != nil {
			t.Fatal(err)
		}
		var out struct{ Answer string }
		_ = json.Unmarshal(resp.Output, &out)
		return out.Answer
	}
	if got := read(); got != "all is well" {
		t.Errorf("answer %q", got)
	}
	if err := m.SetScenario("storm", map[string]any{"answer": "run"}); err != nil {
		t.Fatal(err)
	}
	if got := read(); got != "run" {
		t.Errorf("the later scenario does not count more: %q", got)
	}
	_ = m.SetScenario("storm", nil)
	if got := read(); got != "all is well" {
		t.Errorf("after the end of a scenario: %q", got)
	}
	m.Reset()
	if got := read(); !strings.HasPrefix(got, "mock_response_answer_") {
		t.Errorf("after a reset: %q", got)
	}
}

// CHK-77
func TestAMockRemembersItsLastCalls(t *testing.T) {
	t.Parallel()
	m := newMock(t, dspool.MockConfig{Log: 3})
	for i := range 5 {
		_, _ = m.Call(soon(t), dspool.Request{Program: qaSpec(t), Input: ask(fmt.Sprint(i)), LM: "fast"})
	}
	_, _ = m.Call(soon(t), dspool.Request{Program: qaSpec(t), Input: []byte(`{}`)})
	calls := m.Calls()
	if len(calls) != 3 || string(calls[0].Input) != string(ask("3")) || calls[0].LM != "fast" || calls[0].Output == nil || calls[2].Err == nil {
		t.Errorf("remembers %+v", calls)
	}
	if s := m.Stats(); s.Calls != 6 || s.Errors != 1 {
		t.Errorf("stats %+v", s)
	}
	m.Reset()
	if s := m.Stats(); s.Calls != 0 || len(m.Calls()) != 0 {
		t.Errorf("after a reset: %+v, %d calls", s, len(m.Calls()))
	}
}

func TestAMockStreamsTextAndThenTheResult(t *testing.T) {
	t.Parallel()
	m := newMock(t, dspool.MockConfig{Answers: map[string]any{"predict": map[string]any{"answer": "one two"}}})
	var got []string
	for ev, err := range m.Stream(soon(t), dspool.Request{Program: qaSpec(t), Input: ask("x")}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, fmt.Sprintf("%s:%s:%s:%v", ev.Kind, ev.Field, ev.Text, ev.Last))
	}
	if s := strings.Join(got, " "); s != "chunk:answer:one :false chunk:answer:two:true result:::false" {
		t.Errorf("events %s", s)
	}
	for range m.Stream(soon(t), dspool.Request{Program: qaSpec(t), Input: ask("x")}) {
		break
	}
	if n := m.Status().Totals.Abandoned; n != 1 {
		t.Errorf("%d abandoned", n)
	}
}

func TestAMockIsAsSlowAsItIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m, err := dspool.NewMock(dspool.MockConfig{Delay: time.Minute, CallTimeout: 90 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		req := dspool.Request{Program: qaSpec(t), Input: ask("x")}
		began := time.Now()
		if _, err := m.Call(t.Context(), req); err != nil || time.Since(began) != time.Minute {
			t.Errorf("took %s, %v", time.Since(began), err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = m.Call(ctx, req)
		wantFault(t, err, fault.DeadlineExceeded)
		if err := m.Configure(func(c *dspool.MockConfig) { c.Delay = time.Hour }); err != nil {
			t.Fatal(err)
		}
		_, err = m.Call(t.Context(), req)
		wantFault(t, err, fault.DeadlineExceeded, "CallTimeout")
		if err := m.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAHandlersFailureIsItsProgramsFailure(t *testing.T) {
	t.Parallel()
	m := newMock(t, dspool.MockConfig{Handlers: map[string]dspool.MockHandler{
		"m:broken":  func(context.Context, *dspool.MockCall) (any, error) { return nil, errors.New("it broke") },
		"m:panics":  func(context.Context, *dspool.MockCall) (any, error) { panic("at the disco") },
		"m:no_json": func(context.Context, *dspool.MockCall) (any, error) { return func() {}, nil },
	}})
	for ref, want := range map[string]struct {
		code fault.Code
		says string
	}{
		"m:broken": {fault.ProgramError, "it broke"}, "m:panics": {fault.ProgramError, "at the disco"},
		"m:no_json": {fault.OutputInvalid, "not JSON"},
	} {
		_, err := m.Call(soon(t), dspool.Request{Program: mustFunc(t, ref)})
		wantFault(t, err, want.code, want.says)
		if fault.From(err).Worker == "" || fault.Retryable(err) {
			t.Errorf("%s: worker %q, retryable %v", ref, fault.From(err).Worker, fault.Retryable(err))
		}
	}
}

// CHK-75
func TestAMockCanAskForALanguageModel(t *testing.T) {
	t.Parallel()
	m := newMock(t, dspool.MockConfig{RequireLM: true, LMs: []string{"fast"}})
	req := dspool.Request{Program: qaSpec(t), Input: ask("x")}
	_, err := m.Call(soon(t), req)
	wantFault(t, err, fault.LMNotConfigured, "No LM is loaded")
	wantFault(t, m.ConfigureLM("", dspool.LM{}), fault.InvalidArgument, "LM.Model")
	if err := m.ConfigureLM("slow", dspool.LM{Model: "openai/m"}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"", "fast", "slow"} {
		req.LM = name
		if _, err := m.Call(soon(t), req); err != nil {
			t.Errorf("LM %q: %v", name, err)
		}
	}
	req.LM = "other"
	_, err = m.Call(soon(t), req)
	wantFault(t, err, fault.InvalidArgument, `"other"`)
}

func TestAMocksConfigurationIsCheckedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := dspool.NewMock(dspool.MockConfig{
		ErrorRate: 1.5, Delay: -1, Concurrency: -1, QueueSize: -2, QueueTimeout: -2, CallTimeout: -3, Log: -2,
		Answers: map[string]any{"f": func() {}}, Handlers: map[string]dspool.MockHandler{"h": nil},
	})
	wantFault(t, err, fault.InvalidArgument, "MockConfig.ErrorRate", "MockConfig.Delay", "MockConfig.Concurrency", "MockConfig.QueueSize",
		"MockConfig.QueueTimeout", "MockConfig.CallTimeout", "MockConfig.Log", "MockConfig.Answers[f]", "MockConfig.Handlers[h]")
	m := newMock(t, dspool.MockConfig{})
	wantFault(t, m.Configure(func(c *dspool.MockConfig) { c.ErrorRate = -1 }), fault.InvalidArgument, "ErrorRate")
	wantFault(t, m.Configure(func(c *dspool.MockConfig) { c.Concurrency = 3 }), fault.InvalidArgument, "Concurrency")
}

func TestAStoppedMockRefusesCalls(t *testing.T) {
	t.Parallel()
	entered := make(chan struct{})
	m, err := dspool.NewMock(dspool.MockConfig{Handlers: map[string]dspool.MockHandler{
		"m:waits": func(ctx context.Context, _ *dspool.MockCall) (any, error) {
			close(entered)
			<-ctx.Done()
			return nil, ctx.Err()
		},
	}})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() {
		_, err := m.Call(soon(t), dspool.Request{Program: mustFunc(t, "m:waits")})
		done <- err
	}()
	<-entered
	hurry, cancel := context.WithCancel(context.Background())
	cancel()
	wantFault(t, m.Stop(hurry), fault.Canceled)
	wantFault(t, <-done, fault.ShuttingDown)
	_, err = m.Call(soon(t), dspool.Request{Program: qaSpec(t), Input: ask("x")})
	wantFault(t, err, fault.ShuttingDown)
	wantFault(t, m.WaitReady(soon(t)), fault.ShuttingDown)
	if s := m.Status(); s.Phase != dspool.PoolHasStopped {
		t.Errorf("phase %s", s.Phase)
	}
}

func BenchmarkMock(b *testing.B) {
	m, err := dspool.NewMock(dspool.MockConfig{})
	if err != nil {
		b.Fatal(err)
	}
	req := dspool.Request{Program: qaSpec(b), Input: ask("x")}
	for b.Loop() {
		if _, err := m.Call(b.Context(), req); err != nil {
			b.Fatal(err)
		}
	}
}
