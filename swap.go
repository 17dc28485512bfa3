package dspool

import (
	"context"
	"time"

	"github.com/dspool/dspool/fault"
)

// A Change says what is different from a swap on. A field that is nil, or empty
// for Python, stays as it is. The zero value changes nothing: the new workers
// import the user's code again as it is now. The fields mean what they mean in
// [Config]; lists replace what was there, also by an empty list.
type Change struct {
	Python  string
	Command []string
	Path    []string
	Preload []string
	Env     []string
}

// apply returns the configuration with the change made.
func (ch Change) apply(c Config) Config {
	c.Python = or(ch.Python, c.Python)
	for _, list := range []struct {
		now *[]string
		new []string
	}{{&c.Command, ch.Command}, {&c.Path, ch.Path}, {&c.Preload, ch.Preload}, {&c.Env, ch.Env}} {
		if list.new != nil {
			*list.now = list.new
		}
	}
	return c
}

// SwapStatus tells of a swap under way.
type SwapStatus struct {
	// Generation is the number of the workers that are to take over.
	Generation int `json:"generation"`
	// StartedAt is when it was this swap's turn.
	StartedAt time.Time `json:"started_at"`
	// Ready of Want workers are up.
	Ready int `json:"ready"`
	Want  int `json:"want"`
}

// Swap exchanges the code or the environment of all workers while calls go on,
// without one of them failing. A new generation of workers is brought up beside
// the one that serves, in Python's case from a fork server of its own: when all of
// them are ready they take over at once. From then on, and when Swap returns nil,
// no call begins on the old workers; those that run there finish, however long
// they take, and then the old workers and their fork server end.
//
// Swap fails, and changes nothing, if the change is not valid, a preload module
// cannot be imported, the new workers cannot be kept alive, or ctx ends. The old
// workers serve on then as if nothing had happened. Programs, language models and
// limits stay as they are in any case. Until the old workers are gone there are
// twice as many processes as otherwise.
//
// Concurrent swaps happen one after the other, each on top of the one before.
// Stop ends a swap with shutting_down. Before Start a swap fails with unavailable.
// It also works while workers crash in a loop, and mends that if the change does.
func (p *Pool) Swap(ctx context.Context, change Change) error {
	switch {
	case p.closing():
		return p.refusal()
	case !p.started.Load():
		return fault.New(fault.Unavailable, "the pool has not been started: there are no workers to exchange").WithStarted(fault.StartedNo)
	}
	p.crew.want()
	return p.crew.swap(ctx, change)
}

// closing reports whether Stop has been called.
func (p *Pool) closing() bool {
	select {
	case <-p.stopping:
		return true
	default:
		return false
	}
}
