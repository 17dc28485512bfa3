package lm

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync/atomic"
)

// A lane is what requests to one model pass through.
type lane struct {
	Exchanger

	name string
	load load
}

// A load counts the requests of a lane that are somewhere.
type load struct{ sending, waiting atomic.Int64 }

// A Load is what one model has to do at the moment.
type Load struct {
	Model string `json:"model"`
	// InFlight is how many requests have been sent and not been answered to
	// their end, Waiting how many wait for their turn under the model's Limits.
	InFlight int64 `json:"in_flight"`
	Waiting  int64 `json:"waiting"`
}

// newLane puts together what a request to one model passes through.
func (e *Egress) newLane(id string, base address, m Model) *lane {
	l := &lane{name: m.Name}
	var next Exchanger = &sender{
		model: m.Name, base: base, keys: m.Key, client: client(e.transport), timeout: m.Timeout,
		limit: or(m.BodyLimit, BodyLimitDefault), load: &l.load,
	}
	if !m.Limits.none() {
		next = newLimiter(next, m.Name, m.Limits, &l.load)
	}
	next = newRetrier(next, m.Retry)
	next = e.account(next, m)
	if m.Cache {
		next = &cached{next: next, id: or(m.CacheID, id), model: m.Name, store: e.cache, flights: e.flights, ledger: &e.ledger}
	}
	l.Exchanger = next
	return l
}

// account knows what the model costs.
func (e *Egress) account(next Exchanger, m Model) Exchanger {
	a := &account{next: next, model: m.Name, budgets: e.budgets, ledger: &e.ledger}
	if m.Price != nil {
		a.price, a.priced = *m.Price, true
	} else {
		a.price, a.priced = e.prices().Find(m.Name)
	}
	return a
}

// instead returns a request that knows the name of the model it was meant for,
// and counts that this one was left.
func (e *Egress) instead(req *Request) *Request {
	e.mu.RLock()
	left := e.lanes[req.Instead.ID]
	e.mu.RUnlock()
	copied, meant := *req, *req.Instead
	copied.Instead = &meant
	if meant.Model = "(unknown)"; left != nil {
		meant.Model = left.name
	}
	e.ledger.failedOver(req, meant.Model)
	return &copied
}

// Exchange sends a request to the model with the given id.
func (e *Egress) Exchange(ctx context.Context, id string, req *Request) (*Response, error) {
	e.mu.RLock()
	l := e.lanes[id]
	e.mu.RUnlock()
	if l == nil {
		return nil, unknown()
	}
	if req.Instead != nil {
		req = e.instead(req)
	}
	return l.Exchange(ctx, req)
}

// Loads returns what each model has to do at the moment, ordered by name;
// models of the same name count together.
func (e *Egress) Loads() []Load {
	sums := map[string]Load{}
	e.mu.RLock()
	for _, l := range e.lanes {
		sum := sums[l.name]
		sum.Model = l.name
		sum.InFlight += l.load.sending.Load()
		sum.Waiting += l.load.waiting.Load()
		sums[l.name] = sum
	}
	e.mu.RUnlock()
	return slices.SortedFunc(maps.Values(sums), func(a, b Load) int { return cmp.Compare(a.Model, b.Model) })
}
