package dspool

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/lm"
)

// Tenants says what those have and may do whom calls are for, see
// Request.Tenant. The zero value lets every tenant in, with the pool's language
// models, without limits and with an equal share of the queue.
type Tenants struct {
	// Known are tenants by id; [EachTenant] is every other one, each by itself.
	Known map[string]Tenant
	// KnownOnly refuses tenants that are not in Known, or that no
	// [Pool.ConfigureTenant] has named: with invalid_argument.
	KnownOnly bool
	// Required refuses calls without a tenant.
	Required bool
}

// A Tenant is what one tenant has and may do. The zero value is no limit.
type Tenant struct {
	// LM is what its calls use that name no language model; the zero value is
	// the pool's.
	LM LM
	// LMs are what names of language models mean to it, before the pool's. No
	// other tenant can use them, or sees that there are any.
	LMs map[string]LM
	// OwnLMs keeps the pool's language models from it: it has LM and LMs only.
	OwnLMs bool
	// Budgets are what its calls may use; nil is what Egress.Budgets says.
	Budgets []lm.Budget
	// InFlight is how many of its calls there may be at once, waiting ones
	// included; the next one gets resource_exhausted. 0 is no limit.
	InFlight int
	// Queue is how many of its calls may wait for a worker at once; the next one
	// gets queue_full. 0 is no limit but Config.QueueSize. In a full queue a
	// call takes the place of one of the tenant that has most in it.
	Queue int
	// Weight is how many turns it gets when calls wait, while a tenant of weight
	// 1 gets one. Defaults to 1, at most WeightMax.
	Weight int
}

// WeightMax is the largest weight of a tenant.
const WeightMax = 1000

func (c Tenants) check(k *checker, sandbox Sandbox) {
	for _, id := range slices.Sorted(maps.Keys(c.Known)) {
		k.must(id != "", "Tenants.Known", "must not have an empty id: calls without a tenant go by the pool's own settings")
		if err := checkTenant("", id); err != nil && id != EachTenant {
			k.must(false, fmt.Sprintf("Tenants.Known[%.40q]", id), "is no id of a tenant%s", fault.From(err).Message)
		}
		c.Known[id].check(k, fmt.Sprintf("Tenants.Known[%.40q].", id), sandbox)
	}
	_, each := c.Known[EachTenant]
	k.must(!c.KnownOnly || !each, "Tenants.KnownOnly", "has no meaning when Known has %q, which knows every tenant", EachTenant)
}

func (t Tenant) check(k *checker, path string, sandbox Sandbox) {
	k.must(!sandbox.cutOff() || !t.LM.Direct, path+"LM.Direct", noNetwork)
	if t.LM.given() {
		k.errs = append(k.errs, t.LM.check(k.path+"."+path+"LM")...)
	}
	for _, name := range slices.Sorted(maps.Keys(t.LMs)) {
		k.must(name != "" && !strings.Contains(name, tenantMark), path+"LMs", "must not have an empty name (the default is LM) or one with control characters")
		k.must(!sandbox.cutOff() || !t.LMs[name].Direct, fmt.Sprintf("%sLMs[%q].Direct", path, name), noNetwork)
		k.errs = append(k.errs, t.LMs[name].check(fmt.Sprintf("%s.%sLMs[%q]", k.path, path, name))...)
	}
	if err := lm.CheckBudgets(t.Budgets); err != nil {
		k.must(false, path+"Budgets", "%s", err)
	}
	k.must(t.InFlight >= 0, path+"InFlight", "must not be negative, got %d", t.InFlight)
	k.must(t.Queue >= 0, path+"Queue", "must not be negative, got %d", t.Queue)
	k.must(t.Weight >= 0 && t.Weight <= WeightMax, path+"Weight", "must be 0 to %d, got %d", WeightMax, t.Weight)
}

// family is the language models of a tenant by their scoped names. They fall
// back to each other and, by names that the tenant has not, to the pool's.
func (t Tenant) family(id string) lmFamily {
	own := lmFamily{}
	maps.Copy(own, t.LMs)
	if t.LM.given() {
		own[""] = t.LM
	}
	all := make(lmFamily, len(own))
	for name, model := range own {
		model.Fallback = slices.Clone(model.Fallback)
		for i, to := range model.Fallback {
			if _, mine := own[to.LM]; mine {
				model.Fallback[i].LM = scoped(id, to.LM)
			}
		}
		all[scoped(id, name)] = model
	}
	return all
}

// ConfigureTenant says what a tenant has and may do from now on, or, for
// [EachTenant], every tenant that has no rules of its own. Calls in flight keep
// the language model that they were given. What was used of budgets counts on.
// The error is invalid_argument; then nothing has changed.
func (p *Pool) ConfigureTenant(id string, t Tenant) error {
	if id == "" {
		return badField("Tenant", "must not be empty: calls without a tenant go by the pool's own settings")
	}
	if err := checkTenant("Tenant", id); err != nil && id != EachTenant {
		return err
	}
	k := &checker{path: "Tenant"}
	t.check(k, "", p.cfg.Sandbox)
	if len(k.errs) > 0 {
		return fault.New(fault.InvalidArgument, joined(k.errs))
	}
	return p.tenants.configure(id, t)
}

// ForgetTenant takes the rules for a tenant away; it is one of all others then.
// A tenant without rules is no error.
func (p *Pool) ForgetTenant(id string) { p.tenants.unconfigure(id) }

// Tenants tells of the tenants that have made calls, those with the most calls in
// flight first, and then by id. It costs a walk over them.
func (p *Pool) Tenants() []TenantStatus { return p.tenants.status(p.desk.Stats().Shares) }

// ConfigureTenant is [Pool.ConfigureTenant].
func (s *Single) ConfigureTenant(id string, t Tenant) error { return s.pool.ConfigureTenant(id, t) }

// ForgetTenant is [Pool.ForgetTenant].
func (s *Single) ForgetTenant(id string) { s.pool.ForgetTenant(id) }

// Tenants is [Pool.Tenants].
func (s *Single) Tenants() []TenantStatus { return s.pool.Tenants() }
