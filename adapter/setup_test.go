package adapter_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// limit is how long any one test may take.
const limit = 2 * time.Minute

func bounded(t testing.TB) context.Context {
	t.Helper()
	return testkit.Context(t, limit)
}

// A tier is one way to run programs.
type tier struct {
	kind  adapter.Kind
	layer adapter.Layer
	// open returns an adapter over a Backend with so many workers, where it has
	// workers at all. It has a language model.
	open func(t testing.TB, workers int) *adapter.Local
}

func tiers() map[string]tier {
	return map[string]tier{
		"mock":        {adapter.Mock, adapter.Layer1, openMock},
		"wire mock":   {adapter.WireMock, adapter.Layer2, openWire},
		"python port": {adapter.Port, adapter.Layer3, openPort},
		"python pool": {adapter.Pool, adapter.Production, openPool},
	}
}

// fresh returns an adapter over the same Backend that knows no programs yet.
func (tr tier) fresh(t testing.TB, a *adapter.Local) *adapter.Local {
	t.Helper()
	again, err := adapter.Over(tr.kind, a.Backend())
	if err != nil {
		t.Fatal(err)
	}
	return again
}

// TestTiers runs what every tier promises on the mock, the wire mock and real
// Python: what can be tested at the same time, then the rest, one after the
// other, on one Backend. The last one stops it.
func TestTiers(t *testing.T) {
	t.Parallel()
	together := map[string]func(*testing.T, tier, *adapter.Local){
		"CHK-01 blocking operations":          blocking,
		"CHK-02 session isolation":            isolation,
		"CHK-03 errors do not affect others":  mixed,
		"CHK-04, CHK-14 health":               healthOfThisOne,
		"CHK-05 language model":               languageModel,
		"CHK-08, CHK-09 create and execute":   answers,
		"CHK-10 complex signatures":           complexSignature,
		"CHK-11 listing":                      listing,
		"the contract":                        contract,
		"a signature as a temporary program":  temporarySignature,
		"whatever comes, there is one answer": handleEverything,
	}
	alone := []struct {
		name string
		run  func(*testing.T, tier, *adapter.Local)
	}{
		{"gemini programs", geminiPrograms},
		{"configure_lm", configureLM},
		{"the bridge comes back", comesBack},
		{"commands, shutdown last", allCommands}, // CHK-06
	}
	for name, tr := range tiers() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := tr.open(t, 2)
			t.Run("together", func(t *testing.T) {
				for name, test := range together {
					t.Run(name, func(t *testing.T) {
						t.Parallel()
						test(t, tr, a)
					})
				}
			})
			for _, test := range alone {
				t.Run(test.name, func(t *testing.T) { test.run(t, tr, a) }) //nolint:paralleltest // they share the Backend
			}
		})
	}
}

func started(t testing.TB, kind adapter.Kind, b adapter.Backend, err error) *adapter.Local {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		if err := b.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
	a, err := adapter.Over(kind, b)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func openMock(t testing.TB, _ int) *adapter.Local {
	t.Helper()
	m, err := dspool.NewMock(dspool.MockConfig{})
	return started(t, adapter.Mock, m, err)
}

func openWire(t testing.TB, workers int) *adapter.Local {
	t.Helper()
	p, err := dspool.New(dspool.Config{Command: testkit.Worker(t), Workers: workers})
	return started(t, adapter.WireMock, p, err)
}

func openPort(t testing.TB, _ int) *adapter.Local {
	t.Helper()
	testkit.Require(t, "dspy")
	s, err := dspool.NewSingle(dspool.Config{Python: testkit.Python(t), LM: practice(t)})
	return started(t, adapter.Port, s, err)
}

func openPool(t testing.TB, workers int) *adapter.Local {
	t.Helper()
	testkit.Require(t, "dspy")
	p, err := dspool.New(dspool.Config{Python: testkit.Python(t), Workers: workers, LM: practice(t)})
	return started(t, adapter.Pool, p, err)
}

// practice starts a practice language model that ends with the test.
func practice(t testing.TB) dspool.LM {
	t.Helper()
	lm := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := lm.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lm.Close() })
	return dspool.LM{Model: "openai/practice", APIBase: lm.URL(), APIKey: "practice-key"}
}

// program parses the arguments of create_program.
func program(t testing.TB, args string) adapter.Program {
	t.Helper()
	p, err := adapter.ParseProgram(json.RawMessage(args))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

const simple = `{"signature":{"inputs":[{"name":"text","type":"string"}],"outputs":[{"name":"result","type":"string"}]}}`

// wantFault checks an error's code and what its message says.
func wantFault(t testing.TB, err error, code fault.Code, says ...string) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Fatalf("error %v, want the code %s", err, code)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%v\nwant it to say: %s", err, s)
		}
	}
}

// environment is a Getenv over a map.
func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i+1 < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// decoded reads a JSON object.
func decoded(t testing.TB, raw json.RawMessage) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
	return m
}

// run executes a command that has to succeed.
func run(t testing.TB, c *adapter.Commands, command, args string) map[string]any {
	t.Helper()
	raw, err := c.Execute(bounded(t), command, json.RawMessage(args))
	if err != nil {
		t.Fatalf("%s(%s): %v", command, args, err)
	}
	return decoded(t, raw)
}
