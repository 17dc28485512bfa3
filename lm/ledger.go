package lm

import (
	"cmp"
	"slices"
	"sync"
)

// totalsMax is how many totals a Ledger keeps. What comes beyond is summed up
// under the tenant and program [Others], so that nothing is lost, and memory and
// the series that are made of them are bounded.
const totalsMax = 2_000

// Others stands for tenants and programs that are not told apart any more.
const Others = "(others)"

// A Total is what was used of one model by one tenant for one program, since
// the egress was made.
type Total struct {
	Model   string `json:"model"`
	Tenant  string `json:"tenant,omitempty"`
	Program string `json:"program,omitempty"`
	// Requests is how often the model was asked; Cached and Shared of them
	// needed no request of their own, Failed got no answer or a refusal, and
	// Retries is how many requests were sent again.
	Requests int64 `json:"requests"`
	Cached   int64 `json:"cached"`
	Shared   int64 `json:"shared"`
	Failed   int64 `json:"failed"`
	Retries  int64 `json:"retries"`
	// FailedOver is how often another model was asked in place of this one.
	FailedOver int64 `json:"failed_over"`
	// Usage is the sum of what providers counted, USD of what is known of the
	// cost, and Unpriced counts the answers whose cost is not.
	Usage    Usage   `json:"usage"`
	USD      float64 `json:"usd"`
	Unpriced int64   `json:"unpriced"`
}

// add counts one use.
func (t *Total) add(u Use) {
	t.Requests++
	t.Usage = t.Usage.Add(u.Usage)
	t.USD += u.Cost.USD
	t.Retries += int64(max(u.Attempts-1, 0))
	switch {
	case u.Cached:
		t.Cached++
	case u.Shared:
		t.Shared++
	case u.Status == 0 || u.Status >= 400:
		t.Failed++
	case !u.Cost.Known:
		t.Unpriced++
	}
}

type totalKey struct{ model, tenant, program string }

// A Ledger keeps totals. It is safe for concurrent use.
type Ledger struct {
	mu     sync.Mutex
	totals map[totalKey]*Total
}

// add counts what a request has used.
func (l *Ledger) add(req *Request, u Use) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total(totalKey{u.Model, req.Tenant, req.Program}).add(u)
}

// failedOver counts that a model was left for another one.
func (l *Ledger) failedOver(req *Request, model string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total(totalKey{model, req.Tenant, req.Program}).FailedOver++
}

// total returns the total under a key. Callers hold mu.
func (l *Ledger) total(key totalKey) *Total {
	t := l.totals[key]
	if t == nil && len(l.totals) >= totalsMax {
		key.tenant, key.program = Others, Others
		t = l.totals[key]
	}
	if t == nil {
		if l.totals == nil {
			l.totals = map[totalKey]*Total{}
		}
		t = &Total{Model: key.model, Tenant: key.tenant, Program: key.program}
		l.totals[key] = t
	}
	return t
}

// Totals returns everything, ordered by model, tenant and program. The slice is
// the caller's own.
func (l *Ledger) Totals() []Total {
	l.mu.Lock()
	list := make([]Total, 0, len(l.totals))
	for _, t := range l.totals {
		list = append(list, *t)
	}
	l.mu.Unlock()
	slices.SortFunc(list, func(a, b Total) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Tenant, b.Tenant), cmp.Compare(a.Program, b.Program))
	})
	return list
}
