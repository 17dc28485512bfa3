package adapter_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// mocked returns a Factory whose adapters all stand on mocks.
func mocked(t testing.TB, mode string) *adapter.Factory {
	t.Helper()
	r := adapter.NewRegistry(adapter.RegistryConfig{Getenv: environment(adapter.ModeVariable, mode)})
	for _, kind := range []adapter.Kind{adapter.Mock, adapter.WireMock, adapter.Port} {
		r.RegisterAdapter(kind, over(t, kind))
	}
	return adapter.NewFactory(r, nil)
}

func healthy(ctx context.Context, a adapter.Adapter) (string, error) {
	return "ok", a.HealthCheck(ctx)
}

// asError returns the *Error in a tree.
func asError(t testing.TB, err error) *adapter.Error {
	t.Helper()
	var e *adapter.Error
	if !errors.As(err, &e) {
		t.Fatalf("%v is no *adapter.Error", err)
	}
	return e
}

// CHK-53, CHK-66
func TestTheFactoryCreates(t *testing.T) {
	t.Parallel()
	f := mocked(t, "mock_adapter")
	for name, tt := range map[string]struct {
		options adapter.CreateOptions
		want    string
	}{
		"a mock":                    {adapter.CreateOptions{Name: "mock"}, "mock"},
		"a wire mock":               {adapter.CreateOptions{Name: "bridge_mock"}, "bridge_mock"},
		"a port":                    {adapter.CreateOptions{Name: "python_port"}, "python_port"},
		"what TEST_MODE says":       {adapter.CreateOptions{}, "mock"},
		"a port outside its layer":  {adapter.CreateOptions{Name: "python_port", Layer: adapter.Layer1}, "python_port"},
		"with a health check":       {adapter.CreateOptions{Name: "mock", Validate: true}, "mock"},
		"the adapter of a layer":    {adapter.CreateOptions{Layer: adapter.Layer2}, "bridge_mock"},
		"a name before a layer":     {adapter.CreateOptions{Name: "mock", Layer: adapter.Layer3}, "mock"},
		"a wire mock in production": {adapter.CreateOptions{Name: "bridge_mock", Layer: adapter.Production}, "bridge_mock"},
	} {
		if a, err := f.Create(t.Context(), tt.options); err != nil || a.Name() != tt.want {
			t.Errorf("%s: %v, %v", name, a, err)
		}
	}
	_, err := f.Create(t.Context(), adapter.CreateOptions{Name: "nobody"})
	if e := asError(t, err); e.Type == "" || e.Context["adapter_type"] != "nobody" || e.Context["test_layer"] != "layer_1" || e.Context["resolved_adapter"] != "nobody" {
		t.Errorf("%+v", e)
	}
	if got := f.Compatible(adapter.Layer1); len(got) != 1 || got[0] != "mock" {
		t.Errorf("for layer 1: %v", got)
	}
}

// CHK-66
func TestThePortNeedsPythonInItsOwnLayerOnly(t *testing.T) {
	t.Parallel()
	r := adapter.NewRegistry(adapter.RegistryConfig{Getenv: environment()})
	r.RegisterAdapter(adapter.Port, over(t, adapter.Port))
	f := adapter.NewFactory(r, adapter.NewServices(time.Second))
	_, err := f.Create(t.Context(), adapter.CreateOptions{Name: "python_port", Layer: adapter.Layer3})
	if e := asError(t, err); e.Type != adapter.ConnectionFailed || !strings.Contains(e.Cause.Error(), "Python bridge not available") {
		t.Errorf("%+v", e)
	}
	if _, err := f.Create(t.Context(), adapter.CreateOptions{Name: "python_port", Layer: adapter.Layer1}); err != nil {
		t.Error(err)
	}
}

// CHK-56
func TestSuites(t *testing.T) {
	t.Parallel()
	f := mocked(t, "mock_adapter")
	suite, err := f.CreateSuite(t.Context(), "", "mock", "bridge_mock")
	if err != nil || len(suite) != 2 || suite["mock"] == nil {
		t.Errorf("%v, %v", suite, err)
	}
	suite, err = f.CreateSuite(t.Context(), "", "mock", "nobody")
	if err == nil || suite != nil {
		t.Errorf("with an unknown member: %v, %v", suite, err)
	}
}

// CHK-52, CHK-54, CHK-67
func TestExecutionFollowsTheLayer(t *testing.T) {
	t.Parallel()
	for layer, want := range map[adapter.Layer]adapter.Limits{
		adapter.Layer1: {Timeout: time.Second}, adapter.Layer2: {Timeout: 5 * time.Second, Retries: 2}, adapter.Layer3: {Timeout: 30 * time.Second, Retries: 3},
	} {
		t.Run(string(layer), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f, a := mocked(t, ""), over(t, adapter.Mock)
				if out, err := adapter.Execute(t.Context(), f, a, healthy, adapter.ExecuteOptions{Layer: layer}); err != nil || out != "ok" {
					t.Errorf("%q, %v", out, err)
				}
				tries, began := 0, time.Now()
				_, err := adapter.Execute(t.Context(), f, a, func(ctx context.Context, _ adapter.Adapter) (int, error) {
					tries++
					<-ctx.Done()
					return 0, ctx.Err()
				}, adapter.ExecuteOptions{Layer: layer})
				e := asError(t, err)
				delay := map[adapter.Layer]time.Duration{adapter.Layer2: 500 * time.Millisecond, adapter.Layer3: 5 * time.Second}[layer]
				took := time.Duration(want.Retries+1)*want.Timeout + time.Duration(want.Retries)*delay
				if e.Type != adapter.Timeout || tries != want.Retries+1 || time.Since(began) != took {
					t.Errorf("%v after %d tries and %s, want %s", e, tries, time.Since(began), took)
				}
			})
		})
	}
}

// CHK-67
func TestOnlyWhatIsRecoverableRunsAgain(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err   error
		tries int
	}{
		"before the start":   {fault.New(fault.Unavailable, "x").WithStarted(fault.StartedNo), 3},
		"after the start":    {fault.New(fault.WorkerCrashed, "x").WithStarted(fault.StartedYes), 1},
		"a late deadline":    {fault.New(fault.DeadlineExceeded, "x").WithStarted(fault.StartedYes), 1},
		"bad input":          {fault.New(fault.InvalidArgument, "x"), 1},
		"text":               {errors.New("x"), 1},
		"a full queue":       {fault.New(fault.QueueFull, "x").WithStarted(fault.StartedNo), 3},
		"a program's error":  {fault.New(fault.ProgramError, "x").WithStarted(fault.StartedYes), 1},
		"a session is gone":  {fault.New(fault.SessionLost, "x").WithStarted(fault.StartedYes), 1},
		"an early deadline":  {fault.New(fault.DeadlineExceeded, "x").WithStarted(fault.StartedNo), 3},
		"configuration":      {fault.New(fault.LMNotConfigured, "x"), 1},
		"an unknown program": {fault.New(fault.NotFound, "x"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tries := 0
				_, err := adapter.Execute(t.Context(), mocked(t, ""), over(t, adapter.Mock), func(context.Context, adapter.Adapter) (int, error) {
					tries++
					return 0, tt.err
				}, adapter.ExecuteOptions{Layer: adapter.Layer3, Retries: 2})
				if asError(t, err); tries != tt.tries || !errors.Is(err, tt.err) {
					t.Errorf("%v after %d tries, want %d", err, tries, tt.tries)
				}
			})
		})
	}
}

// CHK-56, CHK-68
func TestExecutionFallsBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := mocked(t, "mock_adapter")
		var order []string
		failing := func(fails map[string]error) func(context.Context, adapter.Adapter) (string, error) {
			order = nil
			return func(_ context.Context, a adapter.Adapter) (string, error) {
				order = append(order, a.Name())
				return a.Name(), fails[a.Name()]
			}
		}
		down := fault.New(fault.Unavailable, "down").WithStarted(fault.StartedNo)
		names := []string{"bridge_mock", "mock"}
		out, err := adapter.ExecuteWithFallback(t.Context(), f, names, failing(map[string]error{"bridge_mock": down}), adapter.ExecuteOptions{Layer: adapter.Layer3})
		if err != nil || out != "mock" || len(order) != 5 {
			t.Errorf("%q, %v, in the order %v", out, err, order)
		}
		began := time.Now()
		_, err = adapter.ExecuteWithFallback(t.Context(), f, names, failing(map[string]error{"bridge_mock": down, "mock": down}), adapter.ExecuteOptions{Layer: adapter.Layer3})
		if e := asError(t, err); e.Type != adapter.AllFailed || !strings.Contains(e.Message, "All adapters failed") || len(order) != 8 {
			t.Errorf("%v, in the order %v", err, order)
		}
		if took := time.Since(began); took != 2*600*time.Millisecond {
			t.Errorf("took %s", took)
		}
		own := fault.New(fault.ProgramError, "boom").WithStarted(fault.StartedYes)
		_, err = adapter.ExecuteWithFallback(t.Context(), f, names, failing(map[string]error{"bridge_mock": own}), adapter.ExecuteOptions{})
		if !errors.Is(err, own) || len(order) != 1 {
			t.Errorf("a program's own error went on to another adapter: %v, %v", err, order)
		}
		bad := fault.New(fault.InvalidArgument, "input.x: no").WithStarted(fault.StartedNo)
		_, err = adapter.ExecuteWithFallback(t.Context(), f, names, failing(map[string]error{"bridge_mock": bad}), adapter.ExecuteOptions{})
		if !errors.Is(err, bad) || len(order) != 1 {
			t.Errorf("a bad request went on to another adapter: %v, %v", err, order)
		}
		if out, err := adapter.ExecuteWithFallback(t.Context(), f, []string{"nobody", "mock"}, healthy, adapter.ExecuteOptions{}); err != nil || out != "ok" {
			t.Errorf("%q, %v", out, err)
		}
		if _, err := adapter.ExecuteWithFallback(t.Context(), f, nil, healthy, adapter.ExecuteOptions{}); err == nil {
			t.Error("nobody served, and no error")
		}
	})
}

// CHK-55, CHK-69
func temporarySignature(t *testing.T, tr tier, a *adapter.Local) {
	a, f := tr.fresh(t, a), mocked(t, "")
	sig, err := signature.Parse("question: str, n: int -> answer: str")
	if err != nil {
		t.Fatal(err)
	}
	options := adapter.ExecuteOptions{Layer: tr.layer}
	out, err := f.ExecuteSignature(bounded(t), a, sig, json.RawMessage(`{"question":"q","n":1}`), options)
	if err != nil || decoded(t, out)["answer"] == nil {
		t.Fatalf("%s, %v", out, err)
	}
	for inputs, says := range map[string]string{
		`{"n":1}`:                         "Missing required input: question",
		`{"question":1,"n":"x"}`:          "Invalid input for question: ",
		`{"question":"q","n":1,"m":true}`: "m",
		`[]`:                              "object",
	} {
		_, err := f.ExecuteSignature(bounded(t), a, sig, json.RawMessage(inputs), options)
		if e := asError(t, err); e.Type != adapter.ValidationFailed || !strings.Contains(e.Message, says) {
			t.Errorf("%s: %v, want it to say %s", inputs, err, says)
		}
	}
	_, err = f.ExecuteSignature(bounded(t), a, nil, nil, options)
	if e := asError(t, err); !strings.Contains(e.Message, "Program signature is required") {
		t.Errorf("%v", err)
	}
	if ids, err := a.ListPrograms(bounded(t)); err != nil || len(ids) != 0 {
		t.Errorf("left behind: %v, %v", ids, err)
	}
}

// CHK-69
func TestATemporaryProgramIsDeletedWhenTheCallFails(t *testing.T) {
	t.Parallel()
	m, err := dspool.NewMock(dspool.MockConfig{})
	if err != nil {
		t.Fatal(err)
	}
	a, err := adapter.Over(adapter.Mock, m)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := signature.Parse("q: str -> a: str")
	if err != nil {
		t.Fatal(err)
	}
	for name, inject := range map[string]dspool.MockFault{
		"an error": {Command: "execute_program", Times: 1}, "a lost worker": {Command: "execute_program", Code: fault.WorkerCrashed, Started: fault.StartedYes, Times: 1},
	} {
		if _, err := m.Inject(inject); err != nil {
			t.Fatal(err)
		}
		if _, err := mocked(t, "").ExecuteSignature(t.Context(), a, sig, json.RawMessage(`{"q":"x"}`), adapter.ExecuteOptions{Layer: adapter.Layer1}); err == nil {
			t.Errorf("%s: no error", name)
		}
		if ids, err := a.ListPrograms(t.Context()); err != nil || len(ids) != 0 {
			t.Errorf("%s: left behind: %v, %v", name, ids, err)
		}
	}
}
