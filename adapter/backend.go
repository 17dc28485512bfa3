package adapter

import (
	"context"
	"iter"

	"github.com/dspool/dspool"
)

// A Backend is what an adapter stands on: *dspool.Pool, *dspool.Single and
// *dspool.Mock are Backends.
type Backend interface {
	dspool.Runner

	// Start brings it up, see [dspool.Pool.Start].
	Start(ctx context.Context) error
	// WaitReady waits until it serves calls, or fails with the reason why not.
	WaitReady(ctx context.Context) error
	// Stop ends it: calls that run may finish until ctx ends.
	Stop(ctx context.Context) error
	// Status returns the numbers of this moment.
	Status() dspool.Status
	// ConfigureLM adds or replaces a language model, "" being the default.
	ConfigureLM(name string, lm dspool.LM) error
	// ForgetLM takes one away.
	ForgetLM(name string)
	// LM returns one as it was configured.
	LM(name string) (dspool.LM, bool)
}

// A sessioned Backend has a table of sessions of its own.
type sessioned interface{ Sessions() *dspool.Sessions }

// A tripping Backend has faults that were injected for commands.
type tripping interface {
	Trip(command string, programs ...string) error
}

// unbound keeps the calls of programs without a session from being bound to a
// worker as a session's calls are.
type unbound struct{ dspool.Runner }

// Call runs a call without its session.
func (u unbound) Call(ctx context.Context, req dspool.Request) (dspool.Response, error) {
	req.Session = ""
	return u.Runner.Call(ctx, req) //nolint:wrapcheck // a Runner's error says it all
}

// Stream runs a stream without its session.
func (u unbound) Stream(ctx context.Context, req dspool.Request) iter.Seq2[dspool.Event, error] {
	req.Session = ""
	return u.Runner.Stream(ctx, req)
}
