package lm

import (
	"context"
	"time"
)

// A Use is what one request to a model used.
type Use struct {
	// Model is the model's name.
	Model string
	// Usage and Cost are what the provider counted and what that costs; nothing
	// for an answer that was not paid for again.
	Usage Usage
	Cost  Cost
	// Status is that of the provider's answer, 0 if there was none.
	Status int
	// Cached says that the answer was kept from an earlier request, Shared that
	// it is that of an equal one under way.
	Cached, Shared bool
	// Instead is the model that was to answer and failed, if there was one.
	Instead *Instead
	// Attempts is how many requests were sent, Took how long it was until the
	// answer had been read.
	Attempts int
	Took     time.Duration
}

// An account keeps the budgets of tenants and tells what was used.
type account struct {
	next    Exchanger
	model   string
	price   Price
	priced  bool
	budgets *Budgets
	ledger  *Ledger
}

var _ Exchanger = (*account)(nil)

// Exchange refuses a tenant that has nothing left, and counts what the answer
// has used once it has been read.
func (a *account) Exchange(ctx context.Context, req *Request) (*Response, error) {
	if err := a.budgets.admit(req.Tenant, a.model, a.priced, time.Now()); err != nil {
		return nil, err
	}
	began := time.Now()
	resp, err := a.next.Exchange(ctx, req)
	if err != nil {
		a.ledger.tell(req, Use{Model: a.model, Took: time.Since(began)})
		return nil, err
	}
	resp.Body = &counting{ReadCloser: resp.Body, streams: req.Stream, tell: func(u Usage) {
		use := Use{Model: a.model, Usage: u, Status: resp.Status, Attempts: resp.Attempts, Took: time.Since(began), Cost: a.cost(u, resp.Status)}
		a.budgets.spend(req.Tenant, use, time.Now())
		a.ledger.tell(req, use)
	}}
	return resp, nil
}

// cost is what an answer cost; a refusal costs nothing.
func (a *account) cost(u Usage, status int) Cost {
	switch {
	case status >= 400:
		return Cost{Known: true}
	case !a.priced:
		return Cost{}
	default:
		return a.price.Of(u)
	}
}

// tell enters what a request has used and tells who asked for it. Without a
// ledger it is only told.
func (l *Ledger) tell(req *Request, u Use) {
	if l != nil {
		l.add(req, u)
	}
	if req.Told != nil {
		u.Instead = req.Instead
		req.Told(u)
	}
}
