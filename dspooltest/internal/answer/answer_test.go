package answer

import (
	"encoding/json"
	"math/big"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// object answers the captured JSON prompt and decodes the answer.
func object(t *testing.T, name string, o Options) map[string]any {
	t.Helper()
	c := load(t, name)
	raw := Read(c.system).Answer(c.user, o)
	var out map[string]any
	if err := json.Unmarshal([]byte(raw), &out); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return out
}

// sections answers a captured chat prompt and takes the answer apart.
func sections(t *testing.T, name string, o Options) map[string]string {
	t.Helper()
	c := load(t, name)
	text := Read(c.system).Answer(c.user, o)
	out := map[string]string{}
	for part := range strings.SplitSeq(text, "[[ ## ") {
		if name, value, ok := strings.Cut(part, " ## ]]"); ok {
			out[name] = strings.TrimSpace(value)
		}
	}
	return out
}

func TestAnswersAreTheSameThroughChatAndJSON(t *testing.T) {
	t.Parallel()
	chat := sections(t, "chat", Options{})
	for name, v := range object(t, "json", Options{}) {
		text, isText := v.(string)
		if !isText {
			raw, _ := json.Marshal(v)
			text = string(raw)
		}
		got := strings.ReplaceAll(strings.Trim(chat[name], `"`), " ", "")
		if !strings.EqualFold(got, strings.ReplaceAll(text, " ", "")) && name != "order" && name != "m" && name != "dl" {
			t.Errorf("%s: %q in chat, %q in JSON", name, chat[name], text)
		}
	}
}

func TestAnswersStayInsideTheLimitsOfThePrompt(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		got := object(t, "json", Options{Seed: seed})
		count, score := got["count"].(float64), got["score"].(float64)
		if count < 3 || count > 9 || int(count)%2 != 0 {
			t.Errorf("count %v", count)
		}
		if score <= 0 || score >= 1 {
			t.Errorf("score %v", score)
		}
		if n := len(got["answer"].(string)); n < 3 || n > 20 {
			t.Errorf("answer of %d characters", n)
		}
		if n := len(got["tags"].([]any)); n < 2 || n > 3 {
			t.Errorf("%d tags", n)
		}
		order := got["order"].(map[string]any)
		if ratio := order["ratio"].(float64); ratio <= 0 || ratio >= 1 {
			t.Errorf("ratio %v", ratio)
		}
		for _, item := range order["items"].([]any) {
			if qty := item.(map[string]any)["qty"].(float64); qty < 1 || qty > 5 {
				t.Errorf("qty %v", qty)
			}
		}
	}
}

func TestAnswersDependOnInputsAndSeedAlone(t *testing.T) {
	t.Parallel()
	c := load(t, "chat")
	once := Read(c.system).Answer(c.user, Options{})
	if again := Read(c.system).Answer(c.user, Options{}); again != once {
		t.Errorf("two answers to one prompt:\n%s\n%s", once, again)
	}
	if other := Read(c.system).Answer(c.user, Options{Seed: 1}); other == once {
		t.Error("the seed changes nothing")
	}
	if other := Read(c.system).Answer(strings.Replace(c.user, "2+2", "2+3", 1), Options{}); other == once {
		t.Error("the input changes nothing")
	}
}

func TestAnswersSoundSensible(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ prompt, field, want string }{
		{"chat-thought", "answer", "Paris"},
		{"chat-demos", "answer", "12"},
		{"chat-agent", "next_tool_name", "add"},
		{"chat-agent", "next_tool_args", `{"a": 17, "b": 25}`},
	} {
		if got := sections(t, c.prompt, Options{})[c.field]; got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.prompt, c.field, got, c.want)
		}
	}
	if got := object(t, "json-schema", Options{})["mood"]; got != "happy" {
		t.Errorf("mood of a happy text: %v", got)
	}
}

func TestAgentFinishesOnceItHasObserved(t *testing.T) {
	t.Parallel()
	c := load(t, "chat-agent")
	user := strings.Replace(c.user, "[[ ## trajectory ## ]]\n", "[[ ## trajectory ## ]]\n[[ ## observation_0 ## ]]\n42\n", 1)
	if got := Read(c.system).Answer(user, Options{}); !strings.Contains(got, "finish") {
		t.Errorf("answer %s", got)
	}
}

func TestFlawsSpoilAnswers(t *testing.T) {
	t.Parallel()
	if got := sections(t, "chat", Options{Flaw: MissingField}); got["dl"] != "" || got["li"] == "" {
		t.Errorf("missing field: %v", got)
	}
	if got := object(t, "json", Options{Flaw: WrongType}); got["count"] != "not a value of this type" || got["answer"] == got["count"] {
		t.Errorf("wrong type: %v", got)
	}
	if got := object(t, "json", Options{Flaw: OutOfRange}); got["count"] != 10.0 || len(got["answer"].(string)) != 21 {
		t.Errorf("out of range: %v, %v", got["count"], got["answer"])
	}
	if got := sections(t, "chat", Options{Flaw: Prose}); len(got) != 0 {
		t.Errorf("prose: %v", got)
	}
}

func TestSetFieldsAreAnsweredAsTheyAre(t *testing.T) {
	t.Parallel()
	o := Options{Set: map[string]json.RawMessage{"count": json.RawMessage("12345678901234567890"), "answer": json.RawMessage(`"ja\n"`)}}
	got := sections(t, "chat", o)
	if got["count"] != "12345678901234567890" || got["answer"] != "ja" {
		t.Errorf("count %q, answer %q", got["count"], got["answer"])
	}
}

func TestXMLAnswersNestAndEscape(t *testing.T) {
	t.Parallel()
	c := load(t, "xml")
	o := Options{Set: map[string]json.RawMessage{"answer": json.RawMessage(`"a < b & c"`), "m": json.RawMessage(`{"two words": 2}`)}}
	got := Read(c.system).Answer(c.user, o)
	for _, want := range []string{"<answer>\na &lt; b &amp; c\n</answer>", `<m><entry key="two words">2</entry></m>`, "<order><id>1</id><items><item><name>"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}

func TestSchemaAnswersEveryKindOfType(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ schema, want string }{
		{`{"type":"integer","minimum":7,"maximum":7}`, `^7$`},
		{`{"type":"integer","minimum":100000000000000000000}`, `^100000000000000000000$`},
		{`{"type":"integer","exclusiveMinimum":3,"exclusiveMaximum":5}`, `^4$`},
		{`{"type":"integer","multipleOf":25,"minimum":60,"maximum":90}`, `^75$`},
		{`{"type":"number","exclusiveMinimum":0,"exclusiveMaximum":0.001}`, `^0\.000\d+$`},
		{`{"type":"number","minimum":-3.5,"maximum":-3.5}`, `^-3\.5$`},
		{`{"type":"number","multipleOf":0.5,"minimum":1.2,"maximum":1.9}`, `^1\.5$`},
		{`{"type":"string","pattern":"^[A-Z]{3}-\\d{4}$"}`, `^"[A-Z]{3}-\d{4}"$`},
		{`{"type":"string","pattern":"^(ab|cd)+x?$"}`, `^"(ab|cd)+x?"$`},
		{`{"type":"string","format":"uuid"}`, `^"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}"$`},
		{`{"type":"string","format":"date"}`, `^"20\d\d-[01]\d-[0-3]\d"$`},
		{`{"type":"string","format":"date-time"}`, `^"20\d\d-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\dZ"$`},
		{`{"type":"string","contentEncoding":"base64"}`, `^"[A-Za-z0-9+/]+=*"$`},
		{`{"type":"string","maxLength":0}`, `^""$`},
		{`{"type":"string","minLength":200}`, `^".{200,}"$`},
		{`{"type":"boolean"}`, `^(true|false)$`},
		{`{"type":"null"}`, `^null$`},
		{`{"type":["null","integer"],"minimum":5,"maximum":5}`, `^5$`},
		{`{"const":{"a":[1]}}`, `^\{"a": \[1\]\}$`},
		{`{"enum":[3]}`, `^3$`},
		{`{"anyOf":[{"type":"null"},{"type":"boolean"}]}`, `^(true|false)$`},
		{`{"oneOf":[{"type":"integer","minimum":2,"maximum":2}]}`, `^2$`},
		{`{"allOf":[{"enum":["x"]}]}`, `^"x"$`},
		{`{"type":"array","items":{"type":"boolean"},"minItems":5}`, `^\[(true|false)(, (true|false)){4}\]$`},
		{`{"type":"array","maxItems":0}`, `^\[\]$`},
		{`{"type":"array","prefixItems":[{"type":"boolean"},{"enum":["z"]}]}`, `^\[(true|false), "z"\]$`},
		{`{"type":"object","additionalProperties":{"enum":[1]}}`, `^\{".+": 1, ".+": 1\}$`},
		{`{"type":"object","properties":{"b":{"enum":[1]},"a":{"enum":[2]}}}`, `^\{"b": 1, "a": 2\}$`},
		{`true`, `^".+"$`},
	} {
		got := Schema(json.RawMessage(c.schema), "Tell me about the sea", Options{})
		if !regexp.MustCompile(c.want).MatchString(got) {
			t.Errorf("%s gives %s, want %s", c.schema, got, c.want)
		}
	}
}

func TestSchemaEndsOnRecursiveTypes(t *testing.T) {
	t.Parallel()
	node := `{"$ref":"#/$defs/N","$defs":{"N":{"type":"object","properties":{"next":{"anyOf":[{"$ref":"#/$defs/N"},{"type":"null"}]},"kids":{"type":"array","items":{"$ref":"#/$defs/N"}}},"required":["next","kids"]}}}`
	got := Schema(json.RawMessage(node), "x", Options{})
	if !json.Valid([]byte(got)) || len(got) > 1<<20 {
		t.Errorf("%d bytes: %.200s", len(got), got)
	}
}

func TestArithmetic(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"What is 2+2?":                  "4",
		"2 + 3 * 4 please":              "14",
		"(2 + 3) * 4 - 1":               "19",
		"7 / 2":                         "3.5",
		"0.1 + 0.2 is what":             "0.3",
		"Compute 12 x 12 - and tell me": "144",
		"17 % 5":                        "2",
		"born on 2024-05-01":            "",
		"version 3.4.1 of x86-64":       "",
		"1 / 0":                         "",
		"no numbers":                    "",
		"only 42":                       "",
	} {
		if got, _ := arithmetic(in); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"chat", "json", "xml", "chat-agent"} {
		c := load(f, name)
		f.Add(c.system, c.user)
	}
	f.Fuzz(func(t *testing.T, system, user string) {
		if got := Read(system).Answer(user, Options{}); utf8.ValidString(system+user) && !utf8.ValidString(got) {
			t.Errorf("not UTF-8: %q", got)
		}
	})
}

func FuzzSchema(f *testing.F) {
	f.Add([]byte(`{"type":"array","items":{"$ref":"#/$defs/a"},"$defs":{"a":{"type":"integer","minimum":1}}}`))
	f.Add([]byte(`{"type":"string","pattern":"^[a-z]+$","minLength":3}`))
	f.Fuzz(func(t *testing.T, schema []byte) {
		if got := Schema(schema, "the sea", Options{}); got != "" && !json.Valid([]byte(got)) {
			t.Errorf("%s gives %s", schema, got)
		}
	})
}

func FuzzArithmetic(f *testing.F) {
	f.Add("(1 + 2) * -3")
	f.Fuzz(func(t *testing.T, s string) {
		if got, ok := arithmetic(s); ok {
			if _, valid := new(big.Rat).SetString(got); !valid {
				t.Errorf("%q gives %q", s, got)
			}
		}
	})
}

func BenchmarkAnswer(b *testing.B) {
	c := load(b, "chat-thought")
	p := Read(c.system)
	for b.Loop() {
		p.Answer(c.user, Options{})
	}
}
