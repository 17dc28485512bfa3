package dspool

import (
	"slices"
	"strings"

	"github.com/dspool/dspool/fault"
)

// redact takes keys out of text.
func (t *lmTable) redact(text string) string { return t.view.Load().secrets.Replace(text) }

// choose returns the hash of the language model that a request names, or else
// its program, or else the default, "" if there is none.
// What a name means depends on the rules for the call's tenant, nil for none.
func (t *lmTable) choose(req *Request, rules *tenantRules) (string, error) {
	name := req.LM
	if name == "" {
		name = req.Program.LM
	}
	v := t.view.Load()
	entry, ok := v.find(name, rules)
	if !ok && name != "" {
		return "", v.unknown(name, rules)
	}
	return entry.hash, nil
}

// litellm reports whether workers need LiteLLM for one of the language models.
func (t *lmTable) litellm() bool {
	for _, e := range t.view.Load().entries {
		if e.lm.litellm() {
			return true
		}
	}
	return false
}

// find returns what a name means: to the tenant, or else to everybody.
func (v *lmView) find(name string, rules *tenantRules) (entry lmEntry, ok bool) {
	if strings.Contains(name, tenantMark) {
		return lmEntry{}, false // it would be that of a tenant
	}
	if rules != nil {
		if entry, ok = v.entries[scoped(rules.key, name)]; ok || rules.OwnLMs {
			return entry, ok
		}
	}
	entry, ok = v.entries[name]
	return entry, ok
}

// reaches reports whether a call by these rules may use what the host calls id:
// a language model that it has a name for, or had a short while ago, and those
// that such a one falls back to.
func (t *lmTable) reaches(rules *tenantRules, id string) bool {
	if slices.ContainsFunc(t.view.Load().owners[id], rules.may) {
		return true
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.ContainsFunc(t.replaced, func(e lmEntry) bool { return slices.Contains(e.reach, id) && rules.may(e.owner) })
}

func (v *lmView) unknown(name string, rules *tenantRules) *fault.Error {
	var names []string
	for key := range v.entries {
		owner, known := unscoped(key)
		if known != "" && rules.may(owner) && !slices.Contains(names, known) {
			names = append(names, known)
		}
	}
	slices.Sort(names)
	has := "none"
	if len(names) > 0 {
		has = strings.Join(names, ", ")
	}
	return fault.Newf(fault.InvalidArgument, "LM: the pool has no language model named %q; it has: %s", name, has).
		WithStarted(fault.StartedNo)
}

// ConfigureLM adds a language model under a name, or replaces the one that has
// it; the name "" is the default. It may be called at any time. Calls that
// begin from now on use it, on the workers there are and on all that come, also
// where it stands in for another one; calls in flight keep the one they were
// given. The error is invalid_argument.
func (p *Pool) ConfigureLM(name string, lm LM) error {
	if err := lm.Validate(); err != nil {
		return err
	}
	if lm.Direct && p.cfg.Sandbox.cutOff() {
		return fault.New(fault.InvalidArgument, "LM.Direct: "+noNetwork)
	}
	if strings.Contains(name, tenantMark) {
		return badField("LM", "the name must not hold control characters")
	}
	return p.lms.set(name, lm)
}

// ForgetLM takes away a language model; a name that there is not is no error.
// Calls in flight keep it, calls that name it from now on are refused, and those
// that fall back to it do so no more.
func (p *Pool) ForgetLM(name string) { p.lms.forget(name) }

// LM returns the language model of that name as it was configured, the default
// for "", and whether there is one.
func (p *Pool) LM(name string) (LM, bool) {
	e, ok := p.lms.view.Load().entries[name]
	return e.lm, ok
}
