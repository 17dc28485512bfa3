package signature_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

type point struct {
	X float64 `json:"x"`
	Y float64 `json:"y,omitempty" dspool:"min=0"`
}

type input struct {
	Text  string            `json:"text" jsonschema:"what to look at"`
	When  *time.Time        `json:"when"`
	Path  []point           `json:"path"`
	Notes map[string]string `json:"notes,omitempty"`
	Image string            `json:"image" dspool:"type=dspy.Image"`
}

type output struct {
	Mood  string      `json:"mood" dspool:"enum=good|bad"`
	Score *float64    `json:"score" dspool:"min=0,max=1,desc=how sure"`
	Pair  [2]int      `json:"pair"`
	Data  []byte      `json:"data"`
	Any   any         `json:"any"`
	Ints  map[int]int `json:"ints"`
	Set   []string    `json:"set" dspool:"unique"`
}

func of(t *testing.T) *signature.Signature {
	t.Helper()
	sig, err := signature.Of(reflect.TypeFor[input](), reflect.TypeFor[output]())
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

func TestASignatureOfGoTypes(t *testing.T) {
	t.Parallel()
	sig := of(t)
	const want = "text: str, when: datetime | None, path: list[point], notes: dict[str, str] | None, image: dspy.Image -> " +
		"mood: Literal['good', 'bad'], score: float | None, pair: list[int], data: bytes, any: Any, ints: dict[int, int], set: set[str]"
	if sig.String() != want {
		t.Errorf("got  %s\nwant %s", sig, want)
	}
	if err := sig.Validate(); err != nil {
		t.Error(err)
	}
	if f, ok := sig.Input("text"); !ok || f.Desc != "what to look at" || !f.Required {
		t.Errorf("%+v", f)
	}
	if f, ok := sig.Output("score"); !ok || f.Desc != "how sure" || f.Required {
		t.Errorf("%+v", f)
	}
	if _, ok := sig.Output("nothing"); ok {
		t.Error("found a field that is not there")
	}
}

func TestSchemasSurviveTheWayThroughJSON(t *testing.T) {
	t.Parallel()
	sig := of(t)
	again, err := signature.FromSchemas(through(t, sig.InputSchema()), through(t, sig.OutputSchema()))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range sig.Inputs {
		got, ok := again.Input(f.Name)
		if !ok || got.Type != f.Type || got.Desc != f.Desc || got.Required != f.Required {
			t.Errorf("%+v became %+v", f, got)
		}
	}
	// JSON does not keep the order of properties; the schema as made here does.
	same, err := signature.FromSchemas(sig.InputSchema(), sig.OutputSchema())
	if err != nil || same.String() != sig.String() {
		t.Errorf("%v, %v", same, err)
	}
}

func through(t *testing.T, s *jsonschema.Schema) *jsonschema.Schema {
	t.Helper()
	raw, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var out jsonschema.Schema
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return &out
}

func TestBadSchemasAreRefused(t *testing.T) {
	t.Parallel()
	object := func(properties string) *jsonschema.Schema {
		var s jsonschema.Schema
		if err := json.Unmarshal([]byte(`{"type":"object","properties":`+properties+`}`), &s); err != nil {
			t.Fatal(err)
		}
		return &s
	}
	fine := object(`{"a":{"type":"string"}}`)
	cases := []struct {
		name    string
		in, out *jsonschema.Schema
		want    string
	}{
		{"no object", fine, &jsonschema.Schema{Type: "string"}, `outputs is not of type "object"`},
		{"nothing", nil, fine, `inputs is not of type "object"`},
		{"no fields", object(`{}`), fine, "has no inputs"},
		{"a name that is no identifier", object(`{"a b":true}`), fine, `input "a b": a field's name is made of`},
		{"a name on both sides", fine, fine, `"a" is both an input and an output`},
		{"a keyword that is not supported", object(`{"b":{"if":true}}`), fine, `"if" is not supported`},
		{"a reference to nowhere", object(`{"b":{"$ref":"#/$defs/x"}}`), fine, "leads nowhere"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := signature.FromSchemas(c.in, c.out)
			if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant it to say: %s", err, c.want)
			}
		})
	}
	a, b := object(`{"x":true}`), object(`{"y":true}`)
	a.Defs = map[string]*jsonschema.Schema{"D": {Type: "string"}}
	b.Defs = map[string]*jsonschema.Schema{"D": {Type: "integer"}}
	if _, err := signature.FromSchemas(a, b); err == nil || !strings.Contains(err.Error(), `define "D" differently`) {
		t.Error(err)
	}
}

func TestChecksNameEveryPath(t *testing.T) {
	t.Parallel()
	sig := of(t)
	_, err := sig.CheckInput(json.RawMessage(`{"text":"x","when":null,"path":[{"x":1},{"x":"1","y":-1}],"image":{"url":"x"}}`))
	wantError(t, err, fault.InvalidArgument,
		`input.path[1].x: expected a number, found the string "1"`, "input.path[1].y: expected at least 0, found -1")
	if _, err := sig.CheckNilInput(json.RawMessage(`{"text":"x","path":null,"image":""}`)); err != nil {
		t.Error(err)
	}
	_, err = sig.CheckInput(json.RawMessage(`{"text":"x","path":null,"image":""}`))
	wantError(t, err, fault.InvalidArgument, "input.path: expected an array, found null")
	_, err = sig.CheckOutput(json.RawMessage(`{"mood":"so","pair":[1],"any":null,"ints":{"x":1},"set":["a","a"]}`), "data")
	wantError(t, err, fault.OutputInvalid, "output.mood: expected one of", "output.pair: expected at least 2 items",
		"output.ints.x: the key:", "output.set[1]: stands twice")
}

func wantError(t *testing.T, err error, code fault.Code, says ...string) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Fatalf("%v, want the code %s", err, code)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%v\nwant it to say: %s", err, s)
		}
	}
}

func TestOpenOutputsLetMoreThrough(t *testing.T) {
	t.Parallel()
	sig, err := signature.Parse("a -> b")
	if err != nil {
		t.Fatal(err)
	}
	_, err = sig.CheckOutput(json.RawMessage(`{"b":"","c":1}`))
	wantError(t, err, fault.OutputInvalid, "output.c: unknown")
	open := sig.Clone()
	open.OpenOutputs = true
	if _, err := open.CheckOutput(json.RawMessage(`{"b":"","c":1}`)); err != nil {
		t.Error(err)
	}
}

func TestNamesForTheUsersOwnPython(t *testing.T) {
	t.Parallel()
	field := func(name string) signature.Field {
		f := signature.AnyField(name)
		return f
	}
	sig := &signature.Signature{Inputs: []signature.Field{field("config")}, Outputs: []signature.Field{field("items")}}
	if err := sig.ValidateNames(); err != nil {
		t.Error(err)
	}
	wantError(t, sig.Validate(), fault.InvalidArgument, `input "config": the name collides`, `output "items": the name collides`)
	sig = &signature.Signature{Inputs: []signature.Field{field("lambda"), field(""), {Name: "x"}}, Outputs: []signature.Field{field("a"), field("a")}}
	wantError(t, sig.ValidateNames(), fault.InvalidArgument, "keyword", "a field needs a name", `input "x" has no schema`, `output "a" is named twice`)
}

func TestOfNamesEveryGoFieldAtFault(t *testing.T) {
	t.Parallel()
	type bad struct {
		C chan int
		D string `dspool:"wat=1"`
	}
	_, err := signature.Of(reflect.TypeFor[bad](), reflect.TypeFor[int]())
	wantError(t, err, fault.InvalidArgument, "bad.C: chan int", `bad.D: the tag dspool has no key "wat"`, "the outputs are a struct, not int")
}

func BenchmarkParse(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := signature.Parse("question: str, n: int -> answer: str, tags: list[str], score: probability"); err != nil {
			b.Fatal(err)
		}
	}
}
