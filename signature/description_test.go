package signature_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

func fromJSON(t *testing.T, text string) *signature.Signature {
	t.Helper()
	sig, err := signature.FromJSON(json.RawMessage(text))
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// CHK-113.
func TestASignatureFromJSON(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, text, want string }{
		{"the usual form", `{"inputs":[{"name":"question","type":"string","description":"what"}],"outputs":[{"name":"answer","type":"string"}]}`, "question: string -> answer: string"},
		{"no types", `{"inputs":[{"name":"q"}],"outputs":[{"name":"a","desc":"so"}]}`, "q: string -> a: string"},
		{"Python's types", `{"inputs":[{"name":"q","type":"List[str]"}],"outputs":[{"name":"a","type":"Dict[str, float]"}]}`, "q: List[str] -> a: Dict[str, float]"},
		{"symbols and tuples as text", `{"inputs":[{"name":"q","type":":string"}],"outputs":[{"name":"a","type":"{:list, {:union, [:string, :integer]}}"}]}`, "q: string -> a: list[union[string, integer]]"},
		{"tuples as lists", `{"inputs":[{"name":"q","type":["list","string"]}],"outputs":[{"name":"a","type":["dict","string",["union",["integer",["list","float"]]]]}]}`, "q: list[string] -> a: dict[string, union[integer, list[float]]]"},
		{"a map with types", `{"inputs":[{"name":"q","type":["map","string","integer"]}],"outputs":[{"name":"a","type":["union",["list","string"]]}]}`, "q: dict[string, integer] -> a: union[list[string]]"},
		{"JSON Schema", `{"inputs":[{"name":"q","schema":{"type":"array","items":{"type":"integer"}}}],"outputs":[{"name":"a","schema":true}]}`, "q: list[int] -> a: Any"},
		{"names of DSPy", `{"inputs":[{"name":"config"}],"outputs":[{"name":"items"}],"module":"Elixir.QA"}`, "config: string -> items: string"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := fromJSON(t, c.text).String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}

func TestAnOptionalFieldInJSON(t *testing.T) {
	t.Parallel()
	sig := fromJSON(t, `{"name":"qa","description":"Be short.","inputs":[{"name":"q"},{"name":"k","type":"integer","optional":true},{"name":"m","required":false}],"outputs":[{"name":"a"}]}`)
	if sig.Name != "qa" || sig.Instructions != "Be short." || sig.Inputs[1].Required || sig.Inputs[2].Required || !sig.Inputs[0].Required {
		t.Errorf("%+v", sig)
	}
	if _, err := sig.CheckInput(json.RawMessage(`{"q":"x"}`)); err != nil {
		t.Error(err)
	}
}

// CHK-109, CHK-110.
func TestBadJSONIsRefusedFieldByField(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, text, want string }{
		{"no JSON", `x`, "invalid character"},
		{"a list", `[]`, "cannot unmarshal array"},
		{"no inputs", `{"outputs":[{"name":"a"}]}`, "has no inputs"},
		{"an unknown type", `{"inputs":[{"name":"q","type":"strng"}],"outputs":[{"name":"a","type":["list","foo"]}]}`, `outputs[0]: field "a": type: at character 6: unsupported type "foo" inside list`},
		{"both fields at fault", `{"inputs":[{"name":"q","type":"strng"}],"outputs":[{"name":"a","type":7}]}`, `inputs[0]: field "q": type: at character 1: unsupported type "strng"; supported are str`},
		{"an empty union", `{"inputs":[{"name":"q","type":"union([])"}],"outputs":[{"name":"a"}]}`, "Union type cannot be empty"},
		{"a misspelt limit", `{"inputs":[{"name":"q","min_len":1}],"outputs":[{"name":"a"}]}`, `inputs[0]: unknown field "min_len"`},
		{"a bad name", `{"inputs":[{"name":"a b"}],"outputs":[{"name":"a"}]}`, `input "a b": a field's name is made of`},
		{"type and schema", `{"inputs":[{"name":"q","type":"str","schema":{}}],"outputs":[{"name":"a"}]}`, `both "type" and "schema"`},
		{"too deep", `{"inputs":[{"name":"q","type":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}],"outputs":[{"name":"a"}]}`, "the type is text or a list"},
		{
			"limits that cannot be", `{"inputs":[{"name":"q","pattern":"(","min_length":3,"max_length":2}],"outputs":[{"name":"a","type":"integer","one_of":[1,"x"]}]}`,
			`inputs[0]: field "q": min_length is 3 and max_length is 2: nothing is between them; the pattern "("`,
		},
		{"a choice of the wrong type", `{"inputs":[{"name":"q"}],"outputs":[{"name":"a","type":"integer","one_of":[1,"x"]}]}`, `one_of[1]: expected an integer, found the string "x"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := signature.FromJSON(json.RawMessage(c.text))
			wantError(t, err, fault.InvalidArgument, c.want)
		})
	}
}

// What is written as people write it reads back as the same signature.
func TestADescriptionReadsBack(t *testing.T) {
	t.Parallel()
	sig := fromJSON(t, `{"name":"qa","instructions":"Short.","inputs":[
		{"name":"text","type":"string","description":"what","min_length":1,"max_length":9,"pattern":"^a","optional":true},
		{"name":"n","type":"integer","minimum":1,"maximum":9,"multiple_of":2},
		{"name":"mail","type":"string","format":"email"},
		{"name":"p","type":"probability"},{"name":"when","type":"datetime"},{"name":"maybe","type":"Optional[str]","max_length":3}],"outputs":[
		{"name":"tags","type":"list(string)","min_items":1,"max_items":3,"unique_items":true,"one_of":["a","b"]},
		{"name":"mood","type":"atom","one_of":["good","bad"]},
		{"name":"facts","type":"map","min_properties":1,"max_properties":2}]}`)
	raw, err := json.Marshal(sig.Description())
	if err != nil {
		t.Fatal(err)
	}
	again := fromJSON(t, string(raw))
	if written(t, sig) != written(t, again) || sig.String() != again.String() {
		t.Errorf("%s\nbecame\n%s", written(t, sig), written(t, again))
	}
	if wire := fromJSON(t, written(t, sig)); written(t, wire) != written(t, sig) {
		t.Errorf("%s\nbecame\n%s", written(t, sig), written(t, wire))
	}
}

// CHK-112: limits are enforced in both directions.
func TestLimitsAreEnforcedInBothDirections(t *testing.T) {
	t.Parallel()
	const fields = `[{"name":"%text","min_length":2,"max_length":3,"pattern":"^[a-z]+$"},{"name":"%mail","format":"email"},
		{"name":"%n","type":"integer","minimum":2,"maximum":8,"multiple_of":2},{"name":"%x","type":"probability","minimum":-5,"maximum":0.5},
		{"name":"%list","type":"list(integer)","min_items":1,"max_items":2,"unique_items":true,"one_of":[1,2]},
		{"name":"%map","type":"map","min_properties":1,"max_properties":1},{"name":"%mood","type":"atom","one_of":["good","bad"]},
		{"name":"%maybe","type":"integer","optional":true}]`
	sig := fromJSON(t, `{"inputs":`+strings.ReplaceAll(fields, "%", "in_")+`,"outputs":`+strings.ReplaceAll(fields, "%", "out_")+`}`)
	const good = `{"%text":"ab","%mail":"a@b.org","%n":4,"%x":0.5,"%list":[1,2],"%map":{"a":1},"%mood":"good"}`
	bad := []struct{ given, field, want string }{
		{`"%text":"a"`, "text", "expected at least 2 characters, found 1"},
		{`"%text":"abcd"`, "text", "expected at most 3 characters, found 4"},
		{`"%text":"AB"`, "text", "expected text that matches ^[a-z]+$"},
		{`"%mail":"nobody"`, "mail", "expected an e-mail address"},
		{`"%n":1`, "n", "expected at least 2, found 1"},
		{`"%n":10`, "n", "expected at most 8, found 10"},
		{`"%n":3`, "n", "expected a multiple of 2, found 3"},
		{`"%x":-1`, "x", "expected at least 0, found -1"},
		{`"%x":0.6`, "x", "expected at most 0.5, found 0.6"},
		{`"%list":[]`, "list", "expected at least 1 item, found 0"},
		{`"%list":[1,2,1]`, "list", "expected at most 2 items, found 3"},
		{`"%list":[1,1]`, "list[1]", "stands twice"},
		{`"%list":[3]`, "list[0]", "expected one of 1, 2"},
		{`"%map":{}`, "map", "expected at least 1 member, found 0"},
		{`"%map":{"a":1,"b":2}`, "map", "expected at most 1 member, found 2"},
		{`"%mood":"so"`, "mood", `expected one of "good", "bad"`},
	}
	for prefix, check := range map[string]func(json.RawMessage, ...string) (json.RawMessage, error){"in_": sig.CheckInput, "out_": sig.CheckOutput} {
		if _, err := check(json.RawMessage(strings.ReplaceAll(good, "%", prefix))); err != nil {
			t.Error(err)
		}
		for _, c := range bad {
			var all map[string]json.RawMessage
			merge(t, &all, good)
			merge(t, &all, "{"+c.given+"}")
			raw, err := json.Marshal(all)
			if err != nil {
				t.Fatal(err)
			}
			_, err = check(json.RawMessage(strings.ReplaceAll(string(raw), "%", prefix)))
			if err == nil || !strings.Contains(err.Error(), "put."+prefix+c.field+": "+c.want) {
				t.Errorf("%s%s: %v", prefix, c.given, err)
			}
		}
	}
}

func merge(t *testing.T, into *map[string]json.RawMessage, text string) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
}

func TestLimitsWithoutMeaningForTheTypeAreLeftOut(t *testing.T) {
	t.Parallel()
	sig := fromJSON(t, `{"inputs":[{"name":"n","type":"integer","min_length":3,"pattern":"a","min_items":1}],"outputs":[{"name":"b","type":"boolean","minimum":3}]}`)
	want := `{"name":"Signature","instructions":"","inputs":[{"name":"n","schema":{"type":"integer"},"required":true}],"outputs":[{"name":"b","schema":{"type":"boolean"},"required":true}]}`
	if got := written(t, sig); got != want {
		t.Errorf("got %s", got)
	}
}
