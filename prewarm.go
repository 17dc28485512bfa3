package dspool

import (
	"fmt"
	"slices"
	"time"
)

// PrewarmTimeoutDefault is the default of Prewarm.Timeout.
const PrewarmTimeoutDefault = 60 * time.Second

// WarmStrategy says how many workers start and warm up at once.
type WarmStrategy string

// The strategies.
const (
	// WarmParallel: all of them.
	WarmParallel WarmStrategy = "parallel"
	// WarmSequential: one after the other, for machines that have no more to
	// spare.
	WarmSequential WarmStrategy = "sequential"
	// WarmStaged: a third of Config.Workers.
	WarmStaged WarmStrategy = "staged"
)

// Prewarm says what each worker does before it takes calls: those of the start,
// replacements, and those that Scale and Swap bring. The zero value is nothing.
type Prewarm struct {
	// Strategy defaults to WarmParallel.
	Strategy WarmStrategy
	// Requests are run on each worker, one after the other. They need no
	// session, and their results are checked and thrown away. They do not count
	// as calls.
	Requests []Request
	// Timeout bounds the requests of one worker together. Defaults to 60 s.
	Timeout time.Duration
	// Required says that a worker whose warm-up fails is not taken: another one
	// is started, at the pace of Restart. Otherwise it serves all the same, and
	// the report and an event tell. One that did not survive is never taken.
	Required bool
}

func (w Prewarm) withDefaults() Prewarm {
	w.Strategy = or(w.Strategy, WarmParallel)
	w.Timeout = or(w.Timeout, PrewarmTimeoutDefault)
	return w
}

func (w Prewarm) check(k *checker) {
	known := []WarmStrategy{WarmParallel, WarmSequential, WarmStaged}
	k.must(slices.Contains(known, w.Strategy), "Prewarm.Strategy", "must be one of %q, got %q", known, w.Strategy)
	k.must(w.Timeout > 0, "Prewarm.Timeout", "must be positive, got %s", w.Timeout)
	for i, req := range w.Requests {
		path := fmt.Sprintf("Prewarm.Requests[%d]", i)
		k.must(req.Session == "", path+".Session", "must be empty: no session exists before calls are taken")
		if req.Program == nil {
			k.must(false, path+".Program", "must be set")
			continue
		}
		k.must(req.Program.Kind != KindObject, path+".Program", "must not be of kind %q, which needs a session", KindObject)
		if _, _, err := req.Program.Definition(); err != nil {
			k.must(false, path+".Program", "cannot be used: %v", err)
		} else if _, err := req.Program.CheckInput(req.Input, names(req.Attachments)...); err != nil {
			k.must(false, path+".Input", "does not fit: %v", err)
		}
	}
}

// stage is how many of n workers start at once, 0 for all.
func (s WarmStrategy) stage(n int) int {
	switch s {
	case WarmSequential:
		return 1
	case WarmStaged:
		return (n + 2) / 3
	case WarmParallel:
	}
	return 0
}
