package dspool_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
	"sync"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// The bytes are what workers in every process agree on: a change here changes
// the hash of every program.
func TestDefinitionIsCanonical(t *testing.T) {
	t.Parallel()
	spec, err := dspool.NewChainOfThought("question: str, k: int -> answer: str, score: probability", "Be short.",
		dspool.WithTemperature(0.5), dspool.WithMaxTokens(100), dspool.WithLM("big"), dspool.Idempotent(),
		dspool.WithDemos(dspool.Demo{Input: map[string]any{"question": "q"}, Output: map[string]any{"score": 1, "answer": "a"}}))
	if err != nil {
		t.Fatal(err)
	}
	raw, hash, err := spec.Definition()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"kind":"chain_of_thought","signature":{"name":"Signature","instructions":"Be short.",` +
		`"inputs":[{"name":"question","schema":{"type":"string"},"required":true},{"name":"k","schema":{"type":"integer"},"required":true}],` +
		`"outputs":[{"name":"answer","schema":{"type":"string"},"required":true},` +
		`{"name":"score","schema":{"type":"number","minimum":0,"maximum":1},"required":true}]},` +
		`"demos":[{"question":"q","answer":"a","score":1}],"options":{"max_tokens":100,"temperature":0.5}}`
	if string(raw) != want {
		t.Errorf("definition\n got %s\nwant %s", raw, want)
	}
	sum := sha256.Sum256([]byte(want))
	if hash != hex.EncodeToString(sum[:])[:32] {
		t.Errorf("hash is %s", hash)
	}
}

func TestFunctionsAndModulesAreDefinedByReference(t *testing.T) {
	t.Parallel()
	fn, err := dspool.NewFunc("pkg.mod:outer.inner", dspool.Exclusive(), dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	module, err := dspool.NewModule("pkg.mod:Class", "items: list[str] -> items_found: int", dspool.Named("finder"), dspool.WithAdapter("json"))
	if err != nil {
		t.Fatal(err)
	}
	bare, err := dspool.NewModule("pkg.mod:Class", "")
	if err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[*dspool.Spec]string{
		fn:   `{"kind":"func","ref":"pkg.mod:outer.inner","exclusive":true}`,
		bare: `{"kind":"module","ref":"pkg.mod:Class"}`,
		module: `{"kind":"module","ref":"pkg.mod:Class","signature":{"name":"finder","instructions":"",` +
			`"inputs":[{"name":"items","schema":{"type":"array","items":{"type":"string"}},"required":true}],` +
			`"outputs":[{"name":"items_found","schema":{"type":"integer"},"required":true}]},"adapter":"json"}`,
	} {
		if raw, _, err := spec.Definition(); err != nil || string(raw) != want {
			t.Errorf("%s, %v\nwant %s", raw, err, want)
		}
	}
	if module.String() != "finder" || fn.String() != "pkg.mod:outer.inner" {
		t.Errorf("%s, %s", module, fn)
	}
}

func TestWhatOnlyTheHostNeedsIsNotInTheHash(t *testing.T) {
	t.Parallel()
	hash := func(opts ...dspool.CodeOption) string {
		spec, err := dspool.NewFunc("m:f", opts...)
		if err != nil {
			t.Fatal(err)
		}
		_, hash, err := spec.Definition()
		if err != nil {
			t.Fatal(err)
		}
		return hash
	}
	if hash() != hash(dspool.Idempotent(), dspool.WithLM("x"), dspool.Named("y")) {
		t.Error("idempotent, the language model or a function's name changed the hash")
	}
	if hash() == hash(dspool.Exclusive()) {
		t.Error("exclusive did not change the hash")
	}
}

func TestADefinitionIsComputedOnceForAll(t *testing.T) {
	t.Parallel()
	spec := &dspool.Spec{Kind: dspool.KindFunc, Ref: "m:f"}
	var wg sync.WaitGroup
	got := make([]*byte, 16)
	for i := range got {
		wg.Go(func() {
			raw, _, err := spec.Definition()
			if err == nil {
				got[i] = &raw[0]
			}
		})
	}
	wg.Wait()
	for _, p := range got {
		if p == nil || p != got[0] {
			t.Fatal("the bytes are not shared")
		}
	}
}

func TestUnusableSpecsSayWhy(t *testing.T) {
	t.Parallel()
	sig := func(text string) *signature.Signature {
		s, err := signature.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	cases := []struct {
		name string
		spec *dspool.Spec
		want string
	}{
		{"no program", nil, "the request names no program"},
		{"no kind", &dspool.Spec{}, `no program of kind ""; kinds are [predict`},
		{"no signature", &dspool.Spec{Kind: dspool.KindPredict}, "needs a signature"},
		{"no reference", &dspool.Spec{Kind: dspool.KindFunc}, `the reference "" does not name Python code: write it as "package.module:function"`},
		{"a file", &dspool.Spec{Kind: dspool.KindModule, Ref: "dir/mod.py:Class"}, `names a file: name the module, as in "dir.mod:Class"`},
		{"a reference that is no name", &dspool.Spec{Kind: dspool.KindModule, Ref: "mod:Class()"}, `write it as "package.module:Class"`},
		{"a reference too many", &dspool.Spec{Kind: dspool.KindPredict, Ref: "m:f", Signature: sig("a -> b")}, `takes no reference`},
		{"an input that the kind adds", &dspool.Spec{Kind: dspool.KindChainOfThought, Signature: sig("reasoning -> b")}, `input "reasoning" collides`},
		{"reasoning that is no text", &dspool.Spec{Kind: dspool.KindChainOfThought, Signature: sig("a -> b, reasoning: int")}, `declare it as str`},
		{"nothing but reasoning", &dspool.Spec{Kind: dspool.KindChainOfThought, Signature: sig("a -> reasoning")}, "has no outputs"},
		{"a name of ReAct's", &dspool.Spec{Kind: dspool.KindReAct, Signature: sig("a -> next_thought")}, "dspy.ReAct uses for itself"},
		{"demos for a function", &dspool.Spec{Kind: dspool.KindFunc, Ref: "m:f", Demos: []dspool.Demo{{}}}, "takes no demos"},
		{"a demo that is no object", &dspool.Spec{Kind: dspool.KindPredict, Signature: sig("a -> b"), Demos: []dspool.Demo{{Input: 5}}}, "demo 1: inputs and outputs are objects"},
		{"a demo of unknown fields", &dspool.Spec{Kind: dspool.KindPredict, Signature: sig("a -> b"), Demos: []dspool.Demo{{}, {Input: map[string]string{"c": ""}}}}, "demo 2: input.c: unknown; known are a, b"},
		{"a schema that cannot be checked", &dspool.Spec{Kind: dspool.KindModule, Ref: "m:C", Signature: &signature.Signature{
			Inputs:  []signature.Field{{Name: "a", Schema: &jsonschema.Schema{Pattern: "("}}},
			Outputs: []signature.Field{signature.AnyField("b")},
		}}, `the pattern "("`},
		{"several", &dspool.Spec{Kind: dspool.KindFunc, Adapter: "x"}, `write it as "package.module:function"; there is no adapter "x"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			wantFault(t, c.spec.Validate(), fault.InvalidArgument, c.want)
			_, err := c.spec.CheckInput(json.RawMessage(`{}`))
			wantFault(t, err, fault.InvalidArgument, c.want)
			_, err = c.spec.CheckOutput(json.RawMessage(`{}`))
			wantFault(t, err, fault.InvalidArgument, c.want)
		})
	}
}

func TestSpecsCheckInputsAndOutputs(t *testing.T) {
	t.Parallel()
	spec, err := dspool.NewChainOfThought("a: str, b: bytes, n: Optional[int] -> c: int", "")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := spec.CheckInput(json.RawMessage(`{"a":"x"}`), "b"); err != nil || string(out) != `{"a":"x"}` {
		t.Errorf("%s, %v", out, err)
	}
	_, err = spec.CheckInput(nil)
	wantFault(t, err, fault.InvalidArgument, "2 problems with the input: input.a: missing; input.b: missing")
	if got := fault.From(err).Details; got["input.a"] != "missing" || len(got) != 2 {
		t.Errorf("details %v", got)
	}
	if out, err := spec.CheckOutput(json.RawMessage(`{"c":42.0,"reasoning":"so"}`)); err != nil || string(out) != `{"c":42,"reasoning":"so"}` {
		t.Errorf("%s, %v", out, err)
	}
	_, err = spec.CheckOutput(json.RawMessage(`{"c":1,"more":1}`))
	wantFault(t, err, fault.OutputInvalid, "output.more: unknown; known are c, reasoning")

	free, err := dspool.NewFunc("m:f")
	if err != nil {
		t.Fatal(err)
	}
	raw := json.RawMessage(`not even JSON`)
	if out, err := free.CheckInput(raw); err != nil || &out[0] != &raw[0] {
		t.Error("a function without a signature was checked")
	}
}

func TestErrorsOfManyViolationsStayShort(t *testing.T) {
	t.Parallel()
	spec, err := dspool.NewPredict("a: list[int] -> b", "")
	if err != nil {
		t.Fatal(err)
	}
	_, err = spec.CheckInput(json.RawMessage(`{"a":[` + strings.Repeat(`"x",`, 10000) + `1]}`))
	wantFault(t, err, fault.InvalidArgument, "10000 problems with the input", "and 9992 more")
	if n := len(err.Error()); n > 2000 {
		t.Errorf("the message has %d bytes", n)
	}
}

func TestSharedOptionsAreNotChanged(t *testing.T) {
	t.Parallel()
	opt := dspool.WithOption("top_p", 0.5)
	first, err := dspool.NewPredict("a -> b", "", opt, dspool.WithTemperature(1))
	if err != nil {
		t.Fatal(err)
	}
	second, err := dspool.NewPredict("a -> b", "", opt)
	if err != nil || len(first.Options) != 2 || len(second.Options) != 1 {
		t.Errorf("%v, %v, %v", first.Options, second.Options, err)
	}
}
