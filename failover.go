package dspool

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dspool/dspool/fault"
)

// nestedMax is how many others a language model may lead to, counted along
// every way: a definition holds them all.
const nestedMax = 64

// A Failover is another language model that is asked in place of one that has
// failed. The worker asks it: providers want different requests, and DSPy makes
// each its own. What it is asked is the same, and so is the call's budget.
type Failover struct {
	// LM is the name of the other one in Config.LMs, which may have a Fallback
	// of its own. Required.
	LM string
	// On are the failures that it is for. Nil: those of the provider, the way to
	// it and its account, see [FailoverDefault]. Only codes that begin with lm_
	// may be given: fault.LMContextWindow goes to a model with more room.
	On []fault.Code
}

// FailoverDefault returns the failures that a Failover is for unless it says
// otherwise: the provider cannot be reached, is too slow, in trouble or
// overloaded, or does not take the key or the account any more.
func FailoverDefault() []fault.Code {
	return []fault.Code{fault.LMTransport, fault.LMTimeout, fault.LMServer, fault.LMRateLimit, fault.LMBilling, fault.LMAuth}
}

// failures returns On or its default.
func (f Failover) failures() []fault.Code {
	if f.On == nil {
		return FailoverDefault()
	}
	return f.On
}

func (f Failover) check(c *checker, i int) {
	at := fmt.Sprintf("Fallback[%d]", i)
	c.must(f.LM != "" && !strings.Contains(f.LM, tenantMark), at+".LM", "must name a language model of Config.LMs")
	c.must(f.On == nil || len(f.On) > 0, at+".On", "must name at least one failure, or be nil")
	for j, code := range f.On {
		c.must(strings.HasPrefix(string(code), "lm_") && slices.Contains(fault.Codes(), code), fmt.Sprintf("%s.On[%d]", at, j),
			"must be a failure of a language model, such as lm_timeout, got %q", code)
	}
}

// An lmFailover is a Failover as the worker reads it.
type lmFailover struct {
	On []fault.Code `json:"on"`
	LM lmDefinition `json:"lm"`
}

// hosts appends what the host calls a language model, and those that it falls
// back to; nothing for one that workers ask by themselves.
func (d lmDefinition) hosts(ids []string) []string {
	if d.HostID != "" {
		ids = append(ids, d.HostID)
	}
	for _, to := range d.Fallback {
		ids = to.LM.hosts(ids)
	}
	return ids
}

// An lmFamily is all language models of a pool by name, ready to be asked.
type lmFamily map[string]LM

// define returns what a worker needs to know of a language model and of those
// that it falls back to. One that has been forgotten is left out.
func (f lmFamily) define(name string) lmDefinition {
	d := f[name].define()
	for _, to := range f[name].Fallback {
		if _, there := f[to.LM]; there {
			d.Fallback = append(d.Fallback, lmFailover{On: to.failures(), LM: f.define(to.LM)})
		}
	}
	return d
}

// check returns what is wrong with where a language model falls back to: the
// names must be there, must be asked through the host, and must not lead back.
func (f lmFamily) check(path, name string) []error {
	c, left := &checker{path: path}, nestedMax
	for i, to := range f[name].Fallback {
		at := fmt.Sprintf("Fallback[%d].LM", i)
		other, there := f[to.LM]
		if to.LM == "" {
			continue // said already
		}
		c.must(there, at, "there is no language model named %q", to.LM)
		c.must(!other.Direct, at, "workers ask %q by themselves (Direct), and only those that the host asks can stand in", to.LM)
		if way := f.back(to.LM, name, nil, &left); way != nil {
			c.must(false, at, "leads back to itself: %s", strings.Join(quoted(append([]string{name}, way...)), " -> "))
		}
	}
	c.must(left >= 0, "Fallback", "leads to more than %d language models", nestedMax)
	return c.errs
}

// familyOf returns the language models of a configuration, not ready yet.
func familyOf(c Config) lmFamily {
	f := lmFamily{}
	maps.Copy(f, c.LMs)
	if c.LM.given() {
		f[""] = c.LM
	}
	return f
}

// back finds a way from one language model to another, nil if there is none.
func (f lmFamily) back(from, to string, way []string, left *int) []string {
	if *left--; *left < 0 || slices.Contains(way, from) {
		return nil
	}
	way = append(way, from)
	if from == to {
		return way
	}
	for _, next := range f[from].Fallback {
		if found := f.back(next.LM, to, way, left); found != nil {
			return found
		}
	}
	return nil
}

// quoted returns names as they may be shown; the default has none.
func quoted(names []string) []string {
	shown := make([]string, len(names))
	for i, name := range names {
		if shown[i] = fmt.Sprintf("%q", name); name == "" {
			shown[i] = "the default"
		}
	}
	return shown
}
