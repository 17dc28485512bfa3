package gotype_test

import (
	"encoding/json"
	"math"
	"math/big"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/gotype"
)

func describe(t *testing.T, typ reflect.Type) (*gotype.Set, *gotype.Type) {
	t.Helper()
	set := gotype.NewSet()
	out, err := set.Type(typ, "input")
	if err != nil {
		t.Fatal(err)
	}
	return set, out
}

type item struct {
	Name  string  `json:"name" jsonschema:"what it is called"`
	Price float64 `json:"price" dspool:"min=0"`
	Parts []item  `json:"parts,omitempty"`
}

type base struct {
	ID     int `json:"id"`
	Hidden int `json:"shadowed"`
}

type level string

type everything struct {
	base
	Shadowed  string `json:"shadowed"`
	Text      string `json:"text"`
	Skipped   string `json:"-"`
	lower     int    //nolint:unused // it is there to be left out
	Untagged  bool
	Count     uint8           `json:"count"`
	Maybe     *int            `json:"maybe"`
	Left      string          `json:"left,omitempty"`
	List      []string        `json:"list"`
	Pair      [2]int          `json:"pair"`
	Raw       json.RawMessage `json:"raw"`
	Any       any             `json:"any"`
	Number    json.Number     `json:"number"`
	Big       *big.Int        `json:"big"`
	When      time.Time       `json:"when"`
	Bytes     []byte          `json:"bytes"`
	Map       map[string]int  `json:"map"`
	ByInt     map[int]string  `json:"by_int"`
	Item      item            `json:"item"`
	MaybeItem *item           `json:"maybe_item"`
	Addr      netip.Addr      `json:"addr"`
	Level     level           `json:"level" dspool:"enum=low|high"`
	Inline    struct {
		X int `json:"x"`
	} `json:"inline"`
	AsText int `json:"as_text,string"`
}

func TestSchemasSayWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	set, typ := describe(t, reflect.TypeFor[everything]())
	want := map[string]string{
		"id": `{"type":"integer"}`, "shadowed": `{"type":"string"}`, "text": `{"type":"string"}`, "Untagged": `{"type":"boolean"}`,
		"count": `{"type":"integer","minimum":0}`, "maybe": `{"type":["integer","null"]}`, "left": `{"type":["string","null"]}`,
		"list": `{"type":"array","items":{"type":"string"}}`, "pair": `{"type":"array","items":{"type":"integer"},"minItems":2,"maxItems":2}`,
		"raw": `true`, "any": `true`, "number": `{"type":"number"}`, "big": `{"type":["integer","null"]}`,
		"when": `{"type":"string","format":"date-time"}`, "bytes": `{"type":"string","contentEncoding":"base64"}`,
		"map":    `{"type":"object","additionalProperties":{"type":"integer"}}`,
		"by_int": `{"type":"object","additionalProperties":{"type":"string"},"propertyNames":{"pattern":"^-?(0|[1-9][0-9]*)$"}}`,
		"item":   `{"$ref":"#/$defs/item"}`, "maybe_item": `{"anyOf":[{"$ref":"#/$defs/item"},{"type":"null"}]}`,
		"addr": `{"type":"string"}`, "level": `{"type":"string","enum":["low","high"]}`,
		"inline":  `{"type":"object","properties":{"x":{"type":"integer"}},"required":["x"],"additionalProperties":false}`,
		"as_text": `{"type":"string"}`,
	}
	for _, f := range typ.Fields {
		raw, err := json.Marshal(f.Schema)
		if err != nil {
			t.Fatal(err)
		}
		if string(raw) != want[f.Name] {
			t.Errorf("%s: %s, want %s", f.Name, raw, want[f.Name])
		}
		delete(want, f.Name)
		if optional := strings.HasPrefix(f.Name, "maybe") || f.Name == "left" || f.Name == "big"; f.Required == optional {
			t.Errorf("%s: required is %v", f.Name, f.Required)
		}
	}
	if len(want) > 0 {
		t.Errorf("missing: %v", want)
	}
	def, err := json.Marshal(set.Defs["item"])
	if err != nil {
		t.Fatal(err)
	}
	if want := `{"type":"object","properties":{"name":{"type":"string","description":"what it is called"},"price":{"type":"number","minimum":0},` +
		`"parts":{"type":["array","null"],"items":{"$ref":"#/$defs/item"}}},"required":["name","price"],"additionalProperties":false}`; string(def) != want {
		t.Errorf("item is %s\nwant    %s", def, want)
	}
}

// The names and their order are those that encoding/json itself uses.
func TestFieldsAreThoseOfEncodingJSON(t *testing.T) {
	t.Parallel()
	type A struct{ X, Y int }
	type B struct {
		X int `json:"x2"`
		Y int
	}
	type Tagged struct {
		N int `json:"Y"`
	}
	type Deep struct{ *B }
	for _, v := range []any{
		struct {
			A
			B
		}{},
		struct {
			A
			Tagged
		}{},
		struct {
			A
			Y string
		}{},
		struct {
			A `json:"named"`
		}{},
		struct {
			Deep
			Z int
		}{Deep: Deep{&B{}}},
		struct {
			M int `json:"with,omitzero"`
			N int `json:"bad\"name"` //nolint:staticcheck // what becomes of it is tested
			O int `json:",omitempty"`
		}{M: 1, O: 1},
	} {
		_, typ := describe(t, reflect.TypeOf(v))
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range typ.Fields {
			got = append(got, f.Name)
		}
		if want := keys(t, raw); !reflect.DeepEqual(got, want) {
			t.Errorf("%T: %v, want %v", v, got, want)
		}
	}
}

// keys lists the keys of a JSON object in their order.
func keys(t *testing.T, raw []byte) []string {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(string(raw)))
	if _, err := d.Token(); err != nil {
		t.Fatal(err)
	}
	var out []string
	for d.More() {
		key, err := d.Token()
		if err != nil {
			t.Fatal(err)
		}
		var skip json.RawMessage
		if err := d.Decode(&skip); err != nil {
			t.Fatal(err)
		}
		name, _ := key.(string)
		out = append(out, name)
	}
	return out
}

func TestTagsBecomeLimits(t *testing.T) {
	t.Parallel()
	type tagged struct {
		Desc    string             `json:"desc" dspool:"desc=one, two, and three,maxlen=5"`
		Quoted  string             `json:"quoted" dspool:"desc='min=1, max=2',minlen=1"`
		Range   float64            `json:"range" dspool:"min=0,max=1"`
		Open    int                `json:"open" dspool:"gt=0,lt=10,multiple=2"`
		Pattern string             `json:"pattern" dspool:"pattern=^[a-z]{1,3}$"`
		Enum    int                `json:"enum" dspool:"enum=1|2|3"`
		List    []string           `json:"list" dspool:"minlen=1,maxlen=3,enum=a|b,unique"`
		Map     map[string]float64 `json:"map" dspool:"maxlen=2,min=0"`
		Day     string             `json:"day" dspool:"format=date"`
		Default int                `json:"default" dspool:"default=5"`
		Text    string             `json:"text" dspool:"default=hello"`
		Maybe   *string            `json:"maybe" dspool:"enum=x|y"`
		Image   any                `json:"image" dspool:"type=dspy.Image"`
	}
	_, typ := describe(t, reflect.TypeFor[tagged]())
	want := map[string]string{
		"desc": `{"type":"string","maxLength":5}`, "quoted": `{"type":"string","minLength":1}`,
		"range": `{"type":"number","minimum":0,"maximum":1}`, "open": `{"type":"integer","multipleOf":2,"exclusiveMinimum":0,"exclusiveMaximum":10}`,
		"pattern": `{"type":"string","pattern":"^[a-z]{1,3}$"}`, "enum": `{"type":"integer","enum":[1,2,3]}`,
		"list": `{"type":"array","items":{"type":"string","enum":["a","b"]},"minItems":1,"maxItems":3,"uniqueItems":true}`,
		"map":  `{"type":"object","maxProperties":2,"additionalProperties":{"type":"number","minimum":0}}`,
		"day":  `{"type":"string","format":"date"}`, "default": `{"type":"integer","default":5}`, "text": `{"type":"string","default":"hello"}`,
		"maybe": `{"type":["string","null"],"enum":["x","y",null]}`, "image": `{"x-dspy":"dspy.Image"}`,
	}
	for _, f := range typ.Fields {
		raw, err := json.Marshal(f.Schema)
		if err != nil {
			t.Fatal(err)
		}
		if string(raw) != want[f.Name] {
			t.Errorf("%s: %s, want %s", f.Name, raw, want[f.Name])
		}
	}
	if got := typ.Fields[0].Desc; got != "one, two, and three" {
		t.Errorf("desc is %q", got)
	}
	if got := typ.Fields[1].Desc; got != "min=1, max=2" {
		t.Errorf("quoted desc is %q", got)
	}
	if !typ.Limited {
		t.Error("the type is not limited")
	}
	if _, plain := describe(t, reflect.TypeFor[base]()); plain.Limited {
		t.Error("a plain type is limited")
	}
	if _, nested := describe(t, reflect.TypeFor[struct{ I []*item }]()); !nested.Limited {
		t.Error("a limit inside is not seen")
	}
}

type twin[T any] struct{ V T }

func TestDefinitionsOfOneNameAreToldApart(t *testing.T) {
	t.Parallel()
	type item struct{ Other int }
	set, typ := describe(t, reflect.TypeFor[struct {
		A everything
		B item
		C twin[time.Time]
		D twin[map[string]item]
	}]())
	refs := map[string]string{}
	for _, f := range typ.Fields {
		refs[f.Name] = f.Schema.Ref
	}
	want := map[string]string{"A": "#/$defs/everything", "B": "#/$defs/item2", "C": "#/$defs/twin_Time", "D": "#/$defs/twin_map_string_item"}
	if !reflect.DeepEqual(refs, want) {
		t.Errorf("%v, definitions %d", refs, len(set.Defs))
	}
	for _, ref := range refs {
		if set.Defs[strings.TrimPrefix(ref, "#/$defs/")] == nil {
			t.Errorf("%s leads nowhere", ref)
		}
	}
}

type endless []endless

type fmtStringer interface{ String() string }

func TestTypesThatJSONCannotExpressAreNamed(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		typ  reflect.Type
		want string
	}{
		{"channel", reflect.TypeFor[struct{ In struct{ Ch chan int } }](), "In.Ch: chan int cannot be expressed in JSON"},
		{"function", reflect.TypeFor[struct{ F func() }](), "F: func() cannot be expressed"},
		{"complex", reflect.TypeFor[struct{ C []complex128 }](), "C[]: complex128 cannot be expressed"},
		{"interface with methods", reflect.TypeFor[struct{ S fmtStringer }](), "S: gotype_test.fmtStringer cannot be expressed"},
		{"key", reflect.TypeFor[struct{ M map[float64]int }](), "M: float64 cannot be the key"},
		{"endless", reflect.TypeFor[struct{ E endless }](), "the type has no end"},
		{"value that loses its method", reflect.TypeFor[struct{ M map[string]big.Int }](), "use map[string]*big.Int"},
		{"unknown key", reflect.TypeFor[struct {
			A int `dspool:"mim=1"`
		}](), `A: the tag dspool has no key "mim"; keys are desc, min`},
		{"no key", reflect.TypeFor[struct {
			A int `dspool:"0 to 1"`
		}](), `expected key=value at "0 to 1"`},
		{"key twice", reflect.TypeFor[struct {
			A int `dspool:"min=1,min=2"`
		}](), `"min" twice`},
		{"open quote", reflect.TypeFor[struct {
			A int `dspool:"desc='x"`
		}](), "never closed"},
		{"min of text", reflect.TypeFor[struct {
			A string `dspool:"min=1"`
		}](), "min=1: applies to numbers; the length of text or lists is minlen"},
		{"maxlen of a number", reflect.TypeFor[struct {
			A int `dspool:"maxlen=1"`
		}](), "maxlen=1: applies to text, slices and maps"},
		{"min that is no number", reflect.TypeFor[struct {
			A int `dspool:"min=x"`
		}](), "min=x: expected a number"},
		{"crossed", reflect.TypeFor[struct {
			A int `dspool:"min=2,max=1"`
		}](), "no number is at least 2 and at most 1"},
		{"crossed lengths", reflect.TypeFor[struct {
			A []int `dspool:"minlen=2,maxlen=1"`
		}](), "no length is at least 2"},
		{"pattern", reflect.TypeFor[struct {
			A string `dspool:"pattern=("`
		}](), "pattern=(: error parsing regexp"},
		{"enum", reflect.TypeFor[struct {
			A int `dspool:"enum=1|x"`
		}](), `enum=1|x: "x" is not of the field's type`},
		{"enum of a struct", reflect.TypeFor[struct {
			A base `dspool:"enum=1"`
		}](), "enum=1: applies to text and numbers"},
		{"format", reflect.TypeFor[struct {
			A string `dspool:"format=email"`
		}](), "formats are date-time, date, time and uuid"},
		{"default", reflect.TypeFor[struct {
			A int `dspool:"default=x"`
		}](), "default=x: expected JSON"},
		{"type", reflect.TypeFor[struct {
			A any `dspool:"type=os.System"`
		}](), "type=os.System: expected one of DSPy's types"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := gotype.NewSet().Type(c.typ, "input")
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant it to say: %s", err, c.want)
			}
		})
	}
}

func TestEveryBrokenFieldIsNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := gotype.NewSet().Type(reflect.TypeFor[struct {
		A chan int
		B int
		C func()
	}](), "input")
	if err == nil || !strings.Contains(err.Error(), ".A: ") || !strings.Contains(err.Error(), ".C: ") {
		t.Error(err)
	}
}

type values struct {
	Text   string             `json:"text"`
	F      float64            `json:"f"`
	List   []float32          `json:"list"`
	Items  []*item            `json:"items"`
	Map    map[string]float64 `json:"map"`
	Any    any                `json:"any"`
	Raw    json.RawMessage    `json:"raw"`
	Number json.Number        `json:"number"`
	When   time.Time          `json:"when"`
	Left   []int              `json:"left,omitempty"`
}

func TestCheckFindsWhatEncodingJSONHides(t *testing.T) {
	t.Parallel()
	_, typ := describe(t, reflect.TypeFor[values]())
	nan, inf := math.NaN(), math.Inf(1)
	sound := values{List: []float32{1}, Items: []*item{{}}, Map: map[string]float64{}, When: time.Unix(0, 0)}
	if found := typ.Check(reflect.ValueOf(sound)); found.Foreign != true || found.Nils || len(found.Report.Violations) > 0 {
		t.Errorf("a sound value: %+v", found)
	}
	sound.Raw = nil
	broken := values{
		Text: "a\xff", F: nan, List: []float32{1, float32(inf)}, Items: []*item{nil, {Name: "\xfe", Parts: []item{{Price: nan}}}},
		Map: map[string]float64{"b": inf, "a\xff": 1, "a": -inf}, Any: map[string]any{"x": []any{1, nan, make(chan int)}},
		Raw: json.RawMessage(`{`), Number: "1e", When: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	found := typ.Check(reflect.ValueOf(broken))
	var got []string
	for _, v := range found.Report.Violations {
		got = append(got, v.String())
	}
	want := []string{
		`input.any["x"][1]: NaN is not a number in JSON`,
		`input.any["x"][2]: chan int cannot be expressed in JSON`,
		`input.f: NaN is not a number in JSON`,
		`input.items[1].name: not valid UTF-8 at byte 1`,
		`input.items[1].parts[0].price: NaN is not a number in JSON`,
		`input.list[1]: +Inf is not a number in JSON`,
		`input.map["a"]: -Inf is not a number in JSON`,
		`input.map["a\xff"]: not valid UTF-8 at byte 2`,
		`input.map["b"]: +Inf is not a number in JSON`,
		`input.number: "1e" is not a number in JSON`,
		`input.raw: the json.RawMessage is not valid JSON`,
		`input.text: not valid UTF-8 at byte 2`,
		`input.when: the year 10000 cannot be written as a date`,
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestNilSlicesAreSeenWhereTheyAreWritten(t *testing.T) {
	t.Parallel()
	type inner struct {
		L []int `json:"l"`
	}
	type holder struct {
		A inner  `json:"a,omitempty"` //nolint:modernize // that it has no effect is tested
		Z inner  `json:"z,omitzero"`
		P *inner `json:"p"`
		O []int  `json:"o,omitempty"`
	}
	_, typ := describe(t, reflect.TypeFor[holder]())
	full := []int{}
	for want, v := range map[bool]holder{
		false: {A: inner{full}},
		true:  {A: inner{}},
	} {
		if got := typ.Check(reflect.ValueOf(v)).Nils; got != want {
			t.Errorf("%+v: %v", v, got)
		}
	}
	if !typ.Check(reflect.ValueOf(holder{A: inner{full}, P: &inner{}})).Nils {
		t.Error("a nil slice behind a pointer is not seen")
	}
}

func TestCyclesEnd(t *testing.T) {
	t.Parallel()
	type node struct {
		Next *node  `json:"next"`
		Name string `json:"name"`
	}
	_, typ := describe(t, reflect.TypeFor[node]())
	n := &node{}
	n.Next = n
	found := typ.Check(reflect.ValueOf(*n))
	if len(found.Report.Violations) != 1 || !strings.Contains(found.Report.Violations[0].Message, "contains itself") {
		t.Errorf("%+v", found)
	}
}

type blobs struct {
	Name  string `json:"name"`
	Image []byte `json:"image"`
	Small []byte `json:"small,omitempty"`
	N     int    `json:"n,string"`
}

func TestLargeBytesTravelBesideTheJSON(t *testing.T) {
	t.Parallel()
	_, typ := describe(t, reflect.TypeFor[blobs]())
	v := blobs{Name: "x", Image: make([]byte, 100), N: 5}
	if rest, _ := typ.Detach(reflect.ValueOf(v), 101); rest != nil {
		t.Errorf("detached %v", rest)
	}
	rest, out := typ.Detach(reflect.ValueOf(&v), 100)
	raw, err := json.Marshal(rest)
	if err != nil || string(raw) != `{"name":"x","n":"5"}` || len(out) != 1 || len(out["image"]) != 100 {
		t.Errorf("%s, %v, %v", raw, out, err)
	}
	var back blobs
	if !typ.Attach(reflect.ValueOf(&back).Elem(), "image", []byte("hi")) || string(back.Image) != "hi" {
		t.Errorf("%+v", back)
	}
	if typ.Attach(reflect.ValueOf(&back).Elem(), "name", nil) || typ.Attach(reflect.ValueOf(&back).Elem(), "other", nil) {
		t.Error("bytes went where there is no place for them")
	}
}

func TestAttachReachesMapsInterfacesAndEmbeddedPointers(t *testing.T) {
	t.Parallel()
	type Inner struct{ B *[]byte }
	type outer struct{ *Inner }
	_, typ := describe(t, reflect.TypeFor[*outer]())
	var o *outer
	if !typ.Attach(reflect.ValueOf(&o).Elem(), "B", []byte("x")) || string(*o.B) != "x" {
		t.Errorf("%+v", o)
	}
	_, typ = describe(t, reflect.TypeFor[map[string]any]())
	var m map[string]any
	if !typ.Attach(reflect.ValueOf(&m).Elem(), "k", []byte("x")) || string(m["k"].([]byte)) != "x" {
		t.Errorf("%+v", m)
	}
	var b []byte
	_, typ = describe(t, reflect.TypeFor[[]byte]())
	if !typ.Attach(reflect.ValueOf(&b).Elem(), "", []byte("x")) || string(b) != "x" {
		t.Errorf("%+v", b)
	}
}

func BenchmarkCheck(b *testing.B) {
	set := gotype.NewSet()
	typ, err := set.Type(reflect.TypeFor[item](), "input")
	if err != nil {
		b.Fatal(err)
	}
	v := reflect.ValueOf(item{Name: "name", Price: 1})
	b.ReportAllocs()
	for b.Loop() {
		typ.Check(v)
	}
}
