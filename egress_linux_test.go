package dspool_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/lm"
)

func TestNoPythonProcessHoldsAKey(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	pool, practice := practicePool(t, nil)
	ctx := testkit.Context(t, time.Minute)
	spec, err := dspool.NewChainOfThought("question: str -> answer: str", "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		if _, err := pool.Call(ctx, dspool.Request{Program: spec, Input: json.RawMessage(fmt.Sprintf(`{"question":"What is %d+1?"}`, i))}); err != nil {
			t.Fatal(err)
		}
	}
	if n := practice.Stats().Requests; n != 20 {
		t.Errorf("the language model was asked %d times", n)
	}
	for _, pid := range pythonProcesses(pool) {
		if !holds(t, pid, "dspool_worker") {
			t.Errorf("the memory of process %d was not read", pid)
		}
		if holds(t, pid, theSecret) {
			t.Errorf("process %d holds the key", pid)
		}
	}
}

// pythonProcesses returns the ids of a pool's processes.
func pythonProcesses(pool *dspool.Pool) []int {
	status := pool.Status()
	pids := []int{status.ForkServerPID}
	for _, w := range status.Workers {
		pids = append(pids, w.PID)
	}
	return pids
}

// holds searches all memory of a process that can be read.
func holds(t *testing.T, pid int, text string) bool {
	t.Helper()
	maps, err := os.ReadFile(fmt.Sprintf("/proc/%d/maps", pid))
	if err != nil {
		t.Fatal(err)
	}
	memory, err := os.Open(fmt.Sprintf("/proc/%d/mem", pid))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = memory.Close() }()
	for lines := bufio.NewScanner(bytes.NewReader(maps)); lines.Scan(); {
		var from, to int64
		var mode string
		if _, err := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); err != nil || !strings.HasPrefix(mode, "r") {
			continue
		}
		part := make([]byte, to-from)
		n, _ := io.ReadFull(io.NewSectionReader(memory, from, to-from), part)
		if bytes.Contains(part[:n], []byte(text)) {
			return true
		}
	}
	return false
}

// A caller who leaves in the middle of a stream ends the provider's too.
func TestLeavingAStreamEndsTheProvidersAnswer(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	pool, practice := practicePool(t, func(c *dspool.Config) { c.LM.Model = "openai/practice?chunk_delay=50ms" })
	spec, err := dspool.NewPredict("question: str -> answer: str", "")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(testkit.Context(t, time.Minute))
	defer cancel()
	for _, err := range pool.Stream(ctx, dspool.Request{Program: spec, Input: json.RawMessage(`{"question":"Tell me about the sea."}`)}) {
		if err != nil {
			t.Fatal(err)
		}
		break
	}
	if err := practice.WaitAbandoned(testkit.Context(t, time.Minute), 1); err != nil {
		t.Errorf("the provider was not left: %v", err)
	}
}

func TestAResponseTellsWhatItCostAndWhatCameFromTheCache(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	pool, practice := practicePool(t, func(c *dspool.Config) {
		c.LM.Cache, c.LM.Price = true, &lm.Price{Input: 1e6, Output: 2e6, Cached: -1}
	})
	spec, err := dspool.NewPredict("question: str -> answer: str", "", dspool.Named("asker"))
	if err != nil {
		t.Fatal(err)
	}
	var responses []dspool.Response
	for range 2 {
		resp, err := pool.Call(testkit.Context(t, time.Minute), dspool.Request{Program: spec, Input: json.RawMessage(`{"question":"What is 2+2?"}`)})
		if err != nil {
			t.Fatal(err)
		}
		responses = append(responses, resp)
	}
	paid, free := responses[0], responses[1]
	tokens := paid.Usage["openai/practice"]
	if tokens.Prompt == 0 || tokens.Completion == 0 || paid.CacheHits != 0 {
		t.Errorf("the first call used %+v", paid)
	}
	if want := float64(tokens.Prompt) + 2*float64(tokens.Completion); paid.Cost != (lm.Cost{USD: want, Known: true}) {
		t.Errorf("it cost %+v, want %f", paid.Cost, want)
	}
	if free.Usage != nil || free.Cost != (lm.Cost{Known: true}) || free.CacheHits != 1 || string(free.Output) != string(paid.Output) {
		t.Errorf("the second call: %+v", free)
	}
	if n := practice.Stats().Requests; n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	totals := pool.LMTotals()
	if len(totals) != 1 || totals[0].Program != "asker" || totals[0].Requests != 2 || totals[0].Cached != 1 || totals[0].USD != paid.Cost.USD {
		t.Errorf("totals %+v", totals)
	}
}
