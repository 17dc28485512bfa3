package dspool_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

func TestAProgramSurvivesTheWayThroughJSON(t *testing.T) {
	t.Parallel()
	type item struct {
		Zeta  string   `json:"zeta"`
		Alpha []string `json:"alpha,omitempty"`
	}
	type in struct {
		Text string         `json:"text" dspool:"desc=what to read"`
		By   map[string]int `json:"by,omitempty"`
	}
	type out struct {
		Items []item  `json:"found"`
		Score float64 `json:"score" dspool:"min=0,max=1"`
	}
	module, err := dspool.NewModule("pkg.mod:Class", "text: str -> label: str", dspool.Named("mine"), dspool.Exclusive())
	wantNoError(t, err)
	for name, spec := range map[string]*dspool.Spec{
		"predict": predict(t, "question: str, n: int -> answer: str, tags: list[str]", dspool.WithLM("big"), dspool.Idempotent(),
			dspool.WithTemperature(0.5), dspool.WithOption("seed", int64(1)<<60), dspool.WithAdapter("json"),
			dspool.WithDemos(dspool.Demo{Input: map[string]any{"n": 2, "question": "?"}, Output: map[string]any{"answer": "!"}})),
		"typed":   dspool.ChainOfThought[in, out]("Read.", dspool.Named("reader")).Spec(),
		"history": predict(t, "history: dspy.History, question: str -> answer: str"),
		"func":    mock(t, "echo"),
		"module":  module,
	} {
		want, hash, err := spec.Definition()
		wantNoError(t, err)
		raw, err := json.Marshal(spec)
		wantNoError(t, err)
		var read dspool.Spec
		wantNoError(t, json.Unmarshal(raw, &read))
		got, gotHash, err := read.Definition()
		wantNoError(t, err)
		if !bytes.Equal(got, want) || gotHash != hash {
			t.Errorf("%s: the definition became\n%s\nfrom\n%s", name, got, want)
		}
		if read.LM != spec.LM || read.Idempotent != spec.Idempotent || read.Name != spec.Name || read.Instructions != spec.Instructions {
			t.Errorf("%s: read %+v", name, &read)
		}
		again, err := json.Marshal(&read)
		if err != nil || !bytes.Equal(again, raw) {
			t.Errorf("%s: encodes to\n%s, %v, and before to\n%s", name, again, err, raw)
		}
	}
}

func TestAProgramWithUnknownMembersIsNotRead(t *testing.T) {
	t.Parallel()
	var spec dspool.Spec
	err := json.Unmarshal([]byte(`{"kind":"func","ref":"a:b","sandbox":true}`), &spec)
	wantFault(t, err, fault.InvalidArgument, "sandbox")
	if _, err := json.Marshal(&dspool.Spec{Kind: "what"}); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("an unusable program encodes: %v", err)
	}
}
