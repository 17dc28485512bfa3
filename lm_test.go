package dspool

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"
)

const theKey = "sk-very-secret"

func environment(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

func TestAKeyIsNeverShown(t *testing.T) {
	t.Parallel()
	lm := LM{
		Model: "openai/m", APIKey: theKey, APIBase: "https://user:" + theKey + "@host/v1?key=" + theKey,
		Extra: map[string]any{"extra_headers": map[string]string{"x": theKey}},
	}
	config := Config{
		LM: lm, LMs: map[string]LM{"other": lm},
		Tenants: Tenants{Known: map[string]Tenant{"acme": {LM: lm, LMs: map[string]LM{"own": lm}}}},
	}
	var logged bytes.Buffer
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("x", "lm", lm, "key", lm.APIKey, "config", config)
	}
	encoded, err := json.Marshal(map[string]any{"lm": lm, "key": lm.APIKey, "pointer": &lm})
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{"log": logged.String(), "json": string(encoded)}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		shown["key "+verb] = fmt.Sprintf(verb, lm.APIKey)
		shown["lm "+verb] = fmt.Sprintf(verb, lm)
		shown["config "+verb] = fmt.Sprintf(verb, config)
	}
	for how, text := range shown {
		if strings.Contains(text, theKey) || strings.Contains(text, fmt.Sprintf("%x", theKey)) {
			t.Errorf("%s shows the key: %s", how, text)
		}
	}
	if !strings.Contains(shown["lm %v"], "openai/m") || !strings.Contains(shown["lm %v"], "host/v1") {
		t.Errorf("an LM is shown as %q, which says too little", shown["lm %v"])
	}
}

func TestAnEmptySecretLooksEmpty(t *testing.T) {
	t.Parallel()
	if got := fmt.Sprintf("%v", Secret("")); got != "" {
		t.Errorf("an empty secret is shown as %q", got)
	}
}

func TestAWorkersDefinitionOfAnLM(t *testing.T) {
	t.Parallel()
	warm, twice := 0.5, 2
	lm := LM{
		Model: "openai/m", APIKey: theKey, APIBase: "http://h/v1", Temperature: &warm, MaxTokens: 9,
		Timeout: 1500 * time.Millisecond, Retries: &twice, Cache: true, Extra: map[string]any{"top_p": 1}, Direct: true,
	}
	body, hash, err := lm.define().encode()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"model":"openai/m","api_base":"http://h/v1","api_key":"sk-very-secret","temperature":0.5,"max_tokens":9,` +
		`"timeout_s":1.5,"num_retries":2,"cache":true,"extra":{"top_p":1}}`
	if string(body) != want {
		t.Errorf("definition\n%s, want\n%s", body, want)
	}
	lm.Direct = false
	body, _, _ = lm.define().encode()
	want = `{"model":"openai/m","host":true,"host_id":"` + lm.hostID() + `","api_base":"http://h/v1","temperature":0.5,"max_tokens":9,` +
		`"cache":false,"extra":{"top_p":1}}`
	if string(body) != want {
		t.Errorf("definition of one that the host asks\n%s, want\n%s", body, want)
	}
	_, other, _ := LM{Model: "openai/m", APIKey: "another"}.define().encode()
	if len(hash) != 32 || hash == other {
		t.Errorf("hashes %q and %q", hash, other)
	}
}

func TestKeysComeFromTheProvidersUsualVariable(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"openai/gpt-4o":             "OPENAI_API_KEY",
		"gpt-4o-mini":               "OPENAI_API_KEY",
		"anthropic/claude-sonnet-4": "ANTHROPIC_API_KEY",
		"claude-opus-4":             "ANTHROPIC_API_KEY",
		"gemini/gemini-2.5-flash":   "GEMINI_API_KEY",
		"groq/llama":                "GROQ_API_KEY",
		"deepseek/chat":             "DEEPSEEK_API_KEY",
		"openrouter/a/b":            "OPENROUTER_API_KEY",
		"xai/grok":                  "XAI_API_KEY",
		"azure/deployment":          "AZURE_API_KEY",
		"mistral/large":             "MISTRAL_API_KEY",
		"new-provider/x":            "NEW_PROVIDER_API_KEY",
	}
	for model, variable := range tests {
		if got := keyFromEnvironment(model, environment(variable, theKey)); got != theKey {
			t.Errorf("%s: no key although %s is set", model, variable)
		}
	}
	if got := keyFromEnvironment("ollama/llama3", environment("OPENAI_API_KEY", theKey, "OLLAMA_API_KEY", "")); got != "" {
		t.Error("a local model got the key of another provider")
	}
}

func TestAnExplicitKeyWinsOverTheEnvironment(t *testing.T) {
	t.Parallel()
	body, _, err := LM{Model: "openai/m", APIKey: "mine", Direct: true}.withKey(environment("OPENAI_API_KEY", theKey)).define().encode()
	if err != nil || !bytes.Contains(body, []byte(`"mine"`)) {
		t.Errorf("definition %s, %v", body, err)
	}
}

func TestLMFromTheEnvironment(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		env  []string
		want string
		ok   bool
	}{
		"nothing":        {nil, "", false},
		"a model":        {[]string{"DSPOOL_LM", "groq/llama"}, "groq/llama", true},
		"an address":     {[]string{"DSPOOL_LM_BASE", "http://h:1/v1"}, "openai/default at http://h:1/v1", true},
		"both":           {[]string{"DSPOOL_LM", "openai/m", "DSPOOL_LM_BASE", "http://h:1/v1"}, "openai/m at http://h:1/v1", true},
		"a key, nothing": {[]string{"OPENAI_API_KEY", theKey}, "", false},
	}
	for name, tt := range tests {
		lm, ok := lmFrom(environment(tt.env...))
		if ok != tt.ok || lm.String() != tt.want {
			t.Errorf("%s: %q, %v, want %q, %v", name, lm, ok, tt.want, tt.ok)
		}
	}
}

func TestWorkersDoNotInheritKeysAndDetours(t *testing.T) {
	t.Parallel()
	own := []string{
		"PATH=/bin", "OPENAI_API_KEY=" + theKey, "ANTHROPIC_API_KEY=" + theKey, "GOOGLE_API_KEY=" + theKey, "HF_TOKEN=" + theKey,
		"OPENAI_BASE_URL=http://x", "FOO_API_BASE=http://x", "MY_SERVICE_TOKEN=keep", "DSPOOL_LM_KEY=" + theKey,
	}
	got := workerEnv(own, []string{"GROQ_API_KEY=given"})
	want := []string{"PATH=/bin", "MY_SERVICE_TOKEN=keep", "GROQ_API_KEY=given"}
	if !slices.Equal(got, want) {
		t.Errorf("worker environment %q, want %q", got, want)
	}
}

func TestAUsersPythonPathComesAfterTheWorkersOwn(t *testing.T) {
	t.Parallel()
	got := pythonEnv([]string{"PYTHONPATH=/own"}, []string{"A=1", "PYTHONPATH=/users"}, "/own")
	if want := []string{"PYTHONPATH=/own", "A=1", "PYTHONPATH=/own:/users"}; !slices.Equal(got, want) {
		t.Errorf("environment %q, want %q", got, want)
	}
}
