package dspool

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
	"github.com/dspool/dspool/lm"
)

// OtherTenants stands in a [TenantStatus] for tenants that are not told apart
// any more.
const OtherTenants = lm.Others

// tenantsMax is how many tenants are told apart; beyond that those without calls
// in flight are summed up.
const tenantsMax = 10_000

// A TenantStatus is a moment's view of one tenant.
type TenantStatus struct {
	ID string `json:"id"`
	// Named says that it has rules of its own, see Config.Tenants.
	Named bool `json:"named,omitempty"`
	// InFlight calls have not ended; Queued of them wait for a worker.
	InFlight int `json:"in_flight"`
	Queued   int `json:"queued"`
	// Calls have been accepted, Errors of them failed, and Refused were more
	// than the tenant may have at once.
	Calls   int64 `json:"calls"`
	Errors  int64 `json:"errors"`
	Refused int64 `json:"refused"`
}

// tenantRules are what a tenant goes by. They never change.
type tenantRules struct {
	Tenant
	key    string // whose they are: a tenant's id, or EachTenant
	closed bool   // nobody gets in
}

// may reports whether an owner's language models, "" for the pool's, may be used
// by these rules; nil rules are those of calls without a tenant.
func (r *tenantRules) may(owner string) bool {
	if r == nil {
		return owner == ""
	}
	return owner == r.key || owner == "" && !r.OwnLMs
}

// A tenantState is what the pool knows of one tenant.
type tenantState struct {
	id       string
	rules    atomic.Pointer[tenantRules]
	share    atomic.Pointer[dispatch.Share]
	inFlight atomic.Int64

	calls, failures, refused atomic.Int64
}

// set lets the tenant go by other rules.
func (s *tenantState) set(r *tenantRules) {
	s.rules.Store(r)
	s.share.Store(&dispatch.Share{Name: s.id, Weight: r.Weight, Queue: r.Queue})
}

// enter counts a call in, or says why it cannot.
func (s *tenantState) enter() (*tenantState, error) {
	rules := s.rules.Load()
	if rules.closed {
		return nil, stranger()
	}
	now, limit := s.inFlight.Add(1), rules.InFlight
	if limit == 0 || now <= int64(limit) {
		s.calls.Add(1)
		return s, nil
	}
	s.inFlight.Add(-1)
	s.refused.Add(1)
	err := fault.Newf(fault.ResourceExhausted,
		"the tenant %q has %d calls in flight, as many as it may: wait for one to end, or raise its InFlight", s.id, limit).
		WithStarted(fault.StartedNo)
	err.Details = map[string]string{"tenant": s.id, "limit": "in_flight", "allowed": strconv.Itoa(limit)}
	return nil, err
}

// stranger is the error of a tenant that has to be known and is not.
func stranger() error {
	return badField("Tenant", "the pool does not know this tenant, and takes calls of known ones only (Tenants.KnownOnly)")
}

// leave counts a call out.
func (s *tenantState) leave(err error) {
	if s == nil {
		return
	}
	if err != nil {
		s.failures.Add(1)
	}
	s.inFlight.Add(-1)
}

// turn is whose turn a call takes that has to wait; nil without a tenant.
func (s *tenantState) turn() *dispatch.Share {
	if s == nil {
		return nil
	}
	return s.share.Load()
}

// rules are what the call's tenant goes by; nil without one.
func (t *task) rules() *tenantRules {
	if t.tenant == nil {
		return nil
	}
	return t.tenant.rules.Load()
}

// admit lets the call's tenant in. Whoever was let in leaves when the call ends.
func (p *Pool) admit(t *task) (err error) {
	if id := t.req.Tenant; id != "" {
		t.tenant, err = p.tenants.enter(id)
		return err
	}
	if p.tenants.required {
		return badField("Tenant", "must not be empty: the pool takes calls of tenants only (Tenants.Required)")
	}
	return nil
}

// A tenantTable knows the tenants of a pool.
type tenantTable struct {
	lms       *lmTable
	budgets   *lm.Budgets
	base      map[string][]lm.Budget // of tenants whose rules have none
	otherwise *tenantRules           // for those without rules
	required  bool

	mu     sync.RWMutex
	rules  map[string]*tenantRules
	live   map[string]*tenantState
	others TenantStatus // what those did that are not told apart any more
}

func newTenantTable(cfg Config, lms *lmTable, budgets *lm.Budgets) (*tenantTable, error) {
	c := cfg.Tenants
	t := &tenantTable{
		lms: lms, budgets: budgets, base: cfg.Egress.Budgets, required: c.Required,
		otherwise: &tenantRules{key: EachTenant, closed: c.KnownOnly},
		rules:     map[string]*tenantRules{}, live: map[string]*tenantState{}, others: TenantStatus{ID: OtherTenants},
	}
	all := lmFamily{}
	for id, given := range c.Known {
		maps.Copy(all, given.family(id))
		t.rule(id, given)
	}
	return t, lms.setAll(all, nil, func(key string) string {
		id, _ := unscoped(key)
		return fieldOf("Config.Tenants.Known["+strconv.Quote(id)+"]", key)
	})
}

// fieldOf is the path of a tenant's language model, by its scoped name.
func fieldOf(path, key string) string {
	if _, name := unscoped(key); name != "" {
		return path + ".LMs[" + strconv.Quote(name) + "]"
	}
	return path + ".LM"
}

// enter counts a call of a tenant in.
func (t *tenantTable) enter(id string) (*tenantState, error) {
	if s, err := t.known(id); s != nil || err != nil {
		return s, err
	}
	if err := checkTenant("Tenant", id); err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.live[id]
	if s == nil {
		rules := t.rulesOf(id)
		if rules.closed {
			return nil, stranger() // nothing is kept of it
		}
		t.makeRoom()
		s = &tenantState{id: id}
		s.set(rules)
		t.live[id] = s
	}
	return s.enter()
}

// known counts a call in if the tenant has made others; nil and nil if not.
func (t *tenantTable) known(id string) (*tenantState, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if s := t.live[id]; s != nil {
		return s.enter()
	}
	return nil, nil //nolint:nilnil // neither known nor refused
}

// rulesOf returns what a tenant goes by. Callers hold mu.
func (t *tenantTable) rulesOf(id string) *tenantRules {
	return cmp.Or(t.rules[id], t.rules[EachTenant], t.otherwise)
}

// makeRoom sums up the tenants without calls if there are too many. Callers hold
// mu, so that no call comes in.
func (t *tenantTable) makeRoom() {
	if len(t.live) < tenantsMax {
		return
	}
	for id, s := range t.live {
		if s.inFlight.Load() > 0 {
			continue
		}
		t.others.Calls += s.calls.Load()
		t.others.Errors += s.failures.Load()
		t.others.Refused += s.refused.Load()
		delete(t.live, id)
	}
}

// configure sets the rules for a tenant: its language models first, so that no
// call goes by rules whose models are not there.
func (t *tenantTable) configure(id string, given Tenant) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	models := given.family(id)
	gone := slices.DeleteFunc(t.names(id), func(name string) bool { _, stays := models[name]; return stays })
	if err := t.lms.setAll(models, gone, func(key string) string { return fieldOf("Tenant", key) }); err != nil {
		return err
	}
	t.rule(id, given)
	t.apply()
	return nil
}

// rule notes what a tenant goes by, but for its language models.
func (t *tenantTable) rule(id string, given Tenant) {
	t.limit(id, slices.Clone(given.Budgets))
	given.LMs = maps.Clone(given.LMs)
	t.rules[id] = &tenantRules{Tenant: given, key: id}
}

func (t *tenantTable) unconfigure(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.rules[id] == nil {
		return
	}
	_ = t.lms.setAll(nil, t.names(id), nil) // there is nothing that could be wrong
	t.limit(id, nil)
	delete(t.rules, id)
	t.apply()
}

// limit sets a tenant's budgets; nil are those of Egress.Budgets.
func (t *tenantTable) limit(id string, budgets []lm.Budget) {
	if budgets == nil {
		budgets = t.base[id]
	}
	t.budgets.Set(id, budgets)
}

// names are the scoped names that the rules for a tenant have given so far.
// Callers hold mu.
func (t *tenantTable) names(id string) []string {
	if old := t.rules[id]; old != nil {
		return slices.Collect(maps.Keys(old.family(id)))
	}
	return nil
}

// apply lets all tenants go by the rules that there are now. Callers hold mu.
func (t *tenantTable) apply() {
	for id, s := range t.live {
		if r := t.rulesOf(id); s.rules.Load() != r {
			s.set(r)
		}
	}
}

func (t *tenantTable) status(queued map[string]int) []TenantStatus {
	t.mu.RLock()
	defer t.mu.RUnlock()
	list := make([]TenantStatus, 0, len(t.live)+1)
	for id, s := range t.live {
		list = append(list, TenantStatus{
			ID: id, Named: s.rules.Load().key == id, InFlight: int(s.inFlight.Load()), Queued: queued[id],
			Calls: s.calls.Load(), Errors: s.failures.Load(), Refused: s.refused.Load(),
		})
	}
	if t.others.Calls+t.others.Refused > 0 {
		list = append(list, t.others)
	}
	slices.SortFunc(list, func(a, b TenantStatus) int {
		return cmp.Or(cmp.Compare(b.InFlight, a.InFlight), cmp.Compare(a.ID, b.ID))
	})
	return list
}
