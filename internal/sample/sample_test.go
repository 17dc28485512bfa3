package sample_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/internal/sample"
	"github.com/dspool/dspool/signature"
)

func object(t testing.TB, sig *signature.Signature, seed uint64) json.RawMessage {
	t.Helper()
	m := sample.Maker{Prefix: "mock_response", Seed: seed, Defs: sig.Defs}
	out := map[string]json.RawMessage{}
	for _, f := range sig.Outputs {
		v, err := m.Value(f.Name, f.Schema)
		if err != nil {
			t.Fatal(err)
		}
		out[f.Name] = v
	}
	raw, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// CHK-76, CHK-81
func TestValuesHaveTheirTypes(t *testing.T) {
	t.Parallel()
	for _, typ := range []string{
		"str", "int", "float", "bool", "bytes", "Any", "None", "datetime", "date", "time", "UUID", "Decimal", "dspy.Image",
		"list", "list[str]", "list[list[int]]", "set[int]", "set[Literal['a','b']]", "tuple[int, str]", "tuple[float, ...]",
		"dict[str, int]", "dict[int, float]", "dict[Literal['a','b'], bool]", "List[Dict[str, float]]",
		"Optional[int]", "int | str | None", "Union[list[str], dict[str, bool]]", "Literal['a', 'b', 3]",
		"string", "integer", "boolean", "any", "map", "atom", "embedding", "probability", "confidence_score",
		"reasoning_chain", "list(string)", "dict(string, float)", "union([string, integer])",
	} {
		t.Run(typ, func(t *testing.T) {
			t.Parallel()
			sig, err := signature.Parse("q: str -> out: " + typ)
			if err != nil {
				t.Fatal(err)
			}
			for seed := range uint64(50) {
				if raw := object(t, sig, sample.Mix(seed)); !holds(sig, raw) {
					t.Errorf("seed %d: %s", seed, raw)
				}
			}
		})
	}
}

func holds(sig *signature.Signature, raw json.RawMessage) bool {
	_, err := sig.CheckOutput(raw)
	return err == nil
}

func schemas() map[string]string {
	return map[string]string{
		"bounds":             `{"type":"integer","minimum":5,"exclusiveMaximum":7}`,
		"exclusive fraction": `{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.0001}`,
		"one point":          `{"type":"number","minimum":2.5,"maximum":2.5}`,
		"below zero":         `{"type":"number","maximum":-1000000}`,
		"far above":          `{"type":"integer","minimum":9007199254740993}`,
		"multiple":           `{"type":"number","multipleOf":0.05,"minimum":1,"maximum":2}`,
		"whole multiple":     `{"type":"integer","multipleOf":7,"minimum":100}`,
		"odd multiple":       `{"type":"integer","multipleOf":1.5}`,
		"short":              `{"type":"string","maxLength":3}`,
		"long":               `{"type":"string","minLength":200}`,
		"empty":              `{"type":"string","maxLength":0}`,
		"pattern":            `{"type":"string","pattern":"^[A-Z]{2}-[0-9]{4}(x|y)?$"}`,
		"pattern and length": `{"type":"string","pattern":"^[a-z]+$","minLength":20,"maxLength":20}`,
		"uuid":               `{"type":"string","format":"uuid"}`,
		"items":              `{"type":"array","items":{"type":"integer","minimum":0,"maximum":9},"minItems":8,"maxItems":8,"uniqueItems":true}`,
		"no items":           `{"type":"array","maxItems":0}`,
		"object":             `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["b"],"additionalProperties":false}`,
		"required unknown":   `{"type":"object","required":["x"]}`,
		"few members":        `{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"string"}},"required":["b"],"maxProperties":1}`,
		"many members":       `{"type":"object","minProperties":4,"additionalProperties":{"type":"integer"}}`,
		"all of":             `{"allOf":[{"type":"integer","minimum":3},{"maximum":4}]}`,
		"one of":             `{"oneOf":[{"type":"string","maxLength":2},{"type":"integer"}]}`,
		"union of limits":    `{"type":"integer","anyOf":[{"minimum":10},{"maximum":-10}]}`,
		"several types":      `{"type":["null","boolean"]}`,
		"enum":               `{"enum":[1,"two",null]}`,
		"enum and reference": `{"$ref":"#/$defs/colour"}`,
		"tree":               `{"$ref":"#/$defs/tree"}`,
		"chain":              `{"$ref":"#/$defs/chain"}`,
		"const":              `{"const":"fixed"}`,
	}
}

// CHK-76
func TestValuesKeepTheLimits(t *testing.T) {
	t.Parallel()
	var defs map[string]*jsonschema.Schema
	if err := json.Unmarshal([]byte(`{
		"colour":{"type":"string","enum":["red","green"]},
		"tree":{"type":"object","properties":{"v":{"type":"integer"},"children":{"type":"array","items":{"$ref":"#/$defs/tree"}}},"required":["v","children"]},
		"chain":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/chain"},{"type":"null"}]}},"required":["next"]}
	}`), &defs); err != nil {
		t.Fatal(err)
	}
	for name, source := range schemas() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s jsonschema.Schema
			if err := json.Unmarshal([]byte(source), &s); err != nil {
				t.Fatal(err)
			}
			field := signature.Field{Name: "out", Schema: &s, Required: true}
			sig := &signature.Signature{Outputs: []signature.Field{field}, Defs: defs}
			for seed := range uint64(50) {
				raw := object(t, sig, sample.Mix(seed))
				if _, err := sig.CheckOutput(raw); err != nil {
					t.Fatalf("seed %d: %s: %v", seed, raw, err)
				}
			}
		})
	}
}

// CHK-76
func TestPlainValuesHaveRecognisableShapes(t *testing.T) {
	t.Parallel()
	sig, err := signature.Parse("q: str -> answer: str, n: int, x: float")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for seed := range uint64(10) {
		var out struct {
			Answer string
			N      int
			X      float64
		}
		raw := object(t, sig, sample.Mix(seed))
		if err := json.Unmarshal(raw, &out); err != nil {
			t.Fatal(err)
		}
		seen[out.Answer] = true
		if !strings.HasPrefix(out.Answer, "mock_response_answer_") || out.N < 0 || out.N > 999 || out.X < 0 || out.X > 99.9 {
			t.Errorf("made %s", raw)
		}
		if again := object(t, sig, sample.Mix(seed)); string(again) != string(raw) {
			t.Errorf("%s, then %s", raw, again)
		}
	}
	if len(seen) != 10 {
		t.Errorf("%d different answers to 10 different inputs", len(seen))
	}
}

// A schema that cannot be met, or that never ends, does not hang or panic.
func FuzzValue(f *testing.F) {
	for _, source := range schemas() {
		f.Add([]byte(source), uint64(1))
	}
	f.Add([]byte(`{"type":"integer","minimum":3,"maximum":1}`), uint64(2))
	f.Add([]byte(`{"type":"array","minItems":1000000000,"items":{"$ref":"#/$defs/x"}}`), uint64(3))
	f.Add([]byte(`{"$ref":"#/$defs/self"}`), uint64(3))
	f.Fuzz(func(t *testing.T, source []byte, seed uint64) {
		var s jsonschema.Schema
		if json.Unmarshal(source, &s) != nil {
			t.Skip()
		}
		m := sample.Maker{Seed: seed, Defs: map[string]*jsonschema.Schema{
			"x": &s, "self": {Type: "object", Required: []string{"a"}, Properties: map[string]*jsonschema.Schema{"a": {Ref: "#/$defs/self"}}},
		}}
		first, err := m.Value("f", &s)
		if again, _ := m.Value("f", &s); err == nil && string(again) != string(first) {
			t.Errorf("%s, then %s", first, again)
		}
	})
}
