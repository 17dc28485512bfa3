package signature_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// CHK-109.
func TestParseKeepsFieldsInOrderAndDefaultsToStr(t *testing.T) {
	t.Parallel()
	sig, err := signature.Parse("question, n: int -> answer: str, tags: list[str]")
	if err != nil {
		t.Fatal(err)
	}
	if got, want := sig.String(), "question: str, n: int -> answer: str, tags: list[str]"; got != want {
		t.Errorf("String() = %q, want %q", got, want)
	}
	if got := sig.Inputs[0].Schema.Type; got != "string" {
		t.Errorf("a field without a type is a %q", got)
	}
}

// CHK-110.
func TestParseTypes(t *testing.T) {
	t.Parallel()
	cases := []struct{ text, want, schema string }{
		{"str", "str", `{"type":"string"}`},
		{"string", "string", `{"type":"string"}`},
		{"atom", "atom", `{"type":"string"}`},
		{"int", "int", `{"type":"integer"}`},
		{"integer", "integer", `{"type":"integer"}`},
		{"float", "float", `{"type":"number"}`},
		{"bool", "bool", `{"type":"boolean"}`},
		{"boolean", "boolean", `{"type":"boolean"}`},
		{"any", "any", `true`},
		{"typing.Any", "typing.Any", `true`},
		{"object", "object", `true`},
		{"None", "None", `{"type":"null"}`},
		{"bytes", "bytes", `{"type":"string","contentEncoding":"base64"}`},
		{"datetime", "datetime", `{"type":"string","format":"date-time"}`},
		{"datetime.datetime", "datetime.datetime", `{"type":"string","format":"date-time"}`},
		{"date", "date", `{"type":"string","format":"date"}`},
		{"time", "time", `{"type":"string","format":"time"}`},
		{"uuid.UUID", "uuid.UUID", `{"type":"string","format":"uuid"}`},
		{"Decimal", "Decimal", `{"type":"number"}`},
		{"map", "map", `{"type":"object"}`},
		{"dict", "dict", `{"type":"object"}`},
		{"list", "list", `{"type":"array"}`},
		{"embedding", "embedding", `{"type":"array","items":{"type":"number"}}`},
		{"probability", "probability", `{"type":"number","minimum":0,"maximum":1}`},
		{"confidence_score", "confidence_score", `{"type":"number","minimum":0,"maximum":1}`},
		{"reasoning_chain", "reasoning_chain", `{"type":"array","items":{"type":"string"}}`},
		{"list[int]", "list[int]", `{"type":"array","items":{"type":"integer"}}`},
		{"list(list(string))", "list[list[string]]", `{"type":"array","items":{"type":"array","items":{"type":"string"}}}`},
		{"typing.List[str]", "typing.List[str]", `{"type":"array","items":{"type":"string"}}`},
		{"set[str]", "set[str]", `{"type":"array","items":{"type":"string"},"uniqueItems":true}`},
		{"dict[str, float]", "dict[str, float]", `{"type":"object","additionalProperties":{"type":"number"}}`},
		{"dict(atom, any)", "dict[atom, any]", `{"type":"object","additionalProperties":true}`},
		{"dict[int,str]", "dict[int, str]", `{"type":"object","additionalProperties":{"type":"string"},"propertyNames":{"pattern":"^-?(0|[1-9][0-9]*)$"}}`},
		{"tuple[int, str]", "tuple[int, str]", `{"type":"array","prefixItems":[{"type":"integer"},{"type":"string"}],"minItems":2,"maxItems":2}`},
		{"tuple[int, ...]", "tuple[int, ...]", `{"type":"array","items":{"type":"integer"}}`},
		{"Optional[str]", "Optional[str]", `{"anyOf":[{"type":"string"},{"type":"null"}]}`},
		{"str | None", "str | None", `{"anyOf":[{"type":"string"},{"type":"null"}]}`},
		{"int|str | None", "int | str | None", `{"anyOf":[{"type":"integer"},{"type":"string"},{"type":"null"}]}`},
		{"Union[int, str]", "Union[int, str]", `{"anyOf":[{"type":"integer"},{"type":"string"}]}`},
		{"union([string, integer])", "union[string, integer]", `{"anyOf":[{"type":"string"},{"type":"integer"}]}`},
		{"Union[int]", "Union[int]", `{"type":"integer"}`},
		{"Literal['a', \"b\"]", "Literal['a', 'b']", `{"type":"string","enum":["a","b"]}`},
		{"Literal[1, True, None, 'x']", "Literal[1, True, None, 'x']", `{"enum":[1,true,null,"x"]}`},
		{`Literal['it\'s']`, `Literal['it\'s']`, `{"type":"string","enum":["it's"]}`},
		{":string", "string", `{"type":"string"}`},
		{"{:list, :string}", "list[string]", `{"type":"array","items":{"type":"string"}}`},
		{"{:dict, :string, {:list, :float}}", "dict[string, list[float]]", `{"type":"object","additionalProperties":{"type":"array","items":{"type":"number"}}}`},
		{"{:union, [:string, :integer]}", "union[string, integer]", `{"anyOf":[{"type":"string"},{"type":"integer"}]}`},
		{"dspy.Image", "dspy.Image", `{"x-dspy":"dspy.Image"}`},
		{"dspy.Code", "dspy.Code", `{"x-dspy":"dspy.Code"}`},
		{"dspy.Code['python']", "dspy.Code[python]", `{"x-dspy":"dspy.Code[python]"}`},
		{"list[dspy.History]", "list[dspy.History]", `{"type":"array","items":{"x-dspy":"dspy.History"}}`},
	}
	for _, c := range cases {
		t.Run(c.text, func(t *testing.T) {
			t.Parallel()
			sig, err := signature.Parse("x: " + c.text + " -> y")
			if err != nil {
				t.Fatal(err)
			}
			if got := sig.Inputs[0].Type; got != c.want {
				t.Errorf("type is %q, want %q", got, c.want)
			}
			raw, err := json.Marshal(sig.Inputs[0].Schema)
			if err != nil {
				t.Fatal(err)
			}
			if string(raw) != c.schema {
				t.Errorf("schema is %s, want %s", raw, c.schema)
			}
			again, err := signature.Parse(sig.String())
			if err != nil || again.String() != sig.String() {
				t.Errorf("%q does not survive: %v, %v", sig, again, err)
			}
		})
	}
}

func TestParseSaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, text, position, want string }{
		{"nothing", "", "1", "expected at least one input field, found the end"},
		{"only an arrow", "->", "1", `expected at least one input field, found "->"`},
		{"no arrow", "a: str", "7", `expected "," or "->", found the end`},
		{"no outputs", "a ->", "5", "expected at least one output field, found the end"},
		{"no inputs", "-> a", "1", "expected at least one input field"},
		{"two arrows", "a -> b -> c", "8", `one "->", this is the second`},
		{"a missing colon", "question str -> answer", "10", `expected ":", "," or "->" after the field "question", found "str"`},
		{"two types", "a: str int -> b", "8", `expected "," or "->" after the field "a", found "int"`},
		{"an unknown type", "a: strng -> b", "4", `unsupported type "strng"; supported are str, int`},
		{"an import", "a: this -> b", "4", `unsupported type "this"`},
		{"a path to a type", "a: os.system -> b", "4", `unsupported type "os.system"`},
		{"an unknown type inside", "a -> b: list[foo]", "14", `unsupported type "foo"`},
		{"an unknown type deep inside", "a -> b: list[dict[str, foo]]", "24", `unsupported type "foo" inside list of dict`},
		{"an unknown type in braces", "a: {:foo, :string} -> b", "6", "a type in braces is written {:list, T}"},
		{"open braces", "a: {:list, :string -> b", "20", `expected "," or "}"`},
		{"a default", "a=5 -> b", "2", "a signature holds no default values"},
		{"a default after a type", "a: int = 5 -> b", "8", "a signature holds no default values"},
		{"star arguments", "*args -> b", "1", `"*" and "/" mean nothing`},
		{"a number for a name", "1a -> b", "1", `expected the name of an input field, found "1a"`},
		{"a dash in a name", "a-b -> c", "2", `found the character "-"`},
		{"a keyword", "class -> b", "1", "this is a keyword of Python"},
		{"an underscore", "_a -> b", "1", "must not begin with an underscore"},
		{"a letter beyond ASCII", "größe -> b", "3", `found the character "ö"`},
		{"a name that is too long", strings.Repeat("a", 65) + " -> b", "1", "longer than 64"},
		{"the same input twice", "a, a -> b", "4", `input "a" is named twice`},
		{"one name on both sides", "a -> b, a", "9", `"a" is both an input and an output`},
		{"a trailing comma", "a, -> b", "4", "expected the name of an input field"},
		{"an open bracket", "a: list[int -> b", "13", `expected "," or "]", found "->"`},
		{"a bracket too many", "a: list[int]] -> b", "13", `found "]"`},
		{"an open string", "a: Literal['x -> b", "12", "found a string that is never closed"},
		{"a type in quotes", "a: 'str' -> b", "4", "a type is written without quotes"},
		{"an empty union", "a: union([]) -> b", "4", "Union type cannot be empty"}, // CHK-110
		{"an empty literal", "a: Literal[] -> b", "12", "needs at least one value"},
		{"a literal without values", "a: Literal -> b", "12", "Literal['a', 'b']"},
		{"a fraction in a literal", "a: Literal[1.5] -> b", "12", "an integer"},
		{"one type in a dict", "a: dict[str] -> b", "4", "dict is written dict[K, V], found 1 types"},
		{"a dict by lists", "a: dict[list[str], int] -> b", "4", "list[str] cannot be the key of a dict"},
		{"brackets where none belong", "a: int[str] -> b", "7", "int takes no types in brackets"},
		{"brackets on a dspy type", "a: dspy.Image[str] -> b", "14", "dspy.Image takes no types in brackets"},
		{"a language that is none", "a: dspy.Code['a b'] -> b", "14", "expected a language"},
		{"a dspy type that no field has", "a: dspy.LM -> b", "4", `unsupported type "dspy.LM"`},
		{"a bare Optional", "a: Optional -> b", "4", "Optional[T]"},
		{"dots in a list", "a: list[int, ...] -> b", "4", "tuple[T, ...] only"},
		{"nesting without end", "a: " + strings.Repeat("list[", 40) + " -> b", "164", "nest deeper than 32"},
		{"an Annotated", "a: Annotated[int, 5] -> b", "4", "unsupported type"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := signature.Parse(c.text)
			if err == nil {
				t.Fatal("no error")
			}
			f := fault.From(err)
			if f.Code != fault.InvalidArgument || !strings.Contains(f.Message, c.want) {
				t.Errorf("%v\nwant it to say: %s", err, c.want)
			}
			if got := f.Details["position"]; got != c.position {
				t.Errorf("position %s, want %s: %v", got, c.position, err)
			}
			if !strings.Contains(f.Message, "for example") {
				t.Errorf("no example in: %v", err)
			}
		})
	}
}

func TestParseRefusesHugeAndBrokenText(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("a, ", 40000) + "b -> c", "a\xff -> b"} {
		if _, err := signature.Parse(text); fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}

func TestReservedNamesAreRefusedOnTheirSide(t *testing.T) {
	t.Parallel()
	both := []string{"fields", "instructions", "input_fields", "output_fields", "signature", "model_config", "schema", "json", "dict", "dspy_x"}
	in := append([]string{"lm", "config", "self", "new_signature", "demos", "prediction"}, both...)
	out := append([]string{"items", "keys", "get", "copy", "toDict", "completions", "inputs"}, both...)
	for _, name := range in {
		wantRefused(t, name+" -> answer", name)
	}
	for _, name := range out {
		wantRefused(t, "question -> "+name, name)
	}
	for _, fine := range []string{"items, keys -> lm, demos, config", "name, type -> values, labels"} {
		if _, err := signature.Parse(fine); err != nil {
			t.Errorf("%q: %v", fine, err)
		}
	}
}

func wantRefused(t *testing.T, text, name string) {
	t.Helper()
	_, err := signature.Parse(text)
	if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), name) {
		t.Errorf("%q: %v", text, err)
	}
}
