package dspool_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/testkit"
)

// A provider that only LiteLLM reaches is asked by the workers themselves. The
// fork server has imported LiteLLM for them, and has no thread left from it.
func TestAProviderThatOnlyLiteLLMReaches(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy", "fork_server")
	pool, practice := practicePool(t, func(c *dspool.Config) {
		c.LM.Model, c.LM.Direct = "together_ai/practice", true
		text := c.LM
		text.Model, text.ModelType = "openai/practice", "text"
		c.LMs, c.Workers = map[string]dspool.LM{"text": text}, 1
	})
	ctx := testkit.Context(t, 2*time.Minute)
	if err := pool.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	st := pool.Status()
	if st.Mode != dspool.ForkServer {
		t.Errorf("mode %s: %s", st.Mode, st.ModeReason)
	}
	if n := threads(t, st.ForkServerPID); n != 1 {
		t.Errorf("the fork server has %d threads", n)
	}
	if !holds(t, st.ForkServerPID, "litellm.llms.together_ai") {
		t.Error("the fork server has not imported LiteLLM")
	}
	spec, err := dspool.NewPredict("question: str -> answer: str", "")
	if err != nil {
		t.Fatal(err)
	}
	for i, name := range []string{"", "text"} {
		resp, err := pool.Call(ctx, dspool.Request{Program: spec, LM: name, Input: json.RawMessage(`{"question":"What is 2+2?"}`)})
		if err != nil || !strings.Contains(string(resp.Output), "answer") {
			t.Fatalf("LM %q: %s, %v", name, resp.Output, err)
		}
		if n := practice.Stats().Requests; n != int64(i+1) {
			t.Errorf("LM %q: the provider was asked %d times", name, n)
		}
	}
	if len(pool.LMTotals()) != 0 {
		t.Error("the host counts what it has not asked")
	}
}

// threads counts the threads of a process.
func threads(t *testing.T, pid int) int {
	t.Helper()
	tasks, err := os.ReadDir(filepath.Join("/proc", strconv.Itoa(pid), "task"))
	if err != nil {
		t.Fatal(err)
	}
	return len(tasks)
}
