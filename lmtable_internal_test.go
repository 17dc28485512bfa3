package dspool

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/dspool/dspool/internal/catalog"
	"github.com/dspool/dspool/lm"
)

func TestReplacedLanguageModelsStayForAWhileAndThenGo(t *testing.T) {
	t.Parallel()
	defs := catalog.New(1)
	egress, err := lm.New(lm.Config{})
	if err != nil {
		t.Fatal(err)
	}
	table, err := newLMTable(Config{LM: LM{Model: "openai/m", APIKey: "key-number-zero"}}, defs, egress)
	if err != nil {
		t.Fatal(err)
	}
	first, err := table.choose(&Request{Program: &Spec{}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 * replacedMax {
		if err := table.set("", LM{Model: "openai/m", APIKey: Secret(fmt.Sprintf("key-number-%03d", i))}); err != nil {
			t.Fatal(err)
		}
		if _, there := defs.Resolve(lmKind, first); there != (i < replacedMax) {
			t.Fatalf("after %d replacements the first one is there: %v", i+1, there)
		}
	}
	if n := defs.Len(); n != replacedMax+1 {
		t.Errorf("%d definitions are kept", n)
	}
	if got := table.redact("a key-number-127 z"); got != "a "+redacted+" z" {
		t.Errorf("shown as %q", got)
	}
}

func TestKeysFromFilesAndCallbacksAreTakenOutOfTextToo(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("a-key-in-a-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	provider := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer provider.Close()
	turn := 0
	table := newTestTable(t, Config{
		LM: LM{Model: "openai/m", APIBase: provider.URL, KeyFile: file},
		LMs: map[string]LM{
			"rotating": {Model: "openai/m", APIBase: provider.URL, KeyFunc: func(context.Context) (string, error) {
				turn++
				return fmt.Sprint("rotated-key-", turn), nil
			}},
			"direct": {
				Model: "bedrock/m", Direct: true, APIBase: "http://u:a-pass-word@h/",
				Extra: map[string]any{"extra_headers": map[string]any{"x": "a-header-secret"}, "top_p": "a-shown-value"},
			},
		},
	})
	for _, name := range []string{"", "rotating", "rotating"} {
		ask := &lm.Request{Method: http.MethodPost, URL: provider.URL + "/x"}
		resp, err := table.egress.Exchange(t.Context(), table.view.Load().entries[name].host, ask)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
	}
	table.egress.Close()
	given := "a-key-in-a-file rotated-key-1 rotated-key-2 a-pass-word a-header-secret a-shown-value"
	want := strings.Repeat(redacted+" ", 5) + "a-shown-value"
	if got := table.redact(given); got != want {
		t.Errorf("shown as %q", got)
	}
	for i := range 2 * learnedMax {
		table.learn(fmt.Sprint("another-key-", i))
	}
	if n := len(table.learned); n != learnedMax {
		t.Errorf("%d keys are remembered", n)
	}
}

func TestSecretsOfAHostedLanguageModelAreRefusedOutsideItsKey(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lm   LM
		says string
	}{
		"a header":    {LM{Model: "openai/m", Extra: map[string]any{"extra_headers": 1}}, `LM.Extra["extra_headers"]`},
		"a token":     {LM{Model: "openai/m", Extra: map[string]any{"session_token": 1}}, `LM.Extra["session_token"]`},
		"credentials": {LM{Model: "openai/m", APIBase: "http://u:p@h/v1"}, "LM.APIBase"},
		"a query":     {LM{Model: "openai/m", APIBase: "http://h/v1?key=x"}, "LM.APIBase"},
	} {
		if err := tt.lm.Validate(); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", name, err)
		}
		if tt.lm.Direct = true; tt.lm.Validate() != nil {
			t.Errorf("%s, direct: %v", name, tt.lm.Validate())
		}
	}
	if err := (LM{Model: "openai/m", Extra: map[string]any{"max_completion_tokens": 5, "prompt_cache_key": "k"}}).Validate(); err != nil {
		t.Error(err)
	}
}

// Two processes with the same configuration share a cache on disk; two LMs with
// different keys never share an answer.
func TestWhatSeparatesCachedAnswers(t *testing.T) {
	t.Parallel()
	callback := func(context.Context) (string, error) { return "", nil }
	base := LM{Model: "openai/m", APIBase: "http://h/v1", APIKey: "key-one"}
	seen := map[string]string{}
	for name, change := range map[string]func(*LM){
		"base": func(*LM) {}, "key": func(l *LM) { l.APIKey = "key-two" }, "address": func(l *LM) { l.APIBase = "http://i/v1" },
		"model": func(l *LM) { l.Model = "openai/n" }, "file": func(l *LM) { l.APIKey, l.KeyFile = "", "f" },
		"callback": func(l *LM) { l.APIKey, l.KeyFunc = "", callback }, "none": func(l *LM) { l.APIKey = "" },
	} {
		l := base
		change(&l)
		id := l.cacheID("")
		if other, twice := seen[id]; twice {
			t.Errorf("%s shares the answers of %s", name, other)
		}
		seen[id] = name
		l.serial, l.Timeout, l.Limits = 7, 9, lm.Limits{Concurrent: 1}
		if l.cacheID("") != id {
			t.Errorf("%s: what does not change answers separates them", name)
		}
		if separate := l.cacheID("x") != id; separate != (l.KeyFunc != nil) {
			t.Errorf("%s: another name separates: %v", name, separate)
		}
	}
}
