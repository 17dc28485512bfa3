package dspool

import (
	"context"
	"iter"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/breaker"
)

// A Breaker is a [Runner] over a Runner that stops asking it once it has
// failed often: calls are then refused at once with unavailable, RetryAfter
// says when to come back, and a few probes find out when it works again.
//
// What counts as a failure follows from the error matrix (docs/ERRORS.md): a
// program's own error counts as a success, since the Runner did its work, and
// bad input and callers who left do not count at all. A call that reached the
// Breaker with its time already spent is not counted either.
//
// Calls run under no lock. Safe for concurrent use.
type Breaker struct {
	*Circuit

	runner Runner
}

var _ Runner = (*Breaker)(nil)

// NewBreaker puts a circuit of its own before a Runner.
func NewBreaker(runner Runner, config BreakerConfig) (*Breaker, error) {
	circuit, err := NewCircuit(config)
	if err != nil {
		return nil, err
	}
	if runner == nil {
		return nil, missingRunner("NewBreaker")
	}
	return circuit.Guard(runner), nil
}

// Guard puts the circuit before a Runner. What several Runners share, such as
// a language model's provider, is guarded by one circuit for all of them.
func (c *Circuit) Guard(runner Runner) *Breaker { return &Breaker{Circuit: c, runner: runner} }

// Call runs a program, unless the circuit is open.
func (b *Breaker) Call(ctx context.Context, req Request) (Response, error) {
	if ctx.Err() != nil {
		return b.runner.Call(ctx, req)
	}
	pass, after, ok := b.core.Allow()
	if !ok {
		return Response{}, b.refused(after)
	}
	g := guarded{circuit: b.Circuit, pass: pass}
	defer g.end()
	resp, err := b.runner.Call(ctx, req)
	g.settle(err)
	return resp, err
}

// Stream runs a program, unless the circuit is open, and yields what it
// produces. It counts when it ends; a probe counts as a success with its first
// event already, so that a long stream does not keep the circuit half-open.
func (b *Breaker) Stream(ctx context.Context, req Request) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if ctx.Err() != nil {
			b.runner.Stream(ctx, req)(yield)
			return
		}
		pass, after, ok := b.core.Allow()
		if !ok {
			yield(Event{}, b.refused(after))
			return
		}
		b.stream(ctx, req, pass, yield)
	}
}

func (b *Breaker) stream(ctx context.Context, req Request, pass breaker.Pass, yield func(Event, error) bool) {
	g := guarded{circuit: b.Circuit, pass: pass}
	defer g.end()
	for ev, err := range b.runner.Stream(ctx, req) {
		g.saw(err)
		if !offered(&g, ev, err, yield) {
			return
		}
	}
	g.settle(nil)
}

// offered yields an event. A reader that leaves, or panics, is no failure of
// the Runner.
func offered(g *guarded, ev Event, err error, yield func(Event, error) bool) (stays bool) {
	defer func() {
		if !stays {
			g.left()
		}
	}()
	return yield(ev, err)
}

// guarded is one call that was let through. It is settled once.
type guarded struct {
	circuit *Circuit
	pass    breaker.Pass
	seen    bool // an event of the stream
	settled bool
}

func (g *guarded) settle(err error) {
	if g.settled {
		return
	}
	g.settled = true
	g.circuit.settle(g.pass, err)
}

// saw takes note of an event of a stream, or of its end by an error.
func (g *guarded) saw(err error) {
	switch {
	case err == nil && g.pass.Probe():
		g.settle(nil)
	case err == nil:
		g.seen = true
	case g.settled: // a probe that went wrong after it had begun well
		g.circuit.Record(err)
	default:
		g.settle(err)
	}
}

// left settles a stream whose reader has left.
func (g *guarded) left() {
	switch {
	case g.settled:
	case g.seen:
		g.settle(nil)
	default:
		g.settled = true
		g.pass.Ignore()
	}
}

// end settles a call whose Runner panicked.
func (g *guarded) end() {
	if !g.settled {
		g.settle(fault.New(fault.Internal, "the Runner panicked"))
	}
}

func missingRunner(where string) *fault.Error {
	return fault.Newf(fault.InvalidArgument, "%s needs a Runner, got nil", where)
}
