package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/internal/testkit"
)

// A session is one run of the binary in a test.
type session struct {
	code     int
	out, err string
}

// runMain runs the binary's own main function.
func runMain(t *testing.T, stdin string, args ...string) session {
	t.Helper()
	var out, errs bytes.Buffer
	done := make(chan int, 1)
	streams := IO{In: strings.NewReader(stdin), Out: &sharedWriter{w: &out}, Err: &sharedWriter{w: &errs}}
	go func() { done <- Main(args, streams) }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	select {
	case code := <-done:
		return session{code, out.String(), errs.String()}
	case <-ctx.Done():
		t.Fatalf("dspool %q did not end", args)
		return session{}
	}
}

func (s session) must(t *testing.T, code int, out ...string) session {
	t.Helper()
	if s.code != code {
		t.Fatalf("exit code %d, want %d\nstdout: %s\nstderr: %s", s.code, code, s.out, s.err)
	}
	for _, want := range out {
		if !strings.Contains(s.out, want) {
			t.Errorf("no %q in stdout: %s", want, s.out)
		}
	}
	return s
}

// with puts the interpreter of the real tier in front of the arguments.
func with(t *testing.T, args ...string) []string {
	t.Helper()
	testkit.Require(t, "dspy")
	return append([]string{"--python", testkit.Python(t)}, args...)
}

func TestRunRefusesWhatCannotRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"no signature":      {[]string{"run"}, ExitUsage, "signature"},
		"only inputs":       {[]string{"run", "question=x"}, ExitUsage, "signature"},
		"bad signature":     {[]string{"run", "question -> answer: strr", "question=x"}, ExitUsage, "strr"},
		"unknown module":    {[]string{"run", "a -> b", "--module", "Thought", "a=x"}, ExitUsage, "--module Thought"},
		"bad reference":     {[]string{"run", "--func", "shop"}, ExitUsage, "package.module:function"},
		"missing input":     {[]string{"run", "a, b -> c", "a=x", "--lm", "practice"}, ExitUsage, "b"},
		"unknown input":     {[]string{"run", "a -> b", "a=x", "z=1", "--lm", "practice"}, ExitUsage, "z"},
		"wrong type":        {[]string{"run", "n: int -> b", "n=five", "--lm", "practice"}, ExitUsage, "n"},
		"both":              {[]string{"run", "--func", "m:f", "--module", "Predict"}, ExitUsage, "func module"},
		"unknown flag":      {[]string{"run", "--speed"}, ExitUsage, "--speed"},
		"no time":           {[]string{"run", "a -> b", "a=x", "--timeout", "-1s"}, ExitUsage, "--timeout -1s: must be positive"},
		"no folder":         {[]string{"run", "--func", "m:f", "--path", "/does/not/exist"}, ExitUsage, "--path /does/not/exist: there is no such folder"},
		"empty stdin":       {[]string{"run", "a -> b", "-"}, ExitUsage, "standard input"},
		"practice limit":    {[]string{"practice-lm", "--rate-limit", "fast"}, ExitUsage, "REQUESTS/WINDOW"},
		"practice rate":     {[]string{"practice-lm", "--error-rate", "2"}, ExitUsage, "--error-rate"},
		"practice fail":     {[]string{"practice-lm", "--fail", "x"}, ExitUsage, "fail=x"},
		"practice rules":    {[]string{"practice-lm", "--rules", "/does/not/exist"}, ExitUsage, "/does/not/exist"},
		"practice addr":     {[]string{"practice-lm", "--addr", "nowhere:-1"}, ExitEnvironment, "nowhere:-1"},
		"demo with strange": {[]string{"demo", "now"}, ExitUsage, "now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if s := runMain(t, "", c.args...).must(t, c.code); !strings.Contains(s.err, c.want) || s.out != "" {
				t.Errorf("stderr %q, stdout %q", s.err, s.out)
			}
		})
	}
}

func TestRunAnswersASignature(t *testing.T) {
	t.Parallel()
	s := runMain(t, "", with(t, "run", "question: str -> answer: str, confidence: float", "question=What is 2+2?", "--lm", "practice")...)
	s.must(t, ExitOK, "answer: 4\n", "confidence: 0.")
	if s.err != "" {
		t.Errorf("stderr %s", s.err)
	}
}

func TestRunAnswersEveryTypeThroughEveryAdapter(t *testing.T) {
	t.Parallel()
	const sig = "q: str, raw: bytes -> s: str, n: int, f: float, b: bool, l: list[str], li: list[int], d: dict[str, int], " +
		"st: set[str], t: tuple[int, str], o: Optional[int], os: Optional[str], u: int | str, e: Literal['a', 'b'], " +
		"el: list[Literal['x', 'y']], raw2: bytes, when: datetime, day: date, at: time, id: UUID, dec: Decimal, " +
		"p: probability, c: confidence_score, emb: embedding, r: reasoning_chain, any: Any"
	for _, adapter := range []string{"chat", "json", "xml"} {
		t.Run(adapter, func(t *testing.T) {
			t.Parallel()
			args := with(t, "run", sig, "q=the sea at night", "raw=hello", "--lm", "practice", "--adapter", adapter, "--json")
			s := runMain(t, "", args...).must(t, ExitOK)
			var out map[string]json.RawMessage
			if err := json.Unmarshal([]byte(s.out), &out); err != nil || len(out) != 25 {
				t.Errorf("%d outputs, %v in %s", len(out), err, s.out)
			}
		})
	}
}

func TestRunPrintsJSON(t *testing.T) {
	t.Parallel()
	s := runMain(t, `{"text": "I love it"}`, with(t, "run", "text -> mood: Literal['glad', 'happy', 'sad'], tags: list[str]",
		"--module", "ChainOfThought", "--lm", "practice", "--json", "-")...).must(t, ExitOK)
	var out struct {
		Reasoning, Mood string
		Tags            []string
	}
	if err := json.Unmarshal([]byte(s.out), &out); err != nil || out.Mood != "happy" || out.Reasoning == "" || len(out.Tags) == 0 {
		t.Errorf("%v in %s", err, s.out)
	}
}

func TestRunStreams(t *testing.T) {
	t.Parallel()
	args := with(t, "run", "topic -> text, words: int", "topic=the sea and the wind", "--lm", "practice", "--stream")
	runMain(t, "", args...).must(t, ExitOK, "text: ", "wind", "words: ")
	s := runMain(t, "", append(args, "--json")...).must(t, ExitOK, `{"kind":"chunk","field":"text","text":`, `{"kind":"result"`)
	for line := range strings.Lines(s.out) {
		if !json.Valid([]byte(line)) {
			t.Errorf("line %q", line)
		}
	}
}

func TestRunCallsFunctionsAndModules(t *testing.T) {
	t.Parallel()
	folder := filepath.Join("..", "..", "examples", "python")
	order := filepath.Join(t.TempDir(), "order.json")
	if err := os.WriteFile(order, []byte(`{"lines": [{"name": "tea", "price": 4.5, "count": 2}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"run", "--func", "shop:total", "@" + order, "discount=0.5"}, []string{"net: 9.0\n", "to_pay: 4.5\n"}},
		{[]string{"run", "--func", "shop:in_stock", "name=unicorn"}, []string{"false\n"}},
		{[]string{"run", "--func", "shop:countdown", "start=3", "--stream"}, []string{"3\n2\n1\n"}},
		{[]string{"run", "ticket -> urgency, reply", "--module", "triage:Triage", "ticket=Urgent: it burns", "--lm", "practice"}, []string{"urgency: high\n", "reply: "}},
	} {
		runMain(t, "", append(with(t, c.args...), "--path", folder)...).must(t, ExitOK, c.want...)
	}
}

func TestRunExitCodesFollowTheFailure(t *testing.T) {
	t.Parallel()
	lm := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := lm.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lm.Close() })
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"run", "a -> b", "a=x", "--lm", "openai/practice?fail=401", "--lm-base", lm.URL()}, ExitLM, "lm_auth"},
		{[]string{"run", "a -> b: int", "a=x", "--lm", "openai/practice?malformed=wrong_type", "--lm-base", lm.URL()}, ExitFailure, "output_invalid"},
		{[]string{"run", "--func", "shop:total", "--path", "../../examples/python", "lines=[]", "discount=2"}, ExitFailure, "the discount must be"},
		{[]string{"run", "--func", "shop:nothing", "--path", "../../examples/python"}, ExitFailure, "nothing"},
		{[]string{"run", "--func", "no_such_module:f"}, ExitFailure, "no_such_module"},
	} {
		if s := runMain(t, "", with(t, c.args...)...).must(t, c.code); !strings.Contains(s.err, c.want) {
			t.Errorf("%q: stderr %s", c.args, s.err)
		}
	}
	if s := runMain(t, "", "--python", "/does/not/exist", "run", "a -> b", "a=x", "--lm", "practice").must(t, ExitEnvironment); !strings.Contains(s.err, "/does/not/exist") {
		t.Errorf("no interpreter: %s", s.err)
	}
}

func TestRunTellsWhereAFunctionFailed(t *testing.T) {
	t.Parallel()
	args := with(t, "run", "--func", "shop:total", "--path", "../../examples/python", "lines=[]", "discount=2")
	if s := runMain(t, "", args...).must(t, ExitFailure); !strings.Contains(s.err, "program_error: ValueError: the discount must be") || strings.Contains(s.err, "shop.py") {
		t.Errorf("stderr %s", s.err)
	}
	if s := runMain(t, "", append(args, "--verbose")...).must(t, ExitFailure); !strings.Contains(s.err, "shop.py") || !strings.Contains(s.err, "in total") {
		t.Errorf("stderr with --verbose %s", s.err)
	}
}

func TestRunTellsOfALanguageModelInOneLine(t *testing.T) {
	t.Parallel()
	lm := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := lm.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lm.Close() })
	args := with(t, "run", "a -> b", "a=x", "--lm", "openai/practice?fail=401", "--lm-base", lm.URL())
	if s := runMain(t, "", args...).must(t, ExitLM); strings.Count(s.err, "\n") != 1 {
		t.Errorf("stderr %s", s.err)
	}
}

func TestDemoShowsThatAllIsRight(t *testing.T) {
	t.Parallel()
	s := runMain(t, "", with(t, "demo", "--lm", "practice", "--calls", "60")...)
	s.must(t, ExitOK, "practice LM", "Paris", "to_pay      18", "60 of 60", "64 of 64", "recovery after SIGKILL", "every call was answered")
	for line := range strings.Lines(s.out) {
		if len([]rune(line)) > 80 {
			t.Errorf("longer than 80 columns: %s", line)
		}
	}
	if strings.Contains(s.out, "\x1b") {
		t.Error("colours, though nobody looks")
	}
}
