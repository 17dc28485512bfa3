package dspool_test

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

type question struct {
	Text  string   `json:"text"`
	Limit int      `json:"limit" dspool:"min=1,max=9"`
	Tags  []string `json:"tags"`
}

type answer struct {
	Answer string  `json:"answer" dspool:"desc=in one sentence"`
	Score  float64 `json:"score" dspool:"min=0,max=1"`
	Mood   string  `json:"mood,omitempty" dspool:"enum=good|bad"`
}

func TestATypedCallSendsAndReadsStructs(t *testing.T) {
	t.Parallel()
	p := dspool.Predict[question, answer]("Answer.", dspool.Named("qa"))
	r := says(`{"answer":"yes","score":1}`)
	out, err := p.Call(soon(t), r, question{Text: "why?", Limit: 3})
	if err != nil {
		t.Fatal(err)
	}
	if want := (answer{Answer: "yes", Score: 1}); out != want {
		t.Errorf("got %+v", out)
	}
	if got, want := string(r.last().Input), `{"text":"why?","limit":3,"tags":[]}`; got != want {
		t.Errorf("sent %s, want %s", got, want)
	}
	raw, _, err := p.Spec().Definition()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"kind":"predict","signature":{"name":"qa","instructions":"Answer.","inputs":[` +
		`{"name":"text","schema":{"type":"string"},"required":true},{"name":"limit","schema":{"type":"integer","minimum":1,"maximum":9},"required":true},` +
		`{"name":"tags","schema":{"type":"array","items":{"type":"string"}},"required":true}],"outputs":[` +
		`{"name":"answer","desc":"in one sentence","schema":{"type":"string"},"required":true},` +
		`{"name":"score","schema":{"type":"number","minimum":0,"maximum":1},"required":true},` +
		`{"name":"mood","schema":{"type":["string","null"],"enum":["good","bad",null]},"required":false}]}}`
	if string(raw) != want {
		t.Errorf("definition\n got %s\nwant %s", raw, want)
	}
}

func TestBadInputsNeverReachTheRunner(t *testing.T) {
	t.Parallel()
	r := says(`{}`)
	p := dspool.Predict[question, answer]("")
	_, err := p.Call(soon(t), r, question{Text: "a\xff", Limit: 10, Tags: []string{"ok", "\xfe"}})
	wantFault(t, err, fault.InvalidArgument, "input.text: not valid UTF-8 at byte 2", "input.tags[1]: not valid UTF-8")
	_, err = p.Call(soon(t), r, question{Limit: 10})
	wantFault(t, err, fault.InvalidArgument, "input.limit: expected at most 9, found 10")

	type vector struct {
		V []float64 `json:"v"`
	}
	_, err = dspool.Func[vector, any]("m:f").Call(soon(t), r, vector{[]float64{1, math.NaN()}})
	wantFault(t, err, fault.InvalidArgument, "input.v[1]: NaN is not a number in JSON")
	_, err = dspool.Func[*vector, any]("m:f").Call(soon(t), r, nil)
	wantFault(t, err, fault.InvalidArgument, "nil *dspool_test.vector")
	if len(r.requests) > 0 {
		t.Errorf("%d requests came through", len(r.requests))
	}
}

func TestBadOutputsAreNotResults(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, output, want string }{
		{"missing", `{"answer":"x"}`, "output.score: missing"},
		{"unknown", `{"answer":"x","score":1,"more":1}`, "output.more: unknown"},
		{"out of range", `{"answer":"x","score":1.5}`, "output.score: expected at most 1, found 1.5"},
		{"wrong type", `{"answer":5,"score":1}`, "output.answer: expected a string, found the number 5"},
		{"not one of several", `{"answer":"x","score":1,"mood":"so so"}`, `output.mood: expected one of "good", "bad"`},
		{"several at once", `{"score":2}`, "2 problems with the output: output.score: expected at most 1, found 2; output.answer: missing"},
		{"no JSON", `{"answer"`, "not valid JSON at byte 10"},
		{"nothing", ``, "output.answer: missing"},
		{"null", `null`, "output: expected an object, found null"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := dspool.Predict[question, answer]("").Call(soon(t), says(c.output), question{Limit: 1})
			wantFault(t, err, fault.OutputInvalid, c.want)
			if fault.From(err).Worker != "w1" {
				t.Errorf("the error does not name the worker: %v", err)
			}
		})
	}
}

func TestChainOfThoughtGivesItsReasoning(t *testing.T) {
	t.Parallel()
	r := says(`{"reasoning":"because","answer":"yes","score":0.5}`)
	res, err := dspool.ChainOfThought[question, answer]("").Do(soon(t), r, question{Limit: 1})
	if err != nil || res.Reasoning != "because" || res.Output.Answer != "yes" || res.Worker != "w1" || res.Attempts != 1 {
		t.Errorf("%+v, %v", res, err)
	}
	type reasoned struct {
		Reasoning string `json:"reasoning"`
		Answer    string `json:"answer"`
	}
	p := dspool.ChainOfThought[question, reasoned]("")
	out, err := p.Call(soon(t), says(`{"reasoning":"because","answer":"yes"}`), question{Limit: 1})
	if err != nil || out.Reasoning != "because" {
		t.Errorf("%+v, %v", out, err)
	}
	raw, _, err := p.Spec().Definition()
	if err != nil || strings.Contains(string(raw), "reasoning") {
		t.Errorf("the worker is told of an output that it adds itself: %s, %v", raw, err)
	}
}

func TestABrokenProgramFailsAtEveryUse(t *testing.T) {
	t.Parallel()
	type bad struct {
		Ch chan int `json:"ch"`
	}
	type taken struct {
		LM string `json:"lm"`
	}
	type schemaless struct {
		A string `json:"a" dspool:"mni=1"`
	}
	programs := map[string]interface{ Validate() error }{
		"chan int cannot be expressed in JSON":          dspool.Predict[bad, answer](""),
		`input "lm": the name collides`:                 dspool.Predict[taken, answer](""),
		`no key "mni"`:                                  dspool.Predict[question, schemaless](""),
		"the outputs are a struct, not string":          dspool.Predict[question, string](""),
		"the inputs are a struct, not int":              dspool.Func[int, string]("m:f"),
		`the reference "m.f" does not name Python code`: dspool.Func[question, string]("m.f"),
		"the program is a zero value":                   dspool.Program[question, answer]{},
		"has no outputs":                                dspool.Predict[question, struct{}](""),
		`no adapter "yaml"`:                             dspool.Predict[question, answer]("", dspool.WithAdapter("yaml")),
		`option "api_key" belongs into`:                 dspool.Predict[question, answer]("", dspool.WithOption("api_key", "x")),
		`option "temperature" cannot be written`:        dspool.Predict[question, answer]("", dspool.WithTemperature(math.NaN())),
		`the program's name "a b" is not an identifier`: dspool.Predict[question, answer]("", dspool.Named("a b")),
		"demo 1: input.answer: expected a string":       dspool.Predict[question, answer]("", dspool.WithDemos(dspool.Demo{Output: map[string]any{"answer": 5}})),
	}
	for want, p := range programs {
		wantFault(t, p.Validate(), fault.InvalidArgument, want)
	}
	_, err := dspool.Predict[bad, answer]("").Call(soon(t), says(`{}`), bad{})
	wantFault(t, err, fault.InvalidArgument, "Ch: chan int")
	for _, err := range (dspool.Program[question, answer]{}).Stream(soon(t), says(`{}`), question{}) {
		wantFault(t, err, fault.InvalidArgument, "zero value")
	}
}

func TestFunctionsGiveAnyType(t *testing.T) {
	t.Parallel()
	ctx := soon(t)
	type in struct {
		N *big.Int `json:"n"`
	}
	n, _ := new(big.Int).SetString("123456789012345678901234567890", 10)
	r := says(`123456789012345678901234567890`)
	if out, err := dspool.Func[in, *big.Int]("m:f").Call(ctx, r, in{n}); err != nil || out.Cmp(n) != 0 {
		t.Errorf("%v, %v", out, err)
	}
	if got := string(r.last().Input); got != `{"n":123456789012345678901234567890}` {
		t.Errorf("sent %s", got)
	}
	if out, err := dspool.Func[in, any]("m:f").Call(ctx, r, in{}); err != nil || out != json.Number("123456789012345678901234567890") {
		t.Errorf("%v, %v", out, err)
	}
	if out, err := dspool.Func[map[string]any, []string]("m:f").Call(ctx, says(`["a"]`), map[string]any{"x": 1}); err != nil || len(out) != 1 {
		t.Errorf("%v, %v", out, err)
	}
	if _, err := dspool.Func[in, struct{}]("m:f").Call(ctx, says(`null`), in{}); err != nil {
		t.Error(err)
	}
	if out, err := dspool.Func[in, *answer]("m:f").Call(ctx, says(`null`), in{}); err != nil || out != nil {
		t.Errorf("%v, %v", out, err)
	}
	if out, err := dspool.Func[in, answer]("m:f").Call(ctx, says(`{"answer":"x","score":0,"more":[1]}`), in{}); err != nil || out.Answer != "x" {
		t.Errorf("%v, %v", out, err)
	}
	if out, err := dspool.Func[in, time.Time]("m:f").Call(ctx, says(`"2025-01-31T12:00:00"`), in{}); err != nil || out.Hour() != 12 {
		t.Errorf("%v, %v", out, err)
	}
	if out, err := dspool.Func[in, int]("m:f").Call(ctx, says(`42.0`), in{}); err != nil || out != 42 {
		t.Errorf("%v, %v", out, err)
	}
	for output, want := range map[string]string{
		`{"answer":"x"}`:                "output.score: missing",
		`null`:                          "output: expected an object, found null",
		`{"answer":"x","score":"high"}`: `output.score: expected a number, found the string "high"`,
	} {
		_, err := dspool.Func[in, answer]("m:f").Call(ctx, says(output), in{})
		wantFault(t, err, fault.OutputInvalid, want)
	}
	_, err := dspool.Func[in, int8]("m:f").Call(ctx, says(`300`), in{})
	wantFault(t, err, fault.OutputInvalid, "output: the JSON number 300 does not fit the Go type int8")
}

func TestAModuleMayGiveMoreThanIsAskedFor(t *testing.T) {
	t.Parallel()
	type out struct {
		Items []string `json:"items"` // a name that only DSPy's own modules cannot have
	}
	p := dspool.Module[question, out]("pkg.mod:Class", dspool.Exclusive(), dspool.Idempotent(), dspool.WithLM("big"))
	got, err := p.Call(soon(t), says(`{"items":["a"],"trajectory":{"x":1}}`), question{Limit: 1})
	if err != nil || len(got.Items) != 1 {
		t.Errorf("%v, %v", got, err)
	}
	spec := p.Spec()
	if !spec.Exclusive || !spec.Idempotent || spec.LM != "big" || p.String() != "pkg.mod:Class" {
		t.Errorf("%+v", spec)
	}
}

func TestBytesTravelBesideTheJSONBothWays(t *testing.T) {
	t.Parallel()
	type blob struct {
		Name string `json:"name"`
		Data []byte `json:"data"`
	}
	big := bytes.Repeat([]byte("x"), 1<<16)
	r := &fakeRunner{answer: func(_ context.Context, req dspool.Request) (dspool.Response, error) {
		if err := req.Program.Validate(); err != nil {
			return dspool.Response{}, err
		}
		return dspool.Response{Output: req.Input, Attachments: req.Attachments}, nil
	}}
	for name, p := range map[string]dspool.Program[blob, blob]{
		"func": dspool.Func[blob, blob]("m:f"),
	} {
		out, err := p.Call(soon(t), r, blob{"n", big})
		if err != nil || !bytes.Equal(out.Data, big) || out.Name != "n" {
			t.Errorf("%s: %v", name, err)
		}
		if got := string(r.last().Input); got != `{"name":"n"}` {
			t.Errorf("%s: sent %s", name, got)
		}
		out, err = p.Call(soon(t), r, blob{"n", []byte("small")})
		if err != nil || string(out.Data) != "small" || r.last().Attachments != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	whole := &fakeRunner{answer: func(context.Context, dspool.Request) (dspool.Response, error) {
		return dspool.Response{Attachments: map[string][]byte{"": big}}, nil
	}}
	if out, err := dspool.Func[blob, []byte]("m:f").Call(soon(t), whole, blob{}); err != nil || !bytes.Equal(out, big) {
		t.Error(err)
	}
	_, err := dspool.Func[blob, string]("m:f").Call(soon(t), whole, blob{})
	wantFault(t, err, fault.OutputInvalid, "found bytes")
}

func TestAStreamEndsWithTheTypedResult(t *testing.T) {
	t.Parallel()
	r := says(`{"answer":"yes","score":1}`)
	r.events = []dspool.Event{{Kind: dspool.EventChunk, Field: "answer", Text: "ye"}, {Kind: dspool.EventChunk, Field: "answer", Text: "s", Last: true}}
	var text string
	var last *dspool.Result[answer]
	for u, err := range dspool.Predict[question, answer]("").Stream(soon(t), r, question{Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		text += u.Text
		last = u.Result
	}
	if text != "yes" || last == nil || last.Output.Answer != "yes" {
		t.Errorf("%q, %+v", text, last)
	}
}

func TestAStreamReportsABadResult(t *testing.T) {
	t.Parallel()
	var got error
	for u, err := range dspool.Predict[question, answer]("").Stream(soon(t), says(`{}`), question{Limit: 1}) {
		if got = err; u.Result != nil {
			t.Errorf("%+v", u.Result)
		}
	}
	wantFault(t, got, fault.OutputInvalid, "output.answer: missing")
}

func TestAGeneratorHasItemsAndNoResult(t *testing.T) {
	t.Parallel()
	r := says(`null`)
	r.events = []dspool.Event{{Kind: dspool.EventItem, Data: json.RawMessage(`1`)}, {Kind: dspool.EventItem, Data: json.RawMessage(`2`)}}
	n, ended := 0, false
	for u, err := range dspool.Func[question, answer]("m:count").Stream(soon(t), r, question{Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if u.Kind == dspool.EventItem {
			n++
		}
		ended = u.Result != nil
	}
	if n != 2 || !ended {
		t.Errorf("%d items, ended %v", n, ended)
	}
}

func TestLeavingAStreamLeavesTheRunnersLoop(t *testing.T) {
	t.Parallel()
	r := says(`{"answer":"yes","score":1}`)
	r.events = make([]dspool.Event, 5)
	for range dspool.Predict[question, answer]("").Stream(soon(t), r, question{Limit: 1}) {
		break
	}
	if len(r.requests) != 0 {
		t.Error("the Runner went on")
	}
}

// What the type cannot get wrong is not checked again: the inputs of such a
// program cost what encoding/json costs and little more.
func BenchmarkRequest(b *testing.B) {
	type in struct {
		Question string `json:"question"`
		K        int    `json:"k"`
	}
	p := dspool.Predict[in, answer]("")
	b.Run("dspool", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Request(in{"why?", 3}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("encoding/json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(&in{"why?", 3}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkResult(b *testing.B) {
	p := dspool.Predict[question, answer]("")
	resp := dspool.Response{Output: json.RawMessage(`{"answer":"because it is so","score":0.75,"mood":"good"}`)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := p.Result(resp); err != nil {
			b.Fatal(err)
		}
	}
}
