package dspool_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// Another language model answers where one has failed, and the call, the pool
// and its events tell so.
func TestAnotherLanguageModelAnswersInPlaceOfOneThatFails(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	never := 0
	pool, practice := practicePool(t, func(c *dspool.Config) {
		other := c.LM
		c.LMs = map[string]dspool.LM{"other": other}
		c.LM.Model, c.LM.Retries = "openai/broken?fail=503", &never
		c.LM.Fallback = []dspool.Failover{{LM: "other"}}
	})
	ctx := testkit.Context(t, time.Minute)
	spec, err := dspool.NewPredict("question: str -> answer: str", "", dspool.Named("asker"))
	if err != nil {
		t.Fatal(err)
	}
	events := pool.Events(ctx)
	req := dspool.Request{Program: spec, Input: json.RawMessage(`{"question":"What is 2+2?"}`)}
	resp, err := pool.Call(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Failovers != 1 || len(resp.Usage) != 1 || resp.Usage["openai/practice"].Total == 0 {
		t.Errorf("response %+v", resp)
	}
	for ev := range events {
		if ev.Kind == dspool.LMSwitched {
			if ev.Layer != "openai/broken?fail=503" || ev.Next != "openai/practice" || ev.Code != fault.LMServer || ev.Program != "asker" {
				t.Errorf("event %+v", ev)
			}
			break
		}
	}
	for _, sum := range pool.LMTotals() {
		if failed := sum.Model != "openai/practice"; failed != (sum.FailedOver == 1) || failed != (sum.Failed == 1) {
			t.Errorf("total %+v", sum)
		}
	}
	streamed := 0
	for ev, err := range pool.Stream(ctx, req) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Response != nil {
			streamed = ev.Response.Failovers
		}
	}
	if streamed != 1 {
		t.Errorf("the stream tells of %d", streamed)
	}
	if n := practice.Stats().ByModel["broken"]; n != 2 {
		t.Errorf("the one that fails was asked %d times", n)
	}
}
