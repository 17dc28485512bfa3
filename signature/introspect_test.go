package signature_test

import (
	"reflect"
	"strings"
	"testing"

	"github.com/dspool/dspool/signature"
)

// CHK-109, CHK-110, CHK-113.
func TestTypesInWordsAndInPython(t *testing.T) {
	t.Parallel()
	cases := []struct{ typ, words, python, leaves string }{
		{"string", "string", "str", "string"},
		{"integer", "integer", "int", "integer"},
		{"float", "float", "float", "float"},
		{"boolean", "boolean", "bool", "boolean"},
		{"atom", "atom", "str", "atom"},
		{"any", "any", "Any", "any"},
		{"map", "map", "Dict", "map"},
		{"embedding", "embedding", "List[float]", "embedding"},
		{"probability", "probability", "float", "probability"},
		{"confidence_score", "confidence_score", "float", "confidence_score"},
		{"reasoning_chain", "reasoning_chain", "List[str]", "reasoning_chain"},
		{"list(string)", "list of string", "List[str]", "string"},
		{"dict(string, integer)", "dict with string keys and integer values", "Dict[str, int]", "string integer"},
		{"union([string, integer])", "union of string | integer", "Union[str, int]", "string integer"},
		{"str | None", "union of str | None", "Union[str, None]", "str None"},
		{"Optional[list[str]]", "optional list of str", "Optional[List[str]]", "str"},
		{"dict(atom, list(union([string, embedding, string])))", "dict with atom keys and list of union of string | embedding | string values", "Dict[str, List[Union[str, List[float], str]]]", "atom string embedding"},
		{"tuple[int, str]", "tuple of int, str", "Tuple[int, str]", "int str"},
		{"tuple[int, ...]", "tuple of int", "Tuple[int, ...]", "int"},
		{"set[str]", "set of str", "Set[str]", "str"},
		{"Literal['a', 1]", "one of 'a', 1", "Literal['a', 1]", "Literal['a', 1]"},
		{"dspy.Code['go']", "dspy.Code[go]", "dspy.Code[go]", "dspy.Code[go]"},
		{"datetime.date", "datetime.date", "datetime.date", "datetime.date"},
	}
	for _, c := range cases {
		t.Run(c.typ, func(t *testing.T) {
			t.Parallel()
			f, err := signature.NewField("x", c.typ)
			if err != nil {
				t.Fatal(err)
			}
			if got := f.Describe(); got != c.words {
				t.Errorf("in words %q, want %q", got, c.words)
			}
			if got := f.Python(); got != c.python {
				t.Errorf("in Python %q, want %q", got, c.python)
			}
			if got := strings.Join(f.Types(), " "); c.leaves != got && !strings.HasPrefix(c.typ, "Literal") {
				t.Errorf("made of %q, want %q", got, c.leaves)
			}
			if again := signature.FieldFromPython("x", f.Python()); again.Python() != f.Python() {
				t.Errorf("%s became %s", f.Python(), again.Python())
			}
		})
	}
}

// CHK-113.
func TestAnnotationsOfPython(t *testing.T) {
	t.Parallel()
	cases := []struct {
		annotation, typ string
		required        bool
	}{
		{"str", "str", true},
		{"List[Dict[str, int]]", "List[Dict[str, int]]", true},
		{"typing.Optional[int]", "typing.Optional[int]", false},
		{"List[Invoice]", "List[Any]", true},
		{"Dict[str, np.ndarray[int, x]]", "Dict[str, Any]", true},
		{"Invoice", "Any", true},
		{"Callable[[int], str]", "Any", true},
		{"Union[Foo, str]", "Union[Any, str]", true},
		{"List[", "Any", false},
		{"'Forward'", "Any", false},
		{"", "Any", false},
		{"__import__('os').system('x')", "Any", false},
	}
	for _, c := range cases {
		f := signature.FieldFromPython("x", c.annotation)
		if f.Type != c.typ || f.Required != c.required || f.Schema == nil {
			t.Errorf("%q: %+v", c.annotation, f)
		}
	}
}

func TestASignatureInWords(t *testing.T) {
	t.Parallel()
	sig := parsed(t, "question: string, n: int -> answer: string, tags: list(string)")
	if got := sig.Describe(); got != "question: string, n: int -> answer: string, tags: list of string" {
		t.Error(got)
	}
	if got := strings.Join(sig.Types(), " "); got != "string int" {
		t.Error(got)
	}
	goTypes, err := signature.Of(reflect.TypeFor[struct{ P point }](), reflect.TypeFor[struct{ Q []point }]())
	if err != nil {
		t.Fatal(err)
	}
	if got := goTypes.Describe(); got != "P: point -> Q: list[point]" {
		t.Error(got)
	}
	if got := goTypes.Outputs[0].Python(); got != "List[Any]" {
		t.Error(got)
	}
}

// Whatever the annotation: it is read without a panic, and what was understood
// of it is understood again.
func FuzzAnnotations(f *testing.F) {
	for _, seed := range []string{"List[str]", "Dict[str, Foo[int]]", "Optional[", "Union[A, B] | None", "{:list, :foo}", "Callable[[], x]]"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, annotation string) {
		one := signature.FieldFromPython("x", annotation)
		two := signature.FieldFromPython("x", one.Type)
		if one.Type != two.Type || one.Required != two.Required && one.Type != "Any" || one.Python() != two.Python() {
			t.Errorf("%q became %+v, which became %+v", annotation, one, two)
		}
		three := signature.FieldFromPython("x", one.Python())
		if three.Python() != one.Python() {
			t.Errorf("%q is %q, which became %q", annotation, one.Python(), three.Python())
		}
	})
}
