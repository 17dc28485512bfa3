package lm

import (
	_ "embed"
	"encoding/json"
	"strings"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
)

//go:embed prices.json
var pricesJSON []byte //nolint:gochecknoglobals // embedded, read only

// A Cost is what an answer cost. Unknown is not nothing: USD counts only what is
// known, and Known tells whether that is all.
type Cost struct {
	USD   float64
	Known bool
}

// Add returns the sum of two costs; it is known if both are.
func (c Cost) Add(o Cost) Cost { return Cost{c.USD + o.USD, c.Known && o.Known} }

// A Price is what a model costs, in US dollars per million tokens. Negative
// Cached means that the provider does not tell: cached input costs as much as
// any other then.
type Price struct {
	Input, Output, Cached float64
}

// Of returns the cost of an answer. An answer whose tokens were not counted
// has an unknown one.
func (p Price) Of(u Usage) Cost {
	if u.Zero() {
		return Cost{}
	}
	cached := p.Cached
	if cached < 0 {
		cached = p.Input
	}
	fresh := float64(max(u.Input-u.Cached, 0))
	return Cost{USD: (fresh*p.Input + float64(u.Cached)*cached + float64(u.Output)*p.Output) / 1e6, Known: true}
}

// Prices tells what models cost. It is read-only and safe for concurrent use.
type Prices struct {
	// Date is the day on which the prices were taken down, Source from where.
	Date   time.Time
	Source string
	models map[string]Price
}

// ParsePrices reads a table in the form of prices.json.
func ParsePrices(raw []byte) (*Prices, error) {
	var table struct {
		Date   string               `json:"date"`
		Source string               `json:"source"`
		Unit   string               `json:"unit"`
		Models map[string][]float64 `json:"models"`
	}
	if err := json.Unmarshal(raw, &table); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err, "the table of prices cannot be read")
	}
	date, err := time.Parse(time.DateOnly, table.Date)
	if err != nil {
		return nil, fault.Newf(fault.InvalidArgument, "the table of prices needs a date such as 2026-11-25, has %q", table.Date)
	}
	p := &Prices{Date: date, Source: table.Source, models: make(map[string]Price, len(table.Models))}
	for name, row := range table.Models {
		if len(row) < 2 || len(row) > 3 || row[0] < 0 || row[1] < 0 {
			return nil, fault.Newf(fault.InvalidArgument, "the price of %q must be [input, output] or [input, output, cached], got %v", name, row)
		}
		price := Price{Input: row[0], Output: row[1], Cached: -1}
		if len(row) == 3 {
			price.Cached = row[2]
		}
		p.models[name] = price
	}
	return p, nil
}

// builtinPrices reads the embedded table, once it is wanted.
func builtinPrices() func() *Prices {
	return sync.OnceValue(func() *Prices {
		p, err := ParsePrices(pricesJSON)
		if err != nil {
			return &Prices{} // a test reads it
		}
		return p
	})
}

// Find returns the price of a model by its name, as in "openai/gpt-4o-mini".
// Options behind a question mark do not count.
func (p *Prices) Find(model string) (Price, bool) {
	model, _, _ = strings.Cut(model, "?")
	if !strings.Contains(model, "/") {
		model = Provider(model) + "/" + model
	}
	price, ok := p.models[model]
	return price, ok
}
