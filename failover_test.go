package dspool

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/catalog"
	"github.com/dspool/dspool/lm"
)

// to is a list of language models to fall back to.
func to(names ...string) []Failover {
	list := make([]Failover, len(names))
	for i, name := range names {
		list[i].LM = name
	}
	return list
}

func TestWhatFallsBackToWhatIsChecked(t *testing.T) {
	t.Parallel()
	model := func(fallback ...Failover) LM { return LM{Model: "openai/m", Fallback: fallback} }
	crowd := map[string]LM{}
	for i := range 12 {
		var later []string
		for j := i + 1; j < 12; j++ {
			later = append(later, fmt.Sprint("n", j))
		}
		crowd[fmt.Sprint("n", i)] = model(to(later...)...)
	}
	tests := map[string]struct {
		config Config
		says   []string
	}{
		"a chain": {Config{LM: model(to("a", "b")...), LMs: map[string]LM{"a": model(to("b")...), "b": model()}}, nil},
		"nobody":  {Config{LM: model(to("a")...)}, []string{`Config.LM.Fallback[0].LM: there is no language model named "a"`}},
		"no name": {Config{LM: model(Failover{})}, []string{`Config.LM.Fallback[0].LM: must name`}},
		"itself": {
			Config{LMs: map[string]LM{"a": model(to("a")...)}},
			[]string{`Config.LMs["a"].Fallback[0].LM: leads back to itself: "a" -> "a"`},
		},
		"in a circle": {
			Config{LM: model(to("a")...), LMs: map[string]LM{"a": model(to("b")...), "b": model(to("a")...)}},
			[]string{`Config.LMs["a"].Fallback[0].LM: leads back to itself: "a" -> "b" -> "a"`, `Config.LMs["b"].Fallback[0].LM`},
		},
		"a direct one": {
			Config{LM: model(to("a")...), LMs: map[string]LM{"a": {Model: "openai/m", Direct: true}}},
			[]string{`Config.LM.Fallback[0].LM: workers ask "a" by themselves`},
		},
		"from a direct one": {
			Config{LM: LM{Model: "openai/m", Direct: true, Fallback: to("a")}, LMs: map[string]LM{"a": model()}},
			[]string{`Config.LM.Fallback: only an LM that the host asks`},
		},
		"for what is no failure of theirs": {
			Config{LM: model(Failover{LM: "a", On: []fault.Code{fault.LMTimeout, fault.Canceled, "lm_x"}}), LMs: map[string]LM{"a": model()}},
			[]string{`Config.LM.Fallback[0].On[1]: must be a failure of a language model`, `On[2]`},
		},
		"for nothing": {
			Config{LM: model(Failover{LM: "a", On: []fault.Code{}}), LMs: map[string]LM{"a": model()}},
			[]string{`Config.LM.Fallback[0].On: must name at least one`},
		},
		"too many": {Config{LMs: crowd}, []string{`Config.LMs["n0"].Fallback: leads to more than 64`}},
	}
	for name, tt := range tests {
		err := tt.config.Validate()
		if (err == nil) != (tt.says == nil) {
			t.Errorf("%s: %v", name, err)
		}
		for _, says := range tt.says {
			if !strings.Contains(fmt.Sprint(err), says) {
				t.Errorf("%s: %v, want %q", name, err, says)
			}
		}
	}
}

// testTable is a table of language models and what workers see of it.
type testTable struct {
	*lmTable
	t    *testing.T
	defs *catalog.Catalog
}

func newTestTable(t *testing.T, c Config) testTable {
	t.Helper()
	egress, err := lm.New(lm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defs := catalog.New(100)
	table, err := newLMTable(c, defs, egress)
	if err != nil {
		t.Fatal(err)
	}
	return testTable{table, t, defs}
}

// shape shows a definition as "model(on: fallback, ...)".
func (t testTable) shape(name string) string {
	t.t.Helper()
	hash, err := t.choose(&Request{LM: name, Program: &Spec{}}, nil)
	if err != nil {
		return err.Error()
	}
	raw, there := t.defs.Resolve(lmKind, hash)
	if !there {
		t.t.Fatalf("no definition of %q", name)
	}
	var d lmDefinition
	if err := json.Unmarshal(raw, &d); err != nil {
		t.t.Fatal(err)
	}
	return shapeOf(d)
}

func shapeOf(d lmDefinition) string {
	var parts []string
	for _, f := range d.Fallback {
		parts = append(parts, fmt.Sprintf("%d: %s", len(f.On), shapeOf(f.LM)))
	}
	return strings.TrimPrefix(d.Model, "openai/") + "(" + strings.Join(parts, ", ") + ")"
}

func TestADefinitionHoldsWhatItFallsBackTo(t *testing.T) {
	t.Parallel()
	model := func(name string, fallback ...Failover) LM {
		return LM{Model: "openai/" + name, APIKey: "a-secret-key", Fallback: fallback}
	}
	table := newTestTable(t, Config{
		LM:  model("m", Failover{LM: "a"}, Failover{LM: "b", On: []fault.Code{fault.LMContextWindow}}),
		LMs: map[string]LM{"a": model("a", to("b")...), "b": model("b")},
	})
	want := func(name, shape string) {
		t.Helper()
		if got := table.shape(name); got != shape {
			t.Errorf("%q is %s, want %s", name, got, shape)
		}
	}
	want("", "m(6: a(6: b()), 1: b())")
	want("a", "a(6: b())")
	before, _ := table.choose(&Request{LM: "", Program: &Spec{}}, nil)
	if err := table.set("b", model("new")); err != nil {
		t.Fatal(err)
	}
	want("", "m(6: a(6: new()), 1: new())")
	if after, _ := table.choose(&Request{LM: "", Program: &Spec{}}, nil); after == before {
		t.Error("another definition has the same hash")
	}
	if _, there := table.defs.Resolve(lmKind, before); !there {
		t.Error("calls in flight have lost their definition")
	}
	if err := table.set("b", model("b", to("a")...)); fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), `LM.Fallback[0].LM: leads back to itself: "b" -> "a" -> "b"`) {
		t.Errorf("a circle: %v", err)
	}
	table.forget("b")
	want("", "m(6: a())")
	want("b", fmt.Sprint(table.view.Load().unknown("b", nil)))
	if err := table.set("b", model("b")); err != nil {
		t.Fatal(err)
	}
	want("", "m(6: a(6: b()), 1: b())")
}

func TestTheDefaultFailuresAreThoseOfTheProvider(t *testing.T) {
	t.Parallel()
	for _, code := range fault.Codes() {
		got := slices.Contains(Failover{}.failures(), code)
		switch code {
		case fault.LMTransport, fault.LMTimeout, fault.LMServer, fault.LMRateLimit, fault.LMBilling, fault.LMAuth:
			if !got {
				t.Errorf("%s is none", code)
			}
		default:
			if got {
				t.Errorf("%s is one", code)
			}
		}
	}
}
