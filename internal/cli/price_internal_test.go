package cli

import (
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/lm"
)

func TestWhatACallCostIsToldAsFarAsItIsKnown(t *testing.T) {
	t.Parallel()
	for want, resp := range map[string]dspool.Response{
		"$0.000000":          {Cost: lm.Cost{Known: true}},
		"$0.012000":          {Cost: lm.Cost{USD: 0.012, Known: true}},
		"cost unknown":       {},
		"$0.012000 and more": {Cost: lm.Cost{USD: 0.012}},
		"$0.000000, 2 from the cache, 1 from another model": {Cost: lm.Cost{Known: true}, CacheHits: 2, Failovers: 1},
	} {
		if got := price(resp); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
