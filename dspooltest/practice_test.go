package dspooltest_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool/dspooltest"
)

// start runs a practice LM for one test.
func start(t *testing.T, config dspooltest.PracticeConfig) *dspooltest.PracticeLM {
	t.Helper()
	lm := dspooltest.NewPracticeLM(config)
	if err := lm.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lm.Close(); err != nil {
			t.Error(err)
		}
	})
	return lm
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// ask makes the body of a request with one message of the user.
func ask(model, text string, more ...string) string {
	quoted, _ := json.Marshal(text)
	name, _ := json.Marshal(model)
	return `{"model":` + string(name) + `,"messages":[{"role":"user","content":` + string(quoted) + `}]` + strings.Join(more, "") + `}`
}

// answer is what tests look at of a reply.
type answer struct {
	status int
	header http.Header
	raw    string
	err    error // while the body was read

	Choices []struct {
		FinishReason string `json:"finish_reason"`
		Text         string
		Message      struct {
			Content   *string
			ToolCalls []struct {
				ID       string
				Function struct{ Name, Arguments string }
			} `json:"tool_calls"`
		}
	}
	Usage struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
		TotalTokens      int `json:"total_tokens"`
	}
	Error struct{ Message, Type, Code string }
}

func (a *answer) text() string {
	if len(a.Choices) == 0 || a.Choices[0].Message.Content == nil {
		return ""
	}
	return *a.Choices[0].Message.Content
}

func post(t *testing.T, lm *dspooltest.PracticeLM, path, body string, headers ...string) *answer {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t), http.MethodPost, lm.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return &answer{err: err}
	}
	defer resp.Body.Close()
	a := &answer{status: resp.StatusCode, header: resp.Header}
	raw, err := io.ReadAll(resp.Body)
	a.raw, a.err = string(raw), err
	_ = json.Unmarshal(raw, a) // some are not JSON on purpose
	return a
}

func chat(t *testing.T, lm *dspooltest.PracticeLM, body string, headers ...string) *answer {
	t.Helper()
	return post(t, lm, "/chat/completions", body, headers...)
}

func get(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(within(t), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func prompt(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "prompts", name+".json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestPracticeLMAnswersPlainQuestionsWithUsage(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	a := chat(t, lm, ask("practice", "What is 2+2?"))
	if a.status != 200 || a.text() != "4" || a.Choices[0].FinishReason != "stop" {
		t.Errorf("answer %d %s", a.status, a.raw)
	}
	if u := a.Usage; u.PromptTokens != 7 || u.CompletionTokens != 1 || u.TotalTokens != 8 {
		t.Errorf("usage %+v", u)
	}
	if again := chat(t, lm, ask("practice", "What is 2+2?")); again.raw != a.raw {
		t.Errorf("the second answer differs: %s", again.raw)
	}
}

func TestPracticeLMGivesEachChoiceAnAnswer(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	a := chat(t, lm, ask("practice", "Tell me about the sea", `,"n":3`))
	if len(a.Choices) != 3 {
		t.Fatalf("answer %s", a.raw)
	}
}

func TestPracticeLMFollowsResponseFormats(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	schema := `,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"n":{"type":"integer","minimum":3,"maximum":3}},"required":["n"]}}}`
	if a := chat(t, lm, ask("practice", "x", schema)); a.text() != `{"n": 3}` {
		t.Errorf("json_schema gives %s", a.text())
	}
	if a := chat(t, lm, ask("practice", "2*21", `,"response_format":{"type":"json_object"}`)); a.text() != `{"answer": "42"}` {
		t.Errorf("json_object gives %s", a.text())
	}
}

func TestPracticeLMCallsAToolOnce(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	tools := `,"tools":[{"type":"function","function":{"name":"add","parameters":{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}}}}}]`
	a := chat(t, lm, ask("practice", "Add 17 and 25", tools))
	if len(a.Choices) != 1 || a.Choices[0].FinishReason != "tool_calls" || a.Choices[0].Message.Content != nil {
		t.Fatalf("answer %s", a.raw)
	}
	if call := a.Choices[0].Message.ToolCalls[0].Function; call.Name != "add" || call.Arguments != `{"a": 17, "b": 25}` {
		t.Errorf("call %+v", call)
	}
	after := strings.Replace(ask("practice", "Add 17 and 25", tools), `}],"tools"`, `},{"role":"tool","content":"42"}],"tools"`, 1)
	if a := chat(t, lm, after); a.text() == "" {
		t.Errorf("after the tool's result: %s", a.raw)
	}
	if a := chat(t, lm, ask("practice", "Add 17 and 25", tools, `,"tool_choice":"none"`)); a.text() == "" {
		t.Errorf("with tool_choice none: %s", a.raw)
	}
}

func TestPracticeLMStreamsTheWholeAnswerAndItsUsage(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	body := strings.TrimSuffix(strings.TrimSpace(prompt(t, "chat-thought")), "}")
	whole := chat(t, lm, body+"}")
	stream := chat(t, lm, body+`,"stream":true,"stream_options":{"include_usage":true}}`)
	var text strings.Builder
	events := strings.Split(strings.TrimSpace(stream.raw), "\n\n")
	for _, event := range events[:len(events)-1] {
		var chunk struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if err := json.Unmarshal([]byte(strings.TrimPrefix(event, "data: ")), &chunk); err != nil {
			t.Fatalf("%v in %s", err, event)
		}
		for _, c := range chunk.Choices {
			text.WriteString(c.Delta.Content)
		}
	}
	if text.String() != whole.text() {
		t.Errorf("streamed %q, whole %q", text.String(), whole.text())
	}
	if last := events[len(events)-1]; last != "data: [DONE]" || !strings.Contains(events[len(events)-2], `"total_tokens"`) {
		t.Errorf("the stream ends with %s, %s", events[len(events)-2], last)
	}
	if !strings.HasPrefix(stream.header.Get("Content-Type"), "text/event-stream") || len(events) < 10 {
		t.Errorf("%d events of type %s", len(events), stream.header.Get("Content-Type"))
	}
}

func TestPracticeLMCutsAnswersAtTheTokenLimit(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	a := chat(t, lm, ask("practice", "Tell me about the sea", `,"max_tokens":2`))
	if a.Usage.CompletionTokens != 2 || a.Choices[0].FinishReason != "length" {
		t.Errorf("answer %s", a.raw)
	}
}

func TestPracticeLMServesTheOlderFormAndTheModelList(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{Models: []string{"a", "b"}})
	if a := post(t, lm, "/completions", `{"model":"practice","prompt":"What is 6*7?"}`); len(a.Choices) != 1 || a.Choices[0].Text != "42" {
		t.Errorf("answer %s", a.raw)
	}
	if raw := get(t, lm.URL()+"/models"); !strings.Contains(raw, `"id":"a"`) || !strings.Contains(raw, `"id":"b"`) {
		t.Errorf("models %s", raw)
	}
	if raw := get(t, lm.URL()+"/models/a"); !strings.Contains(raw, `"id":"a"`) {
		t.Errorf("model %s", raw)
	}
	stats := strings.TrimSuffix(lm.URL(), "/v1") + "/practice/stats"
	if raw := get(t, stats); !strings.Contains(raw, `"requests":1`) {
		t.Errorf("stats %s", raw)
	}
}

func TestPracticeLMRefusesBadRequestsAsProvidersDo(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	for name, body := range map[string]string{
		"no JSON":      `{"model":`,
		"no model":     `{"messages":[{"role":"user","content":"x"}]}`,
		"no messages":  `{"model":"practice","messages":[]}`,
		"n too large":  ask("practice", "x", `,"n":1000`),
		"bad options":  ask("practice?fail=nonsense", "x"),
		"bad option":   ask("practice?speed=1", "x"),
		"wrong types":  `{"model":5,"messages":"x"}`,
		"bad duration": ask("practice?latency=fast", "x"),
		"bad rate":     ask("practice?error_rate=2", "x"),
		"bad malform":  ask("practice?malformed=x", "x"),
		"bad escape":   ask("practice?%zz", "x"),
	} {
		if a := chat(t, lm, body); a.status != 400 || a.Error.Message == "" || a.Error.Type != "invalid_request_error" {
			t.Errorf("%s: %d %s", name, a.status, a.raw)
		}
	}
	if a := post(t, lm, "/nothing", "{}"); a.status != 404 || a.Error.Message == "" {
		t.Errorf("unknown path: %d %s", a.status, a.raw)
	}
}

func TestPracticeLMFailsOnDemand(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	for _, c := range []struct {
		options, code, retry string
		status               int
	}{
		{"fail=401", "invalid_api_key", "", 401},
		{"fail=404", "model_not_found", "", 404},
		{"fail=408", "timeout", "", 408},
		{"fail=429", "rate_limit_exceeded", "1", 429},
		{"fail=429&retry_after=2500ms", "rate_limit_exceeded", "3", 429},
		{"fail=quota", "insufficient_quota", "", 429},
		{"fail=context_length", "context_length_exceeded", "", 400},
		{"fail=400", "invalid_value", "", 400},
		{"fail=500", "", "", 500},
		{"fail=503&retry_after=1s", "overloaded", "1", 503},
		{"fail=418", "", "", 418},
		{"error_rate=1", "", "", 500},
	} {
		a := chat(t, lm, ask("practice?"+c.options, "x"))
		if a.status != c.status || a.Error.Code != c.code || a.header.Get("Retry-After") != c.retry || a.Error.Message == "" {
			t.Errorf("%s: %d %s, Retry-After %q", c.options, a.status, a.raw, a.header.Get("Retry-After"))
		}
	}
	if a := chat(t, lm, ask("practice", "x"), "X-Practice", "fail=401"); a.status != 401 {
		t.Errorf("by header: %d", a.status)
	}
	if a := chat(t, lm, ask("practice?fail=reset", "x")); a.err == nil {
		t.Errorf("reset: %d %s", a.status, a.raw)
	}
}

func TestPracticeLMBreaksAnswersOnDemand(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	if a := chat(t, lm, ask("practice?malformed=bad_json", "x")); a.status != 200 || json.Valid([]byte(a.raw)) {
		t.Errorf("bad_json: %d %q", a.status, a.raw)
	}
	if a := chat(t, lm, ask("practice?malformed=empty_body", "x")); a.status != 200 || a.raw != "" {
		t.Errorf("empty_body: %d %q", a.status, a.raw)
	}
	if a := chat(t, lm, ask("practice?malformed=no_choices", "x")); a.status != 200 || len(a.Choices) != 0 || !json.Valid([]byte(a.raw)) {
		t.Errorf("no_choices: %d %q", a.status, a.raw)
	}
	if a := chat(t, lm, ask("practice?malformed=cut_body", "x")); !errors.Is(a.err, io.ErrUnexpectedEOF) {
		t.Errorf("cut_body: %d %q, error %v", a.status, a.raw, a.err)
	}
	cut := chat(t, lm, ask("practice?malformed=cut_stream", "Tell me about the sea", `,"stream":true`))
	if cut.err == nil || !strings.HasPrefix(cut.raw, "data: ") || strings.Contains(cut.raw, "[DONE]") {
		t.Errorf("cut_stream: %q, error %v", cut.raw, cut.err)
	}
	body := strings.Replace(prompt(t, "chat-thought"), `"practice"`, `"practice?malformed=missing_field"`, 1)
	if a := chat(t, lm, body); !strings.Contains(a.text(), "## mood ##") || strings.Contains(a.text(), "## tags ##") {
		t.Errorf("missing_field: %s", a.text())
	}
}

func TestPracticeLMErrorRateIsMetEvenly(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{Behaviour: dspooltest.Behaviour{ErrorRate: 0.25, Fail: dspooltest.FailOverloaded}})
	for range 100 {
		chat(t, lm, ask("practice", "x"))
	}
	if failed := lm.Stats().ByStatus["503"]; failed < 23 || failed > 27 {
		t.Errorf("%d of 100 failed", failed)
	}
}

func TestPracticeLMRecoversAfterTheFirstFailures(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	var got []int
	for range 4 {
		got = append(got, chat(t, lm, ask("practice?fail=500&first=2", "the same")).status)
	}
	if got[0] != 500 || got[1] != 500 || got[2] != 200 || got[3] != 200 {
		t.Errorf("statuses %v", got)
	}
	if other := chat(t, lm, ask("practice?fail=500&first=2", "another")); other.status != 500 {
		t.Errorf("another request: %d", other.status)
	}
}

func TestPracticeLMFollowsTheFirstRuleThatMatches(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{Rules: []dspooltest.Rule{
		{Contains: "weather", Times: 1, Behaviour: dspooltest.Behaviour{Content: "Rain."}},
		{Contains: "weather", Behaviour: dspooltest.Behaviour{Content: "Sun."}},
		{Model: "slow", Behaviour: dspooltest.Behaviour{Fail: dspooltest.FailTimeout}},
		{
			Match:     func(r dspooltest.PracticeRequest) bool { return r.Key == dspooltest.KeyHash("bad") },
			Behaviour: dspooltest.Behaviour{Fail: dspooltest.FailAuth},
		},
	}})
	if a := chat(t, lm, ask("practice", "How is the weather?")); a.text() != "Rain." {
		t.Errorf("first: %s", a.raw)
	}
	if a := chat(t, lm, ask("practice", "How is the weather?")); a.text() != "Sun." {
		t.Errorf("second: %s", a.raw)
	}
	if a := chat(t, lm, ask("slow", "x")); a.status != 408 {
		t.Errorf("by model: %d", a.status)
	}
	if a := chat(t, lm, ask("practice", "x"), "Authorization", "Bearer bad"); a.status != 401 {
		t.Errorf("by key: %d", a.status)
	}
}

func TestPracticeLMAnswersWithTheFieldsItIsGiven(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	body := strings.Replace(prompt(t, "chat-thought"), `"practice"`, `"practice?field.answer=%22Lyon%22"`, 1)
	if a := chat(t, lm, body); !strings.Contains(a.text(), "[[ ## answer ## ]]\nLyon\n") {
		t.Errorf("answer %s", a.text())
	}
}

func TestPracticeLMLimitsTheRateOfEachKey(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{Limit: dspooltest.RateLimit{Requests: 2, Window: time.Hour}})
	var got []int
	for range 3 {
		got = append(got, chat(t, lm, ask("practice", "x"), "Authorization", "Bearer one").status)
	}
	if got[0] != 200 || got[1] != 200 || got[2] != 429 {
		t.Errorf("statuses %v", got)
	}
	if a := chat(t, lm, ask("practice", "x"), "Authorization", "Bearer two"); a.status != 200 {
		t.Errorf("another key: %d", a.status)
	}
	if a := chat(t, lm, ask("practice", "x"), "Authorization", "Bearer one"); a.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
}

func TestPracticeLMCountsWhatItServes(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{Behaviour: dspooltest.Behaviour{Fail: dspooltest.FailHang}})
	ctx, cancel := context.WithCancel(within(t))
	defer cancel()
	var clients sync.WaitGroup
	for range 3 {
		clients.Go(func() {
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, lm.URL()+"/chat/completions", strings.NewReader(ask("practice", "x")))
			req.Header.Set("Authorization", "Bearer secret-key")
			if resp, err := http.DefaultClient.Do(req); err == nil {
				resp.Body.Close()
			}
		})
	}
	if err := lm.WaitInFlight(within(t), 3); err != nil {
		t.Fatal(err)
	}
	cancel()
	clients.Wait()
	if err := lm.Close(); err != nil {
		t.Fatal(err)
	}
	s := lm.Stats()
	if s.Requests != 3 || s.InFlight != 0 || s.MaxInFlight != 3 || s.Abandoned != 3 || s.ByKey[dspooltest.KeyHash("secret-key")] != 3 {
		t.Errorf("stats %+v", s)
	}
	if raw, _ := json.Marshal(s); strings.Contains(string(raw), "secret") {
		t.Errorf("a key shows in %s", raw)
	}
}

func TestPracticeLMWaitsForItsLatency(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	began := time.Now()
	chat(t, lm, ask("practice?latency=30ms-40ms", "x"))
	if took := time.Since(began); took < 30*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
}

func TestPracticeLMStartsOnceAndClosesAnyNumberOfTimes(t *testing.T) {
	t.Parallel()
	lm := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := lm.Close(); err != nil || lm.URL() != "" {
		t.Errorf("close before start: %v, URL %q", err, lm.URL())
	}
	if err := lm.Start(); err != nil {
		t.Fatal(err)
	}
	if err := lm.Start(); err == nil {
		t.Error("a second start succeeds")
	}
	for range 2 {
		if err := lm.Close(); err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkPracticeLM(b *testing.B) {
	lm := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := lm.Start(); err != nil {
		b.Fatal(err)
	}
	defer lm.Close()
	raw, err := os.ReadFile(filepath.Join("testdata", "prompts", "chat-thought.json"))
	if err != nil {
		b.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			resp, err := client.Post(lm.URL()+"/chat/completions", "application/json", strings.NewReader(string(raw)))
			if err != nil {
				b.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
		}
	})
	client.CloseIdleConnections()
}
