package signature_test

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
	"unicode/utf8"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// Whatever the text, Parse returns; what it accepts it can write and read
// again, and what it refuses it refuses at a place inside the text.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"question -> answer",
		"question: str, n: int -> answer: str, tags: list[str]",
		"a: Literal['x', \"y\\\"\", 1, True, None] -> b: dict[str, list[int | None]]",
		"a: union([string, list(map)]) -> b: tuple[int, ...], c: Optional[dspy.Image]",
		"a: dict(atom, probability) -> b: reasoning_chain",
		"a=5, *b -> c -> d", "-> ", "a: list[[int]] -> b", "a: 'str -> b", "ä: str -> \xff", "a:(->b",
		"a: typing.Union[int, datetime.date] -> b: uuid.UUID",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		sig, err := signature.Parse(text)
		if err != nil {
			refused(t, text, err)
			return
		}
		again, err := signature.Parse(sig.String())
		if err != nil {
			t.Fatalf("%q became %q: %v", text, sig, err)
		}
		if written(t, sig) != written(t, again) || sig.String() != again.String() {
			t.Errorf("%q became %q, which became %q", text, sig, again)
		}
		if _, err := sig.CheckInput([]byte(`{}`)); err != nil && fault.CodeOf(err) != fault.InvalidArgument {
			t.Error(err)
		}
	})
}

func refused(t *testing.T, text string, err error) {
	t.Helper()
	problem := fault.From(err)
	if problem.Code != fault.InvalidArgument {
		t.Errorf("%q: %v", text, err)
	}
	at, ok := problem.Details["position"]
	if n, err := strconv.Atoi(at); ok && (err != nil || n < 1 || n > utf8.RuneCountInString(text)+1) {
		t.Errorf("%q: position %s", text, at)
	}
}

func written(t *testing.T, sig *signature.Signature) string {
	t.Helper()
	raw, err := json.Marshal(sig)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// Whatever the JSON, FromJSON returns; what it accepts can be written in both
// forms and read again.
func FuzzFromJSON(f *testing.F) {
	for _, seed := range []string{
		`{"inputs":[{"name":"q","type":"string","min_length":1}],"outputs":[{"name":"a","type":["list","string"],"one_of":["x"]}]}`,
		`{"inputs":[{"name":"q","type":"{:dict, :string, {:list, :float}}"}],"outputs":[{"name":"a","type":"Optional[int]","maximum":3,"optional":true}]}`,
		`{"inputs":[{"name":"q","schema":{"type":["string","null"],"maxLength":3}}],"outputs":[{"name":"a","schema":true,"required":false}]}`,
		`{"inputs":[{"name":"q","type":"probability","minimum":0.5}],"outputs":[{"name":"a","type":"Literal['a', 1]"},{"name":"b","type":"set[date]"}]}`,
		`{"inputs":null}`, `[`, `{"inputs":[{"name":"q","type":[]}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		sig, err := signature.FromJSON(raw)
		if err != nil {
			if fault.CodeOf(err) != fault.InvalidArgument {
				t.Error(err)
			}
			return
		}
		again, err := signature.FromJSON(json.RawMessage(written(t, sig)))
		if err != nil || written(t, sig) != written(t, again) {
			t.Errorf("%s became %s, which became %v: %v", raw, written(t, sig), again, err)
		}
		described, err := json.Marshal(sig.Description())
		if err != nil {
			t.Fatal(err)
		}
		// A JSON Schema may say more than a description, and a field of type
		// Optional may be required.
		if bytes.Contains(bytes.ToLower(raw), []byte("schema")) || bytes.Contains(bytes.ToLower(raw), []byte("required")) || bytes.ContainsRune(raw, '\\') {
			return
		}
		back, err := signature.FromJSON(described)
		if err != nil || written(t, back) != written(t, sig) || back.String() != sig.String() {
			t.Errorf("%s became %s, described as %s: %v", raw, written(t, sig), described, err)
		}
	})
}
