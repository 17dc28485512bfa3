package signature_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

func document(t *testing.T, sig *signature.Signature, p signature.Provider, part signature.Part) string {
	t.Helper()
	got, err := sig.JSONSchema(p, part)
	if err != nil {
		t.Fatal(err)
	}
	if got.Provider != p {
		t.Errorf("provider %q", got.Provider)
	}
	return string(got.Document)
}

// CHK-112.
func TestTheUsualDocumentOfEachProvider(t *testing.T) {
	t.Parallel()
	sig := fromJSON(t, `{"name":"QA","inputs":[{"name":"question","type":"string","min_length":3,"description":"what"}],
		"outputs":[{"name":"score","type":"probability"},{"name":"note","type":"string","optional":true}]}`)
	for provider, want := range map[signature.Provider]string{
		signature.OpenAI: `{"type":"object","description":"QA signature: question: string -> score: probability, note: string","properties":{
			"question":{"type":"string","description":"what (minLength: 3)"},"score":{"type":"number","minimum":0,"maximum":1},
			"note":{"anyOf":[{"type":"string"},{"type":"null"}]}},"required":["question","score","note"],"additionalProperties":false}`,
		signature.Anthropic: `{"name":"QA","description":"QA signature: question: string -> score: probability, note: string",
			"input_schema":{"type":"object","properties":{"question":{"type":"string","description":"what (minLength: 3)"}},"required":["question"],"additionalProperties":false}}`,
		signature.Gemini: `{"type":"OBJECT","description":"QA signature: question: string -> score: probability, note: string","properties":{
			"score":{"type":"NUMBER","minimum":0,"maximum":1},"note":{"type":"STRING"}},"propertyOrdering":["score","note"],"required":["score"]}`,
		signature.Generic: `{"$schema":"https://json-schema.org/draft/2020-12/schema","title":"QA","description":"QA signature: question: string -> score: probability, note: string",
			"type":"object","properties":{"question":{"type":"string","description":"what","minLength":3},"score":{"type":"number","minimum":0,"maximum":1},"note":{"type":"string"}},
			"required":["question","score"],"additionalProperties":false}`,
	} {
		got := document(t, sig, provider, signature.PartUsual)
		if !sameJSON(t, got, want) {
			t.Errorf("%s: %s", provider, got)
		}
		if p, err := sig.JSONSchema(provider, signature.PartUsual); err != nil || p.Loose != nil {
			t.Errorf("%s: %v, %v", provider, p, err)
		}
	}
}

func sameJSON(t *testing.T, a, b string) bool {
	t.Helper()
	var x, y any
	if err := json.Unmarshal([]byte(a), &x); err != nil {
		t.Fatalf("%s: %v", a, err)
	}
	if err := json.Unmarshal([]byte(b), &y); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return reflect.DeepEqual(x, y)
}

// CHK-112. Each type as the providers are told it.
func TestTypesInEachDialect(t *testing.T) {
	t.Parallel()
	cases := []struct{ typ, openai, anthropic, gemini string }{
		{"string", `{"type":"string"}`, `{"type":"string"}`, `{"type":"STRING"}`},
		{"integer", `{"type":"integer"}`, `{"type":"integer"}`, `{"type":"INTEGER"}`},
		{"boolean", `{"type":"boolean"}`, `{"type":"boolean"}`, `{"type":"BOOLEAN"}`},
		{"atom", `{"type":"string"}`, `{"type":"string"}`, `{"type":"STRING"}`},
		{"embedding", `{"type":"array","items":{"type":"number"}}`, `{"type":"array","items":{"type":"number"}}`, `{"type":"ARRAY","items":{"type":"NUMBER"}}`},
		{"probability", `{"type":"number","minimum":0,"maximum":1}`, `{"type":"number","description":"(minimum: 0, maximum: 1)"}`, `{"type":"NUMBER","minimum":0,"maximum":1}`},
		{"reasoning_chain", `{"type":"array","items":{"type":"string"}}`, `{"type":"array","items":{"type":"string"}}`, `{"type":"ARRAY","items":{"type":"STRING"}}`},
		{"set[str]", `{"type":"array","items":{"type":"string"},"description":"(uniqueItems: true)"}`, `{"type":"array","items":{"type":"string"},"description":"(uniqueItems: true)"}`, `{"type":"ARRAY","items":{"type":"STRING"},"description":"(uniqueItems: true)"}`},
		{
			"tuple[int, str, int]", `{"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"string"}]},"minItems":3,"maxItems":3,"description":"(in this order: int, str, int)"}`,
			`{"type":"array","items":{"anyOf":[{"type":"integer"},{"type":"string"}]},"description":"(in this order: int, str, int) (minItems: 3, maxItems: 3)"}`,
			`{"type":"ARRAY","items":{"anyOf":[{"type":"INTEGER"},{"type":"STRING"}]},"minItems":3,"maxItems":3,"description":"(in this order: int, str, int)"}`,
		},
		{"union([string, integer])", `{"anyOf":[{"type":"string"},{"type":"integer"}]}`, `{"anyOf":[{"type":"string"},{"type":"integer"}]}`, `{"anyOf":[{"type":"STRING"},{"type":"INTEGER"}]}`},
		{"Literal['a', 'b']", `{"type":"string","enum":["a","b"]}`, `{"type":"string","enum":["a","b"]}`, `{"type":"STRING","format":"enum","enum":["a","b"]}`},
		{
			"Literal['a', 1]", `{"anyOf":[{"type":"integer","enum":[1]},{"type":"string","enum":["a"]}]}`, `{"anyOf":[{"type":"integer","enum":[1]},{"type":"string","enum":["a"]}]}`,
			`{"anyOf":[{"type":"INTEGER","description":"(one of [1])"},{"type":"STRING","format":"enum","enum":["a"]}]}`,
		},
		{"datetime", `{"type":"string","format":"date-time"}`, `{"type":"string","format":"date-time"}`, `{"type":"STRING","format":"date-time"}`},
		{"date", `{"type":"string","format":"date"}`, `{"type":"string","format":"date"}`, `{"type":"STRING","description":"(format: date)"}`},
		{"bytes", `{"type":"string","description":"(contentEncoding: base64)"}`, `{"type":"string","description":"(contentEncoding: base64)"}`, `{"type":"STRING","description":"(contentEncoding: base64)"}`},
	}
	for _, c := range cases {
		t.Run(c.typ, func(t *testing.T) {
			t.Parallel()
			sig := parsed(t, "a -> v: "+c.typ)
			for provider, want := range map[signature.Provider]string{signature.OpenAI: c.openai, signature.Anthropic: c.anthropic, signature.Gemini: c.gemini} {
				var got struct {
					Properties  map[string]json.RawMessage
					InputSchema struct{ Properties map[string]json.RawMessage } `json:"input_schema"`
				}
				if err := json.Unmarshal([]byte(document(t, sig, provider, signature.PartOutputs)), &got); err != nil {
					t.Fatal(err)
				}
				raw := got.Properties["v"]
				if provider == signature.Anthropic {
					raw = got.InputSchema.Properties["v"]
				}
				if !sameJSON(t, string(raw), want) {
					t.Errorf("%s: %s", provider, raw)
				}
			}
		})
	}
}

// CHK-112. Free keys and values of any type cannot be held to strictly: OpenAI
// and Anthropic take them all the same, Gemini has no way to say them.
func TestWhatNoProviderCanHoldTo(t *testing.T) {
	t.Parallel()
	sig := parsed(t, "a -> m: map, d: dict(string, integer), x: any, l: list, i: dspy.Image")
	got, err := sig.JSONSchema(signature.OpenAI, signature.PartOutputs)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"m: an object with free keys", "d: an object with free keys", "x: a value of any type", "l[]: a value of any type", "i: dspy.Image is a type of DSPy"}
	if !slices.Equal(got.Loose, want) {
		t.Errorf("%q", got.Loose)
	}
	if !strings.Contains(string(got.Document), `"d":{"type":"object","additionalProperties":{"type":"integer"}}`) {
		t.Errorf("%s", got.Document)
	}
	_, err = sig.JSONSchema(signature.Gemini, signature.PartUsual)
	wantError(t, err, fault.InvalidArgument, append(want, "cannot be told to gemini")...)
}

// CHK-112.
func TestAnUnknownProviderIsRefused(t *testing.T) {
	t.Parallel()
	_, err := parsed(t, "a -> b").JSONSchema("bedrock", signature.PartUsual)
	wantError(t, err, fault.InvalidArgument, `unsupported provider "bedrock"; known are openai, anthropic, gemini, generic`)
}

type tree struct {
	Name     string   `json:"name"`
	Children []tree   `json:"children"`
	Weight   *float64 `json:"weight,omitempty" dspool:"gt=0"`
}

func TestDefinitions(t *testing.T) {
	t.Parallel()
	sig, err := signature.Of(reflect.TypeFor[struct {
		P point `json:"p" jsonschema:"where"`
	}](), reflect.TypeFor[struct {
		T tree `json:"t"`
	}]())
	if err != nil {
		t.Fatal(err)
	}
	got, err := sig.JSONSchema(signature.OpenAI, signature.PartOutputs)
	if err != nil || got.Loose != nil {
		t.Fatal(got, err)
	}
	const want = `{"$defs":{"tree":{"type":"object","properties":{"name":{"type":"string"},"children":{"type":"array","items":{"$ref":"#/$defs/tree"}},
		"weight":{"anyOf":[{"type":"number","exclusiveMinimum":0},{"type":"null"}]}},"required":["name","children","weight"],"additionalProperties":false}},
		"type":"object","description":"Signature signature: p: point -> t: tree","properties":{"t":{"$ref":"#/$defs/tree"}},"required":["t"],"additionalProperties":false}`
	if !sameJSON(t, string(got.Document), want) {
		t.Errorf("%s", got.Document)
	}
	if got, err = sig.JSONSchema(signature.Anthropic, signature.PartOutputs); err != nil || !slices.Equal(got.Loose, []string{"tree.children[]: tree contains itself"}) {
		t.Error(got, err)
	}
	_, err = sig.JSONSchema(signature.Gemini, signature.PartOutputs)
	wantError(t, err, fault.InvalidArgument, "t.children[]: tree contains itself")
	in := document(t, sig, signature.Gemini, signature.PartInputs)
	if !strings.Contains(in, `"x":{"type":"NUMBER"}`) || strings.Contains(in, "$ref") {
		t.Error(in)
	}
}

// What the dialects of OpenAI and Anthropic leave over is a schema by
// themselves, and every value that fits the signature fits the generic one.
func TestDocumentsAreSchemas(t *testing.T) {
	t.Parallel()
	sig := fromJSON(t, `{"inputs":[{"name":"q"}],"outputs":[{"name":"tags","type":"list(string)","min_items":1,"unique_items":true},{"name":"n","type":"Optional[int]","maximum":9}]}`)
	for _, p := range []signature.Provider{signature.OpenAI, signature.Anthropic, signature.Generic} {
		if err := signature.CheckSchema(json.RawMessage(document(t, sig, p, signature.PartAll))); err != nil {
			t.Errorf("%s: %v", p, err)
		}
		var s jsonschema.Schema
		if err := json.Unmarshal([]byte(document(t, sig, p, signature.PartAll)), &s); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Resolve(nil); err != nil {
			t.Errorf("%s: %v", p, err)
		}
	}
}

// CHK-112.
func TestSchemasThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`x`:                 "no JSON Schema",
		`{"type":"string"}`: `not of the type "object"`,
		`{"type":"object"}`: "no properties",
		`{"type":"object","properties":{"a":true},"required":["b"]}`:           `requires "b"`,
		`{"type":"object","properties":{"a":{"if":true}}}`:                     `"if" is not supported`,
		`{"input_schema":{"type":"object"}}`:                                   "no properties",
		`{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{}}`: "leads nowhere",
	} {
		err := signature.CheckSchema(json.RawMessage(text))
		wantError(t, err, fault.InvalidArgument, want)
	}
	if err := signature.CheckSchema(json.RawMessage(`{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":"string"}},"required":["a"]}`)); err != nil {
		t.Error(err)
	}
}

// CHK-112: properties + 2 x depth + distinct types.
func TestComplexity(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{
		`{"type":"string"}`:                                      1,
		`{"type":"object","properties":{}}`:                      1,
		`{"type":"object","properties":{"a":{"type":"string"}}}`: 1 + 2 + 2,
		`{"type":"object","properties":{"a":{"type":"string"},"b":{"type":"array","items":{"type":"array","items":true}}}}`:       2 + 6 + 3,
		`{"type":"object","properties":{"a":{"oneOf":[{"type":"string"},{"type":"object","properties":{"x":{"type":"null"}}}]}}}`: 1 + 6 + 3,
		`{"type":"object","properties":{"a":{"$ref":"#/$defs/t"}},"$defs":{"t":{"type":"array","items":{"$ref":"#/$defs/t"}}}}`:   1 + 4 + 2,
	} {
		var s jsonschema.Schema
		if err := json.Unmarshal([]byte(text), &s); err != nil {
			t.Fatal(err)
		}
		if got := signature.Complexity(&s); got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
	if signature.Complexity(nil) != 1 {
		t.Error("nothing is not 1")
	}
}
