package lm

import (
	"strings"
	"testing"
)

// A price of nothing is one that nobody knows, and what cannot be asked needs
// none.
func TestEveryEmbeddedPriceIsOneThatCanBeCharged(t *testing.T) {
	t.Parallel()
	p, err := ParsePrices(pricesJSON)
	if err != nil {
		t.Fatal(err)
	}
	for name, price := range p.models {
		if price.Input <= 0 || price.Output <= 0 || price.Input > 1000 || price.Output > 1000 || price.Cached > price.Input {
			t.Errorf("%s costs %+v", name, price)
		}
		if !Native(name) || !strings.Contains(name, "/") {
			t.Errorf("%s is not asked through the host", name)
		}
	}
}
