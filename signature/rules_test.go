package signature_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

func parsed(t testing.TB, text string) *signature.Signature {
	t.Helper()
	sig, err := signature.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return sig
}

// CHK-111, CHK-113. want is the value after coercion, or !and what the error says.
func TestCoercion(t *testing.T) {
	t.Parallel()
	cases := []struct{ typ, given, want string }{
		{"integer", `"42"`, `42`},
		{"integer", `" -7 "`, `-7`},
		{"integer", `42.0`, `42`},
		{"integer", `"42.0"`, `42`},
		{"integer", `"42.5"`, `!input.v: expected an integer, found the string "42.5"`},
		{"integer", `"x"`, `!input.v: expected an integer, found the string "x"`},
		{"integer", `""`, `!input.v: expected an integer, found the string ""`},
		{"integer", `true`, `!input.v: expected an integer, found the boolean true`},
		{"integer", `"1e999999999"`, `!input.v: expected an integer`},
		{"integer", `"NaN"`, `!input.v: expected an integer, found the string "NaN"`},
		{"float", `"3.14"`, `3.14`},
		{"float", `42`, `42.0`},
		{"float", `"42"`, `42.0`},
		{"float", `"-1e3"`, `-1e3`},
		{"float", `"Infinity"`, `!input.v: expected a number, found the string "Infinity"`},
		{"boolean", `"true"`, `true`},
		{"boolean", `"1"`, `true`},
		{"boolean", `1`, `true`},
		{"boolean", `"0"`, `false`},
		{"boolean", `0`, `false`},
		{"boolean", `"False"`, `false`},
		{"boolean", `2`, `!input.v: expected true or false, found the number 2`},
		{"boolean", `"yes"`, `!input.v: expected true or false, found the string "yes"`},
		{"string", `42`, `"42"`},
		{"string", `4.20`, `"4.20"`},
		{"string", `true`, `"true"`},
		{"string", `null`, `!input.v: expected a string, found null`},
		{"string", `[1]`, `!input.v: expected a string, found an array`},
		{"atom", `"ok"`, `"ok"`},
		{"probability", `"0.5"`, `0.5`},
		{"probability", `"1.5"`, `!input.v: expected at most 1, found 1.5`},
		{"embedding", `["1", 2, 2.5]`, `[1.0, 2.0, 2.5]`},
		{"reasoning_chain", `["so", 1]`, `["so", "1"]`},
		{"dict[str, int]", `{"a":"1"}`, `{"a":1}`},
		{"Optional[int]", `"7"`, `7`},
		{"Optional[int]", `null`, `null`},
		{"union([integer, string])", `"7"`, `"7"`},
		{"union([integer, float])", `42`, `42`},
		{"union([integer, boolean])", `"true"`, `true`},
		{"union([integer, boolean])", `"x"`, `!input.v: fits none of the 2 alternatives; of the first: input.v: expected an integer`},
		{"Literal['1', '2']", `1`, `"1"`},
		{"Literal['1', '2']", `3`, `!input.v: expected one of "1", "2", found the string "3"`},
		{"any", `"42"`, `"42"`},
	}
	for _, c := range cases {
		t.Run(c.typ+" "+c.given, func(t *testing.T) {
			t.Parallel()
			sig := parsed(t, "v: "+c.typ+" -> w")
			raw, err := sig.CheckInputBy(signature.Rules{Mode: signature.Coerce}, json.RawMessage(`{"v":`+c.given+`}`))
			if message, bad := strings.CutPrefix(c.want, "!"); bad {
				wantError(t, err, fault.InvalidArgument, message)
				return
			}
			if want := `{"v":` + c.want + `}`; err != nil || string(raw) != want {
				t.Errorf("got %s, %v", raw, err)
			}
			if _, err := sig.CheckInput(raw); err != nil {
				t.Errorf("%s is refused afterwards: %v", raw, err)
			}
		})
	}
}

// CHK-55, CHK-113: the strict rules refuse what the relaxed ones let through;
// a name that is missing or wrong is refused by both.
func TestRelaxedAndStrict(t *testing.T) {
	t.Parallel()
	sig := parsed(t, "question: str, n: int -> answer: str, score: probability")
	wrong := json.RawMessage(`{"question":123,"n":[]}`)
	_, err := sig.CheckInputBy(signature.Rules{}, wrong)
	wantError(t, err, fault.InvalidArgument, "input.question: expected a string, found the number 123", "input.n: expected an integer, found an array")
	relaxed := signature.Rules{Mode: signature.Relaxed}
	if raw, err := sig.CheckInputBy(relaxed, wrong); err != nil || string(raw) != string(wrong) {
		t.Errorf("%s, %v", raw, err)
	}
	if _, err := sig.CheckOutputBy(relaxed, json.RawMessage(`{"answer":1,"score":"x"}`)); err != nil {
		t.Error(err)
	}
	_, err = sig.CheckInputBy(relaxed, json.RawMessage(`{"questoin":"x"}`))
	wantError(t, err, fault.InvalidArgument, "input.questoin: unknown", "input.question: missing", "input.n: missing")
	_, err = sig.CheckOutputBy(relaxed, json.RawMessage(`{"answer":`))
	wantError(t, err, fault.OutputInvalid, "not valid JSON")
}

// CHK-111.
func TestFieldsThatTheSignatureDoesNotName(t *testing.T) {
	t.Parallel()
	sig := parsed(t, "a: int, b: Optional[int] -> c")
	cases := []struct {
		extra       signature.Extra
		given, want string
	}{
		{signature.ExtraRefuse, `{"a":1,"x":2}`, "!input.x: unknown; known are a, b"},
		{signature.ExtraKeep, `{"a":1,"x":2}`, `{"a":1,"x":2}`},
		{signature.ExtraDrop, `{"a":1,"x":2}`, `{"a":1}`},
		{signature.ExtraDrop, `{"x":[1,{"y":2}],"a":1}`, `{"a":1}`},
		{signature.ExtraDrop, `{ "x" : 1 , "y": 2, "a": 1.0 , "z": 3, "b":2 , "q":{} , "r":1 }`, `{"a":1,"b":2}`},
		{signature.ExtraDrop, `{"x":1,"y":2}`, "!input.a: missing"},
		{signature.ExtraDrop, `{"x":bad,"a":1}`, "!not valid JSON"},
	}
	for _, c := range cases {
		raw, err := sig.CheckInputBy(signature.Rules{Extra: c.extra}, json.RawMessage(c.given))
		if message, bad := strings.CutPrefix(c.want, "!"); bad {
			wantError(t, err, fault.InvalidArgument, message)
			continue
		}
		var got bytes.Buffer
		if json.Compact(&got, raw) != nil || err != nil || got.String() != c.want {
			t.Errorf("%s: got %s, %v", c.given, raw, err)
		}
	}
}

// CHK-111.
func TestPartialAndMissing(t *testing.T) {
	t.Parallel()
	sig := parsed(t, "a: int, b: str, c: Optional[int] -> d, e: int")
	if raw, err := sig.CheckInputBy(signature.Rules{Partial: true}, json.RawMessage(`{"b":"x"}`)); err != nil || string(raw) != `{"b":"x"}` {
		t.Errorf("%s, %v", raw, err)
	}
	_, err := sig.CheckInputBy(signature.Rules{Partial: true}, json.RawMessage(`{"b":1}`))
	wantError(t, err, fault.InvalidArgument, "input.b: expected a string, found the number 1")
	if got, err := sig.MissingInputs(json.RawMessage(`{"c":1}`)); err != nil || strings.Join(got, " ") != "a b" {
		t.Errorf("%v, %v", got, err)
	}
	if got, err := sig.MissingOutputs(json.RawMessage(`{"d":1,"e":2}`)); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{`null`, `[]`, `x`} {
		_, err := sig.MissingInputs(json.RawMessage(bad))
		wantError(t, err, fault.InvalidArgument, "input: expected a JSON object")
		_, err = sig.CheckInput(json.RawMessage(bad))
		wantError(t, err, fault.InvalidArgument, "input: ")
	}
}

// What coercion makes passes the strict rules, and coercing it again changes
// nothing; what is dropped is gone. Whatever the value, the result is JSON.
func FuzzCoercedValuesFit(f *testing.F) {
	for _, seed := range []string{
		`{"n":"42","x":"3.14","b":"1","s":42,"u":"7","l":["1",2],"m":{"a":"0"}}`, `{"extra":1,"n":1,"more":{}}`,
		`{"n":"1e5","b":0,"s":true,"u":true}`, `{"n":"042"}`, `{"x":"-"}`, `{ "y" : 1 , "n" : "1" , "z" : 2 }`,
	} {
		f.Add([]byte(seed))
	}
	sig := parsed(f, "n: Optional[int], x: Optional[probability], b: Optional[bool], s: Optional[str], u: int | bool | None, l: Optional[list[float]], m: Optional[dict[str, bool]] -> o")
	f.Fuzz(func(t *testing.T, raw []byte) {
		rules := signature.Rules{Mode: signature.Coerce, Extra: signature.ExtraDrop}
		out, err := sig.CheckInputBy(rules, raw)
		if err != nil {
			if fault.CodeOf(err) != fault.InvalidArgument {
				t.Error(err)
			}
			return
		}
		if _, err := sig.CheckInput(out); err != nil {
			t.Errorf("%q became %q: %v", raw, out, err)
		}
		if again, err := sig.CheckInputBy(rules, out); err != nil || string(again) != string(out) {
			t.Errorf("%q became %q, which became %q: %v", raw, out, again, err)
		}
	})
}
