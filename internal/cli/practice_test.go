package cli

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestPracticeLMServesUntilItIsInterrupted(t *testing.T) {
	t.Parallel()
	rules := filepath.Join(t.TempDir(), "rules.json")
	if err := os.WriteFile(rules, []byte(`[{"contains": "weather", "content": "Rain."}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	out, in := io.Pipe()
	var errs bytes.Buffer
	done := make(chan error, 1)
	go func() {
		done <- execute(ctx, []string{"practice-lm", "--addr", "127.0.0.1:0", "--rules", rules}, IO{Out: in, Err: &errs})
	}()
	line, err := bufio.NewReader(out).ReadString('\n')
	_, url, ok := strings.Cut(strings.TrimSpace(line), " at ")
	if err != nil || !ok {
		t.Fatalf("first line %q, %v", line, err)
	}
	body := `{"model": "practice", "messages": [{"role": "user", "content": "How is the weather?"}]}`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(resp.Body)
	if closeErr := resp.Body.Close(); err != nil || closeErr != nil || !strings.Contains(string(raw), "Rain.") {
		t.Errorf("%v, %v, answer %s", err, closeErr, raw)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	if !strings.Contains(errs.String(), "served 1 requests, at most 1 at once") {
		t.Errorf("stderr %s", errs.String())
	}
}

func TestNoLanguageModelIsAFailureOfTheLM(t *testing.T) {
	t.Parallel()
	err := noLanguage()
	if ExitCode(err) != ExitLM || !strings.Contains(err.Error(), "--lm practice") {
		t.Errorf("exit code %d of %v", ExitCode(err), err)
	}
}
