package lm

import (
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
)

// EachTenant stands for every tenant that has no budgets of its own, each by
// itself.
const EachTenant = "*"

// A Budget is how much a tenant may use within a time. What is under way
// counts when it has been answered: requests that were let in together may go
// beyond the budget by what they use.
type Budget struct {
	// Tokens and USD are the most that may be used; 0 is no limit.
	Tokens int64
	USD    float64
	// Per is the length of the time, which slides. 0 is the life of the
	// process.
	Per time.Duration
}

// windowParts is how finely a sliding time is divided.
const windowParts = 60

// tenantsMax is how many tenants' spending is kept; the one that has spent
// nothing for longest is forgotten first.
const tenantsMax = 100_000

// Budgets keeps what tenants have used. It is safe for concurrent use.
type Budgets struct {
	mu     sync.Mutex
	limits map[string][]Budget
	spent  map[string]*spending
}

// NewBudgets returns budgets by tenant; "" is calls without a tenant, and
// [EachTenant] everybody who is not named.
func NewBudgets(limits map[string][]Budget) (*Budgets, error) {
	b := &Budgets{limits: make(map[string][]Budget, len(limits)), spent: map[string]*spending{}}
	for tenant, list := range limits {
		if err := CheckBudgets(list); err != nil {
			return nil, fault.Newf(fault.InvalidArgument, "Budgets[%q]%s", tenant, err)
		}
		b.limits[tenant] = list
	}
	return b, nil
}

// CheckBudgets reports the first budget that cannot be one, by its index.
func CheckBudgets(list []Budget) error {
	for i, b := range list {
		if b.Tokens < 0 || b.USD < 0 || b.Per < 0 || b.Tokens == 0 && b.USD == 0 {
			return fmt.Errorf("[%d]: must limit tokens or money, and nothing may be negative", i)
		}
	}
	return nil
}

// Set replaces the budgets of a tenant, or of [EachTenant]; nil takes them away.
// What was used counts on against the budget at the same place in the list, if it
// is for the same time. The list must pass [CheckBudgets].
func (b *Budgets) Set(tenant string, list []Budget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if list == nil {
		delete(b.limits, tenant)
	} else {
		b.limits[tenant] = list
	}
}

// of returns the budgets of a tenant. Callers hold mu.
func (b *Budgets) of(tenant string) []Budget {
	if own, named := b.limits[tenant]; named || tenant == "" {
		return own
	}
	return b.limits[EachTenant]
}

// admit refuses a tenant whose budget is used up.
func (b *Budgets) admit(tenant, model string, priced bool, now time.Time) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	limits := b.of(tenant)
	for i, limit := range limits {
		if limit.USD > 0 && !priced {
			return fault.Newf(fault.LMNotConfigured,
				"%s has a budget in money, and nobody knows what the language model %s costs: set its Price", called(tenant), model)
		}
		s := b.spent[tenant]
		if s == nil {
			continue
		}
		w := s.window(i, limit)
		w.slide(now)
		if limit.Tokens > 0 && w.tokens >= limit.Tokens || limit.USD > 0 && w.usd >= limit.USD {
			return exhausted(tenant, limit, w, now)
		}
	}
	return nil
}

// spend counts what a tenant has used.
func (b *Budgets) spend(tenant string, u Use, now time.Time) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	limits := b.of(tenant)
	if len(limits) == 0 {
		return
	}
	s := b.spent[tenant]
	if s == nil {
		b.makeRoom()
		s = &spending{}
		b.spent[tenant] = s
	}
	s.last = now
	for i, limit := range limits {
		w := s.window(i, limit)
		w.slide(now)
		w.add(u.Usage.Input+u.Usage.Output, u.Cost.USD)
	}
}

// makeRoom forgets the tenant that has spent nothing for longest. Callers hold
// mu.
func (b *Budgets) makeRoom() {
	if len(b.spent) < tenantsMax {
		return
	}
	var oldest string
	var at time.Time
	for tenant, s := range b.spent {
		if at.IsZero() || s.last.Before(at) {
			oldest, at = tenant, s.last
		}
	}
	delete(b.spent, oldest)
}

func called(tenant string) string {
	if tenant == "" {
		return "calls without a tenant"
	}
	return "the tenant " + strconv.Quote(tenant)
}

// exhausted is the error of a tenant that has nothing left.
func exhausted(tenant string, limit Budget, w *window, now time.Time) *fault.Error {
	what := fmt.Sprintf("%d of %d tokens", w.tokens, limit.Tokens)
	if limit.Tokens == 0 || w.tokens < limit.Tokens {
		what = fmt.Sprintf("%.4f of %.4f US dollars", w.usd, limit.USD)
	}
	err := fault.Newf(fault.ResourceExhausted, "the budget is used up: %s used %s", called(tenant), what)
	err.Details = map[string]string{"tenant": tenant, "tokens": strconv.FormatInt(w.tokens, 10), "usd": strconv.FormatFloat(w.usd, 'f', 6, 64)}
	if limit.Per > 0 {
		err.Message += " in " + limit.Per.String()
		err.RetryAfter = w.relief(now)
	}
	return err
}

// spending is what one tenant has used, by budget.
type spending struct {
	last    time.Time
	windows []*window
}

// window returns what was used against a budget, by its place in the list.
func (s *spending) window(i int, limit Budget) *window {
	for len(s.windows) <= i {
		s.windows = append(s.windows, &window{per: limit.Per})
	}
	if s.windows[i].per != limit.Per {
		s.windows[i] = &window{per: limit.Per}
	}
	return s.windows[i]
}

// A window is what was used within a sliding time, in parts of it.
type window struct {
	per    time.Duration
	tokens int64
	usd    float64
	parts  [windowParts]struct {
		tokens int64
		usd    float64
	}
	at int64 // the number of the newest slice
}

// slide forgets the parts that are too old.
func (w *window) slide(now time.Time) {
	if w.per <= 0 {
		return
	}
	number := now.UnixNano() / int64(max(w.per/windowParts, 1))
	for ; w.at < number && w.at > number-windowParts-1; w.at++ {
		old := &w.parts[(w.at+1)%windowParts]
		w.tokens -= old.tokens
		w.usd -= old.usd
		old.tokens, old.usd = 0, 0
	}
	if w.at < number {
		*w = window{per: w.per, at: number}
	}
}

func (w *window) add(tokens int64, usd float64) {
	w.tokens += tokens
	w.usd += usd
	part := &w.parts[w.at%windowParts]
	part.tokens += tokens
	part.usd += usd
}

// relief is how long it takes until the oldest part that holds something is
// forgotten.
func (w *window) relief(now time.Time) time.Duration {
	length := int64(max(w.per/windowParts, 1))
	for i := w.at - windowParts + 1; i <= w.at; i++ {
		if part := w.parts[(i+windowParts)%windowParts]; i > 0 && (part.tokens > 0 || part.usd > 0) {
			return time.Duration((i+windowParts)*length - now.UnixNano())
		}
	}
	return w.per
}
