package dspool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/lm"
)

// asker is a program that asks a language model once, and a request of it.
func asker(t *testing.T, opts ...dspool.PredictOption) dspool.Request {
	t.Helper()
	spec, err := dspool.NewPredict("question: str -> answer: str", "", opts...)
	if err != nil {
		t.Fatal(err)
	}
	return dspool.Request{Program: spec, Input: json.RawMessage(`{"question":"What is 2+2?"}`)}
}

// What a provider does wrong reaches the caller as a typed error within the
// call's budget, and other calls of the same worker go on.
func TestAProvidersFaultsReachTheirCallersOnly(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	never := 0
	failing := map[string]fault.Code{
		"openai/practice?fail=401":                             fault.LMAuth,
		"openai/practice?fail=429&retry_after=24h":             fault.LMRateLimit,
		"openai/practice?fail=quota":                           fault.LMBilling,
		"openai/practice?fail=503":                             fault.LMServer,
		"openai/practice?fail=reset":                           fault.LMTransport,
		"openai/practice?fail=hang":                            fault.LMTimeout,
		"openai/practice?fail=context_length":                  fault.LMContextWindow,
		"openai/practice?malformed=cut_body":                   fault.LMTransport,
		"openai/practice?latency=1h":                           fault.LMTimeout,
		"openai/practice?malformed=cut_stream&chunk_delay=1ms": "", // not for whole answers
	}
	names := map[string]string{}
	pool, _ := practicePool(t, func(c *dspool.Config) {
		c.Workers, c.LMs = 1, map[string]dspool.LM{}
		for model := range failing {
			names[model] = fmt.Sprint("lm", len(names))
			c.LMs[names[model]] = dspool.LM{
				Model: model, APIBase: c.LM.APIBase, APIKey: theSecret, Timeout: 300 * time.Millisecond, Retries: &never,
			}
		}
	})
	ctx := testkit.Context(t, time.Minute)
	done := make(chan error, 2*len(failing))
	for model, code := range failing {
		go func() {
			req := asker(t)
			req.LM = names[model]
			_, err := pool.Call(ctx, req)
			if got := fault.CodeOf(err); got != code || strings.Contains(fmt.Sprint(err), theSecret) {
				err = fmt.Errorf("%s: %w, want %q", model, errors.Join(err, errors.New("a wrong end")), code)
			} else {
				err = nil
			}
			done <- err
		}()
		go func() {
			_, err := pool.Call(ctx, asker(t))
			done <- err
		}()
	}
	for range 2 * len(failing) {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if st := pool.Status(); st.Totals.Crashes != 0 || st.Serving != 1 {
		t.Errorf("status %+v", st.Totals)
	}
}

// A budget that runs out while a program is at work ends it at its next question.
func TestABudgetEndsALoopInItsMiddle(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	pool, practice := practicePool(t, func(c *dspool.Config) {
		c.Path, c.Preload = append(c.Path, "testdata/programs"), []string{"loops"}
		c.Egress.Budgets = map[string][]lm.Budget{"": {{Tokens: 200}}}
	})
	spec, err := dspool.NewModule("loops:Loop", "question: str, times: int -> answer: str")
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, time.Minute)
	_, err = pool.Call(ctx, dspool.Request{Program: spec, Input: json.RawMessage(`{"question":"Why?","times":1000}`)})
	f := fault.From(err)
	if f == nil || f.Code != fault.ResourceExhausted || f.Details["tokens"] == "" || f.Started != fault.StartedYes {
		t.Fatalf("error %v with %v", err, f.Details)
	}
	if n := practice.Stats().Requests; n < 1 || n > 20 {
		t.Errorf("the provider was asked %d times", n)
	}
	if _, err := pool.Call(ctx, asker(t)); fault.CodeOf(err) != fault.ResourceExhausted {
		t.Errorf("the next call: %v", err)
	}
}

// A worker that is killed, and a pool that stops, leave their providers at once.
func TestProvidersAreLeftWhenWorkersAndPoolsEnd(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	pool, practice := practicePool(t, func(c *dspool.Config) {
		c.Workers, c.WorkerConcurrency, c.DrainTimeout = 2, 1, 200*time.Millisecond
		c.LMs = map[string]dspool.LM{"slow": {Model: "openai/practice?latency=1h", APIBase: c.LM.APIBase, APIKey: theSecret}}
	})
	ctx := testkit.Context(t, time.Minute)
	ends := make(chan error, 2)
	ask := func() {
		req := asker(t)
		req.LM = "slow"
		_, err := pool.Call(ctx, req)
		ends <- err
	}
	go ask()
	if err := practice.WaitInFlight(ctx, 1); err != nil {
		t.Fatal(err)
	}
	for _, w := range pool.Status().Workers {
		if w.State == dspool.WorkerStateBusy {
			_ = syscall.Kill(w.PID, syscall.SIGKILL)
		}
	}
	if err := <-ends; fault.CodeOf(err) != fault.WorkerCrashed {
		t.Errorf("the call of the worker that was killed: %v", err)
	}
	if err := practice.WaitAbandoned(ctx, 1); err != nil {
		t.Errorf("the provider was not left: %v", err)
	}
	if _, err := pool.Call(ctx, asker(t)); err != nil {
		t.Errorf("another call: %v", err)
	}
	go ask()
	if err := practice.WaitInFlight(ctx, 1); err != nil {
		t.Fatal(err)
	}
	stopPool(t, pool)
	if err := <-ends; err == nil {
		t.Error("a call of a pool that has stopped was answered")
	}
	if err := practice.WaitAbandoned(ctx, 2); err != nil {
		t.Errorf("the provider was not left: %v", err)
	}
}

// The budget of a call bounds all its questions together: retries, streams and
// those to other language models.
func TestTheCallsBudgetBoundsRetriesStreamsAndFailovers(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	many := 1000
	pool, practice := practicePool(t, func(c *dspool.Config) {
		hangs := dspool.LM{Model: "openai/practice?fail=hang", APIBase: c.LM.APIBase, APIKey: theSecret, Timeout: 200 * time.Millisecond}
		fails := hangs
		fails.Model, fails.Retries, fails.Fallback = "openai/practice?fail=503", &many, []dspool.Failover{{LM: "hangs"}}
		drips := hangs
		drips.Model = "openai/practice?chunk_delay=1s"
		none := 0
		over := hangs
		over.Retries, over.Fallback = &none, []dspool.Failover{{LM: "hangs"}}
		c.LMs = map[string]dspool.LM{"hangs": hangs, "fails": fails, "drips": drips, "over": over}
	})
	if err := pool.WaitReady(testkit.Context(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	for name, stream := range map[string]bool{"hangs": false, "fails": false, "over": false, "drips": true} {
		ctx, cancel := context.WithTimeout(testkit.Context(t, time.Minute), time.Second)
		req, began := asker(t), time.Now()
		req.LM = name
		var err error
		if stream {
			for _, err = range pool.Stream(ctx, req) {
				_ = err
			}
		} else {
			_, err = pool.Call(ctx, req)
		}
		switch took := time.Since(began); {
		case fault.CodeOf(err) == "" || took > 20*time.Second:
			t.Errorf("%s: %v after %s", name, err, took)
		case strings.Contains(fmt.Sprint(err), "internal"):
			t.Errorf("%s: %v", name, err)
		}
		cancel()
	}
	until(t, "no request is left behind", func() bool {
		for _, at := range pool.LMLoads() {
			if at.InFlight+at.Waiting > 0 {
				return false
			}
		}
		return practice.Stats().InFlight == 0
	})
}

// Keys that come from files and callbacks are in no Python process either, and
// user code that was imported before the fork changes nothing of that.
func TestNoPythonProcessHoldsAKeyFromAFileOrACallback(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	const fromFile, fromCallback = "sk-practice-that-is-in-a-file-only", "sk-practice-that-a-callback-knows"
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(fromFile), 0o600); err != nil {
		t.Fatal(err)
	}
	pool, practice := practicePool(t, func(c *dspool.Config) {
		c.Path, c.Preload = append(c.Path, "testdata/programs"), []string{"loops"}
		base := c.LM.APIBase
		c.LM = dspool.LM{Model: "openai/practice", APIBase: base, KeyFile: file}
		c.LMs = map[string]dspool.LM{"callback": {
			Model: "openai/practice?fail=401", APIBase: base,
			KeyFunc: func(context.Context) (string, error) { return fromCallback, nil },
		}}
	})
	spec, err := dspool.NewModule("loops:Loop", "question: str, times: int -> answer: str")
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, time.Minute)
	for range 4 {
		if _, err := pool.Call(ctx, dspool.Request{Program: spec, Input: json.RawMessage(`{"question":"Why?","times":2}`)}); err != nil {
			t.Fatal(err)
		}
		req := asker(t)
		req.LM = "callback"
		if _, err := pool.Call(ctx, req); fault.CodeOf(err) != fault.LMAuth || strings.Contains(err.Error(), fromCallback) {
			t.Errorf("an expired key: %v", err)
		}
	}
	if keys := practice.Stats().ByKey; len(keys) != 2 {
		t.Errorf("the provider saw %d keys", len(keys))
	}
	for _, pid := range pythonProcesses(pool) {
		if !holds(t, pid, "Preloaded: nothing here") {
			t.Errorf("the memory of process %d was not read", pid)
		}
		for _, key := range []string{fromFile, fromCallback} {
			if holds(t, pid, key) {
				t.Errorf("process %d holds %s", pid, key)
			}
		}
	}
}

// A reader who takes a long time for a stream holds up neither the worker nor
// its other questions to the same provider.
func TestASlowReaderOfAStreamHoldsUpNobodyElse(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	long := strings.Repeat("a word and another ", 2_000)
	talker := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{
		Behaviour: dspooltest.Behaviour{Content: "[[ ## answer ## ]]\n" + long + "\n\n[[ ## completed ## ]]"},
	})
	if err := talker.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = talker.Close() })
	pool, _ := practicePool(t, func(c *dspool.Config) {
		c.Workers = 1
		c.LMs = map[string]dspool.LM{"long": {Model: "openai/practice", APIBase: talker.URL(), APIKey: theSecret}}
	})
	ctx := testkit.Context(t, 2*time.Minute)
	req, seen := asker(t), 0
	req.LM = "long"
	var answer struct{ Answer string }
	for ev, err := range pool.Stream(ctx, req) {
		if err != nil {
			t.Fatal(err)
		}
		if seen++; seen == 1 {
			for range 20 {
				if _, err := pool.Call(ctx, asker(t)); err != nil {
					t.Fatal(err)
				}
			}
		}
		if ev.Response != nil {
			if err := json.Unmarshal(ev.Response.Output, &answer); err != nil {
				t.Fatal(err)
			}
		}
	}
	if strings.TrimSpace(answer.Answer) != strings.TrimSpace(long) || seen < 10 {
		t.Errorf("%d events, an answer of %d bytes, want %d", seen, len(answer.Answer), len(long))
	}
}
