package validate_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/internal/validate"
)

// checker compiles a schema given as JSON.
func checker(t testing.TB, schema string) *validate.Checker {
	t.Helper()
	var s jsonschema.Schema
	if err := json.Unmarshal([]byte(schema), &s); err != nil {
		t.Fatal(err)
	}
	c, err := validate.Compile(&s, s.Defs)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

const order = `{"type":"object","additionalProperties":false,"required":["id","items"],"properties":{
	"id":{"type":"integer"},
	"note":{"type":["string","null"],"maxLength":3},
	"items":{"type":"array","minItems":1,"items":{"$ref":"#/$defs/item"}},
	"labels":{"type":"object","additionalProperties":{"type":"boolean"}}},
	"$defs":{"item":{"type":"object","additionalProperties":false,"required":["name","price"],"properties":{
		"name":{"type":"string"},"price":{"type":"number","minimum":0},
		"parts":{"type":"array","items":{"$ref":"#/$defs/item"}}}}}}`

func TestEveryViolationIsReportedWithItsPath(t *testing.T) {
	t.Parallel()
	c := checker(t, order)
	raw := `{"id":1.5,"note":"long","items":[{"name":"a","price":1},{"name":7},{"name":"b","price":-2,"parts":[{"name":"c","price":"x"}]}],
		"labels":{"odd key":1},"extra":true}`
	_, report := c.Check([]byte(raw), validate.Options{Root: "input"})
	want := []string{
		`input.id: expected an integer, found the number 1.5`,
		`input.note: expected at most 3 characters, found 4`,
		`input.items[1].name: expected a string, found the number 7`,
		`input.items[1].price: missing`,
		`input.items[2].price: expected at least 0, found -2`,
		`input.items[2].parts[0].price: expected a number, found the string "x"`,
		`input.labels["odd key"]: expected true or false, found the number 1`,
		`input.extra: unknown; known are id, items, labels, note`,
	}
	wantReport(t, report, want...)
}

func wantReport(t *testing.T, report validate.Report, want ...string) {
	t.Helper()
	got := make([]string, len(report.Violations))
	for i, v := range report.Violations {
		got[i] = v.String()
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

// CHK-111.
func TestValues(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, schema, raw, want string }{
		{"an integer is a float", `{"type":"number"}`, `42`, ""},
		{"a whole float is an integer", `{"type":"integer"}`, `42.0`, "42"},
		{"an exponent is an integer", `{"type":"integer"}`, `-1.5e3`, "-1500"},
		{"a fraction is no integer", `{"type":"integer"}`, `42.5`, "!v: expected an integer, found the number 42.5"},
		{"a big integer stays exact", `{"type":"integer"}`, `123456789012345678901234567890`, ""},
		{"a big integer beyond its limit", `{"type":"integer","maximum":10000000000000000}`, `10000000000000001`, "!v: expected at most 10000000000000000, found 10000000000000001"},
		{"a string is no number", `{"type":"integer"}`, `"42"`, `!v: expected an integer, found the string "42"`},
		{"a number is no string", `{"type":"string"}`, `123`, "!v: expected a string, found the number 123"},
		{"text is no boolean", `{"type":"boolean"}`, `"true"`, `!v: expected true or false, found the string "true"`},
		{"one is no boolean", `{"type":"boolean"}`, `1`, "!v: expected true or false, found the number 1"},
		{"null is no string", `{"type":"string"}`, `null`, "!v: expected a string, found null"},
		{"null where it may be", `{"type":["string","null"]}`, `null`, ""},
		{"at a bound", `{"type":"number","minimum":0,"maximum":1}`, `1.0`, ""},
		{"above a bound", `{"type":"number","minimum":0,"maximum":1}`, `1.01`, "!v: expected at most 1, found 1.01"},
		{"barely above a bound", `{"maximum":1}`, `1.00000000000000000001`, "!v: expected at most 1, found 1.00000000000000000001"},
		{"at an open bound", `{"exclusiveMinimum":0,"exclusiveMaximum":1}`, `0`, "!v: expected more than 0, found 0"},
		{"at the other open bound", `{"exclusiveMinimum":0,"exclusiveMaximum":1}`, `1`, "!v: expected less than 1, found 1"},
		{"a multiple of a tenth", `{"multipleOf":0.1}`, `0.3`, ""},
		{"no multiple", `{"multipleOf":2}`, `3`, "!v: expected a multiple of 2, found 3"},
		{"beyond every float", `true`, `1e999`, "!v: the number 1e999 is too large for a float"},
		{"an exponent that fills memory", `{"type":"integer"}`, `1e999999999`, "!v: expected an integer, found the number 1e999999999"},
		{"a number of too many digits", `true`, strings.Repeat("9", 5000), "!v: a number has at most 4300 digits, found 5000"},
		{"nan", `{"type":"number"}`, `NaN`, "!v: not valid JSON at byte 1: NaN and Infinity are not numbers in JSON"},
		{"minus infinity", `{"type":"number"}`, `-Infinity`, "!v: not valid JSON at byte 2: NaN and Infinity are not numbers in JSON"},
		{"characters, not bytes", `{"maxLength":2}`, `"äö"`, ""},
		{"escapes are one character", `{"maxLength":1}`, `"\ud83d\ude00"`, ""},
		{"too short", `{"minLength":2}`, `"a"`, "!v: expected at least 2 characters, found 1"},
		{"a pattern", `{"pattern":"^a+$"}`, `"ab"`, `!v: expected text that matches ^a+$, found the string "ab"`},
		{"a word of an enum", `{"enum":["low","high"]}`, `"low"`, ""},
		{"an escaped word of an enum", `{"enum":["low"]}`, `"\u006cow"`, ""},
		{"no word of an enum", `{"enum":["low","high"]}`, `"mid"`, `!v: expected one of "low", "high", found the string "mid"`},
		{"a number of an enum", `{"enum":[1,null,true]}`, `1.0`, ""},
		{"an object of an enum", `{"enum":[{"a":[1]}]}`, `{"a":[1.0]}`, ""},
		{"a constant", `{"const":"x"}`, `"y"`, `!v: expected one of "x", found the string "y"`},
		{"the wrong kind for an enum", `{"type":"string","enum":["a"]}`, `1`, "!v: expected a string, found the number 1"},
		{"bytes", `{"type":"string","contentEncoding":"base64"}`, `"aGk="`, ""},
		{"broken bytes", `{"type":"string","contentEncoding":"base64"}`, `"aGk"`, `!v: expected bytes in standard base64 with padding, found the string "aGk"`},
		{"a time with a zone", `{"format":"date-time"}`, `"2025-01-31T12:00:00+02:00"`, ""},
		{"a time without a zone", `{"format":"date-time"}`, `"2025-01-31 12:00:00.5"`, `"2025-01-31T12:00:00.5Z"`},
		{"no time", `{"format":"date-time"}`, `"soon"`, `!v: expected a date and time such as 2025-01-31T12:00:00Z, found the string "soon"`},
		{"a date", `{"format":"date"}`, `"2025-02-30"`, `!v: expected a date such as 2025-01-31, found the string "2025-02-30"`},
		{"a time of day", `{"format":"time"}`, `"12:30"`, ""},
		{"no time of day", `{"format":"time"}`, `"25:30"`, `!v: expected a time of day such as 12:30:00, found the string "25:30"`},
		{"a uuid", `{"format":"uuid"}`, `"123e4567-e89b-12d3-a456-426614174000"`, ""},
		{"no uuid", `{"format":"uuid"}`, `"123"`, `!v: expected a UUID such as 123e4567-e89b-12d3-a456-426614174000, found the string "123"`},
		{"an e-mail address", `{"format":"email"}`, `"a.b@example.org"`, ""},
		{"no e-mail address", `{"format":"email"}`, `"a@b"`, `!v: expected an e-mail address such as name@example.org, found the string "a@b"`},
		{"a URI", `{"format":"uri"}`, `"https://example.org/a?b#c"`, ""},
		{"no URI", `{"format":"uri"}`, `"example.org"`, `!v: expected a URI such as https://example.org/path, found the string "example.org"`},
		{"a host's name", `{"format":"hostname"}`, `"a-b.example.org"`, ""},
		{"no host's name", `{"format":"hostname"}`, `"-a.org"`, `!v: expected a host's name such as www.example.org, found the string "-a.org"`},
		{"an address", `{"format":"ipv4"}`, `"255.0.10.1"`, ""},
		{"no address", `{"format":"ipv4"}`, `"1.2.3.4."`, `!v: expected an address such as 192.0.2.1, found the string "1.2.3.4."`},
		{"a format that nobody knows", `{"format":"poem"}`, `"x"`, ""},
		{"a tuple", `{"prefixItems":[{"type":"integer"},{"type":"string"}],"minItems":2,"maxItems":2}`, `[1]`, "!v: expected at least 2 items, found 1"},
		{"a tuple's place", `{"prefixItems":[{"type":"integer"},{"type":"string"}]}`, `["a","b"]`, `!v[0]: expected an integer, found the string "a"`},
		{"behind a closed tuple", `{"prefixItems":[true],"items":false}`, `[1,2]`, `!v[1]: unexpected item`},
		{"different items", `{"uniqueItems":true}`, `[1,{"a":1,"b":2},{"b":2,"a":1.0}]`, "!v[2]: stands twice in an array of different items"},
		{"too many items", `{"maxItems":1}`, `[1,2]`, "!v: expected at most 1 item, found 2"},
		{"too few members", `{"minProperties":1}`, `{}`, "!v: expected at least 1 member, found 0"},
		{"the keys of a dict", `{"propertyNames":{"pattern":"^[0-9]+$"}}`, `{"1":0,"x":0}`, `!v.x: the key: expected text that matches ^[0-9]+$, found the string "x"`},
		{"a member twice", `{"properties":{"a":true}}`, `{"a":1,"\u0061":2}`, `!v["\u0061"]: stands twice in the object`},
		{"a default", `{"properties":{"a":{"default":7},"b":{"default":[]}}}`, `{}`, `{"a":7,"b":[]}`},
		{"a default behind others", `{"properties":{"a":{"default":7}}}`, `{"b":{}}`, `{"b":{},"a":7}`},
		{"the first of a union that fits", `{"anyOf":[{"type":"integer"},{"type":"string"}]}`, `"x"`, ""},
		{"a whole float in a union with float", `{"anyOf":[{"type":"integer"},{"type":"number"}]}`, `42.0`, ""},
		{"a whole float in a union without", `{"anyOf":[{"type":"integer"},{"type":"null"}]}`, `42.0`, "42"},
		{"nothing of a union", `{"anyOf":[{"type":"integer"},{"type":"string"}]}`, `[]`, "!v: expected a string or an integer, found an array"},
		{"a union of alike", `{"anyOf":[{"type":"object","required":["a"]},{"type":"object","required":["b"]}]}`, `{"c":1}`, "!v: fits none of the 2 alternatives; of the first: v.a: missing"},
		{"the second of alike", `{"anyOf":[{"type":"object","required":["a"]},{"type":"object","required":["b"]}]}`, `{"b":1}`, ""},
		{"one alternative shows its own reason", `{"oneOf":[{"type":"array","items":{"type":"integer"}},{"type":"null"}]}`, `["x"]`, `!v[0]: expected an integer, found the string "x"`},
		{"all of several", `{"allOf":[{"minimum":1},{"maximum":2}]}`, `3`, "!v: expected at most 2, found 3"},
		{"an edit of several is made once", `{"allOf":[{"type":"integer"},{"type":"integer"}]}`, `2.0`, "2"},
		{"a dspy type is Python's matter", `{"x-dspy":"dspy.Image"}`, `{"url":"x"}`, ""},
		{"nothing is allowed", `{"properties":{"a":false}}`, `{"a":1}`, "!v.a: no value is allowed here"},
		{"broken utf-8", `{"items":{"type":"string"}}`, "[\"ok\",\"a\xffb\xfe\"]", "!v[1]: not valid UTF-8 at byte 9"},
		{"half a surrogate pair", `true`, `{"a":"\ud800"}`, `!v.a: half of a surrogate pair, \ud800, is not text`},
		{"data after the value", `true`, `1 2`, "!v: not valid JSON at byte 3: unexpected data after the value"},
		{"no data", `true`, ` `, "!v: not valid JSON at byte 2: the text ends too early"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			out, report := checker(t, c.schema).Check([]byte(c.raw), validate.Options{Root: "v"})
			if message, bad := strings.CutPrefix(c.want, "!"); bad {
				wantReport(t, report, message)
				return
			}
			wantReport(t, report)
			if want := max(c.want, c.raw); c.want != "" && string(out) != c.want || c.want == "" && string(out) != want {
				t.Errorf("got %s, want %s", out, want)
			}
		})
	}
}

func TestNilOfGoIsEmptyWhereNullIsNot(t *testing.T) {
	t.Parallel()
	c := checker(t, `{"properties":{"l":{"type":"array"},"m":{"type":"object","additionalProperties":{"type":"string"}},
		"b":{"type":"string","contentEncoding":"base64"},"n":{"type":["array","null"]},"s":{"type":"string"},"few":{"type":"array","minItems":1}}}`)
	out, report := c.Check([]byte(`{"l":null,"m":null,"b":null,"n":null}`), validate.Options{Root: "v", NilAsEmpty: true})
	wantReport(t, report)
	if want := `{"l":[],"m":{},"b":"","n":null}`; string(out) != want {
		t.Errorf("got %s, want %s", out, want)
	}
	_, report = c.Check([]byte(`{"s":null,"few":null}`), validate.Options{Root: "v", NilAsEmpty: true})
	wantReport(t, report, "v.s: expected a string, found null", "v.few: expected at least 1 item, found 0")
}

func TestAttachmentsCountAsMembers(t *testing.T) {
	t.Parallel()
	c := checker(t, `{"type":"object","additionalProperties":false,"required":["b","n"],"properties":{
		"b":{"type":"string","contentEncoding":"base64"},"n":{"type":"integer"},"a":true}}`)
	_, report := c.Check([]byte(`{"n":1}`), validate.Options{Root: "v", Attached: []string{"b", "a"}})
	wantReport(t, report)
	_, report = c.Check([]byte(`{"b":"","n":1}`), validate.Options{Root: "v", Attached: []string{"b", "x"}})
	wantReport(t, report, "v.b: stands in the JSON and among the attachments; give it once", "v.x: unknown; known are a, b, n")
	_, report = c.Check([]byte(`{}`), validate.Options{Root: "v", Attached: []string{"b", "n"}})
	wantReport(t, report, "v.n: expected an integer, found bytes as an attachment")
}

func TestDepthAndAmountAreBounded(t *testing.T) {
	t.Parallel()
	c := checker(t, `true`)
	deep := strings.Repeat("[", 100_000)
	if _, report := c.Check([]byte(deep), validate.Options{Root: "v"}); !strings.HasSuffix(report.Violations[0].Message, "nests deeper than 400 levels") {
		t.Error(report)
	}
	c = checker(t, `{"items":{"type":"string"}}`)
	_, report := c.Check([]byte("["+strings.Repeat("1,", 999)+"1]"), validate.Options{Root: "v"})
	if len(report.Violations) != 64 || report.More != 936 {
		t.Errorf("%d listed, %d more", len(report.Violations), report.More)
	}
	c = checker(t, `{"$ref":"#/$defs/a","$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}}}`)
	if _, report := c.Check([]byte("1"), validate.Options{Root: "v"}); len(report.Violations) == 0 {
		t.Error("a schema that refers to itself accepts a value")
	}
}

func TestAmbiguousUnionsEnd(t *testing.T) {
	t.Parallel()
	c := checker(t, `{"$ref":"#/$defs/a","$defs":{"a":{"anyOf":[{"type":"array","items":{"$ref":"#/$defs/a"},"minItems":9},
		{"type":"array","items":{"$ref":"#/$defs/a"}},{"type":"integer"}]}}}`)
	raw := strings.Repeat("[", 60) + `"x"` + strings.Repeat("]", 60)
	_, report := c.Check([]byte(raw), validate.Options{Root: "v"})
	if len(report.Violations) == 0 {
		t.Error("accepted")
	}
}

func TestCompileRefusesWhatItCannotCheck(t *testing.T) {
	t.Parallel()
	for schema, want := range map[string]string{
		`{"if":true,"then":true}`:               `"if" is not supported`,
		`{"not":{"type":"null"}}`:               `"not" is not supported`,
		`{"patternProperties":{"a":true}}`:      `"patternProperties" is not supported`,
		`{"type":"strin"}`:                      `no JSON type "strin"`,
		`{"pattern":"("}`:                       `the pattern "("`,
		`{"$ref":"#/$defs/x"}`:                  `leads nowhere`,
		`{"$ref":"other.json"}`:                 `not of the form #/$defs/NAME`,
		`{"multipleOf":0}`:                      `has to be above 0`,
		`{"contentEncoding":"base32"}`:          `only base64 is`,
		`{"properties":{"a":{"type":"thing"}}}`: `a: there is no JSON type "thing"`,
	} {
		var s jsonschema.Schema
		if err := json.Unmarshal([]byte(schema), &s); err != nil {
			t.Fatal(err)
		}
		if _, err := validate.Compile(&s, s.Defs); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", schema, err)
		}
	}
}

func FuzzAcceptsJSONAndNothingElse(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5e3,"x\n\u00e9",null,true]}`, `[`, `"\ud800"`, "\"\xff\"", `01`, `-`, `1.`, `{"a":1,}`, ` [ ] `, `"` + strings.Repeat("x", 20) + "\x01\"", `1e5`, `nul`} {
		f.Add([]byte(seed))
	}
	c := checker(f, `true`)
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, report := c.Check(raw, validate.Options{Root: "v"})
		accepted := len(report.Violations) == 0
		if accepted && (!json.Valid(raw) || !utf8.Valid(raw) || string(out) != string(raw)) {
			t.Errorf("accepted %q", raw)
		}
		if !accepted && json.Valid(raw) && utf8.Valid(raw) && !excused(report) {
			t.Errorf("refused %q: %v", raw, report)
		}
	})
}

// excused reports whether valid JSON was refused for what JSON leaves open.
func excused(report validate.Report) bool {
	for _, reason := range []string{"surrogate", "deeper", "too large", "digits"} {
		if strings.Contains(report.Violations[0].Message, reason) {
			return true
		}
	}
	return false
}

func FuzzResultIsAlwaysJSON(f *testing.F) {
	f.Add([]byte(`{"id":1.0,"items":[{"name":"a","price":1e2,"parts":[]}]}`))
	f.Add([]byte(`{"id":1,"note":null,"items":null,"labels":null}`))
	c := checker(f, order)
	f.Fuzz(func(t *testing.T, raw []byte) {
		out, report := c.Check(raw, validate.Options{Root: "v", NilAsEmpty: true})
		if len(report.Violations) > 0 {
			return
		}
		again, report := c.Check(out, validate.Options{Root: "v"})
		if len(report.Violations) > 0 || string(again) != string(out) {
			t.Errorf("%q became %q, which became %q: %v", raw, out, again, report)
		}
	})
}

func BenchmarkCheck(b *testing.B) {
	small := []byte(`{"id":1,"note":"x","items":[{"name":"a","price":1.5}],"labels":{"a":true}}`)
	big := []byte(`{"id":1,"items":[{"name":"` + strings.Repeat("lorem ipsum ", 1<<20) + `","price":1}]}`)
	for name, raw := range map[string][]byte{"100B": small, "12MB": big} {
		b.Run(name, func(b *testing.B) {
			c := checker(b, order)
			b.SetBytes(int64(len(raw)))
			b.ReportAllocs()
			for b.Loop() {
				if _, report := c.Check(raw, validate.Options{Root: "v"}); len(report.Violations) > 0 {
					b.Fatal(report)
				}
			}
		})
	}
}
