package dspool

import (
	"maps"
	"slices"
	"strings"

	"github.com/dspool/dspool/fault"
)

// redact takes keys out of text.
func (t *lmTable) redact(text string) string { return t.view.Load().secrets.Replace(text) }

// choose returns the hash of the language model that a request names, or else
// its program, or else the default, "" if there is none.
func (t *lmTable) choose(req *Request) (string, error) {
	name := req.LM
	if name == "" {
		name = req.Program.LM
	}
	v := t.view.Load()
	entry, ok := v.entries[name]
	if !ok && name != "" {
		return "", v.unknown(name)
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

func (v *lmView) unknown(name string) *fault.Error {
	names := slices.DeleteFunc(slices.Sorted(maps.Keys(v.entries)), func(s string) bool { return s == "" })
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
