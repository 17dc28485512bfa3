package numbers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/lm"
	"github.com/dspool/dspool/numbers"
)

// asked is a source of what language models have used.
type asked struct{ idle }

func (asked) LMTotals() []lm.Total {
	return []lm.Total{
		{
			Model: "openai/a", Tenant: "t", Program: "p", Requests: 9, Cached: 1, Shared: 2, Failed: 3, Retries: 4, FailedOver: 5, USD: 1.5,
			Unpriced: 6, Usage: lm.Usage{Input: 10, Output: 20, Cached: 5, Reasoning: 7},
		},
		{Model: "openai/b", Requests: 1},
	}
}

func (asked) LMLoads() []lm.Load {
	return []lm.Load{{Model: "openai/a", InFlight: 2, Waiting: 3}, {Model: "openai/b"}}
}

// written is a Sink that writes down what it gets.
type written struct{ to *[]string }

func (w written) Put(value float64, labels ...string) {
	*w.to = append(*w.to, fmt.Sprintf("%s=%g", strings.Join(labels, ","), value))
}
func (w written) Spread(dspool.Distribution) {}

func TestWhatLanguageModelsHaveUsedComesWithAPool(t *testing.T) {
	t.Parallel()
	table := numbers.Pool(asked{})
	families := table.Families()
	sinks, values := make([]numbers.Sink, len(families)), make([][]string, len(families))
	for i := range sinks {
		sinks[i] = written{&values[i]}
	}
	table.Read(sinks)
	want := map[string][]string{
		"dspool.lm.requests_total":    {"openai/a,t,p=9", "openai/b,,=1"},
		"dspool.lm.cached_total":      {"openai/a,t,p=1", "openai/b,,=0"},
		"dspool.lm.shared_total":      {"openai/a,t,p=2", "openai/b,,=0"},
		"dspool.lm.failed_total":      {"openai/a,t,p=3", "openai/b,,=0"},
		"dspool.lm.retries_total":     {"openai/a,t,p=4", "openai/b,,=0"},
		"dspool.lm.failed_over_total": {"openai/a,t,p=5", "openai/b,,=0"},
		"dspool.lm.usage_tokens_total": {
			"openai/a,t,p,input=10", "openai/a,t,p,output=20", "openai/a,t,p,cached_input=5", "openai/a,t,p,reasoning=7",
			"openai/b,,,input=0", "openai/b,,,output=0", "openai/b,,,cached_input=0", "openai/b,,,reasoning=0",
		},
		"dspool.lm.cost_dollars_total": {"openai/a,t,p=1.5", "openai/b,,=0"},
		"dspool.lm.unpriced_total":     {"openai/a,t,p=6", "openai/b,,=0"},
		"dspool.lm.in_flight_requests": {"openai/a=2", "openai/b=0"},
		"dspool.lm.waiting_requests":   {"openai/a=3", "openai/b=0"},
	}
	found := 0
	for i, f := range families {
		if !strings.HasPrefix(f.Name, "dspool.lm.") {
			continue
		}
		if found++; !slices.Equal(values[i], want[f.Name]) {
			t.Errorf("%s has %q, want %q", f.Name, values[i], want[f.Name])
		}
	}
	if found != len(want) {
		t.Errorf("%d families, want %d", found, len(want))
	}
}
