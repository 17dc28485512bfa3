package dspool_test

import (
	"fmt"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// CHK-21: a language model that is configured while the pool runs reaches all
// workers, those that come later too, and no call in flight.
func TestALanguageModelIsConfiguredForEveryWorker(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "dspy")
	practice := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := practice.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = practice.Close() })
	pool := started(t, dspool.Config{Python: testkit.Python(t), Workers: 2, WorkerConcurrency: 1})
	ctx := testkit.Context(t, time.Minute)
	spec, err := dspool.NewPredict("question: str -> answer: str", "", dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.Call(ctx, dspool.Request{Program: spec, Input: []byte(`{"question":"none"}`)})
	wantFault(t, err, fault.LMNotConfigured)

	use := func(model string) {
		t.Helper()
		lm := dspool.LM{Model: "openai/" + model, APIBase: practice.URL(), APIKey: dspool.Secret("key-of-" + model)}
		if err := pool.ConfigureLM("", lm); err != nil {
			t.Fatal(err)
		}
	}
	every := func(model string) {
		t.Helper()
		before := practice.Stats().ByModel
		var mu sync.Mutex
		workers := map[string]bool{}
		var callers sync.WaitGroup
		for i := range 8 {
			callers.Go(func() {
				resp, err := pool.Call(ctx, dspool.Request{Program: spec, Input: fmt.Appendf(nil, `{"question":"%s %d"}`, model, i)})
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				workers[resp.Worker] = true
				mu.Unlock()
			})
		}
		callers.Wait()
		after := practice.Stats().ByModel
		if after[model] != before[model]+8 || len(workers) != 2 {
			t.Errorf("%v, then %v on workers %v; want 8 more for %s on two", before, after, workers, model)
		}
	}
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	use("first")
	every("first")
	use("second")
	every("second")
	for _, w := range pool.Status().Workers {
		_ = syscall.Kill(w.PID, syscall.SIGKILL)
	}
	until(t, "both are replaced", func() bool { st := pool.Status(); return st.Serving == 2 && st.Totals.Restarts == 2 })
	every("second")
	if lm, ok := pool.LM(""); !ok || lm.Model != "openai/second" {
		t.Errorf("LM is %s, %v", lm, ok)
	}
	wantFault(t, pool.ConfigureLM("x", dspool.LM{Timeout: -1}), fault.InvalidArgument, "LM.Model", "LM.Timeout")
}
