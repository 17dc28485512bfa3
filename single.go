package dspool

import (
	"context"
	"fmt"
	"iter"
)

// A Single is one worker process that takes many calls at once: a pool of one,
// without a fork server. It behaves as a [Pool] does, replacement included. It
// is a [Runner], and safe for concurrent use.
type Single struct{ pool *Pool }

var _ Runner = (*Single)(nil)

// NewSingle checks the configuration and allocates a Single. Config.Workers
// must be 0 or 1 and Config.Start empty or Spawn. Like [New] it does no I/O.
func NewSingle(config Config) (*Single, error) {
	k := &checker{path: "Config"}
	k.must(config.Workers == 0 || config.Workers == 1, "Workers", "must be 0 or 1 for a Single, got %d", config.Workers)
	k.must(config.Start == "" || config.Start == Spawn, "Start", "must be empty or %q for a Single, got %q", Spawn, config.Start)
	k.must(config.Scale == Scale{}, "Scale", "has no meaning for a Single, which is one worker")
	if err := k.verdict(); err != nil {
		return nil, err
	}
	config.Workers, config.Start = 1, Spawn
	pool, err := New(config)
	if err != nil {
		return nil, fmt.Errorf("single: %w", err)
	}
	return &Single{pool: pool}, nil
}

// Start brings the process up, as [Pool.Start] does.
func (s *Single) Start(ctx context.Context) error { return s.pool.Start(ctx) }

// Ready is closed when the process takes calls.
func (s *Single) Ready() <-chan struct{} { return s.pool.Ready() }

// WaitReady waits for that, as [Pool.WaitReady] does.
func (s *Single) WaitReady(ctx context.Context) error { return s.pool.WaitReady(ctx) }

// Stop ends the process, as [Pool.Stop] does.
func (s *Single) Stop(ctx context.Context) error { return s.pool.Stop(ctx) }

// Call runs a program once, as [Pool.Call] does.
func (s *Single) Call(ctx context.Context, req Request) (Response, error) {
	return s.pool.Call(ctx, req)
}

// Stream runs a program and yields what it produces, as [Pool.Stream] does.
func (s *Single) Stream(ctx context.Context, req Request) iter.Seq2[Event, error] {
	return s.pool.Stream(ctx, req)
}

// Swap exchanges the process, as [Pool.Swap] does.
func (s *Single) Swap(ctx context.Context, change Change) error { return s.pool.Swap(ctx, change) }

// ReleaseSession ends what a session has in the worker, as
// [Pool.ReleaseSession] does.
func (s *Single) ReleaseSession(session string) { s.pool.ReleaseSession(session) }

// ReleaseTenantSession is [Single.ReleaseSession] for a session of a tenant.
func (s *Single) ReleaseTenantSession(tenant, session string) {
	s.pool.ReleaseTenantSession(tenant, session)
}

// Status returns the numbers of this moment.
func (s *Single) Status() Status { return s.pool.Status() }

// Events returns what happens from now on, as [Pool.Events] does.
func (s *Single) Events(ctx context.Context) iter.Seq[PoolEvent] { return s.pool.Events(ctx) }

// EventsOf is Events for some kinds only, as [Pool.EventsOf] is.
func (s *Single) EventsOf(ctx context.Context, kinds ...PoolEventKind) iter.Seq[PoolEvent] {
	return s.pool.EventsOf(ctx, kinds...)
}

// ConfigureLM adds or replaces a language model, as [Pool.ConfigureLM] does.
func (s *Single) ConfigureLM(name string, lm LM) error { return s.pool.ConfigureLM(name, lm) }

// ForgetLM takes away a language model, as [Pool.ForgetLM] does.
func (s *Single) ForgetLM(name string) { s.pool.ForgetLM(name) }

// LM returns a language model, as [Pool.LM] does.
func (s *Single) LM(name string) (LM, bool) { return s.pool.LM(name) }
