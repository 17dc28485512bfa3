package dspool

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/breaker"
)

// A layer is a Layer at work. Its circuit says whether it is in use.
type layer struct {
	fallback *Fallback
	index    int
	name     string
	runner   Runner
	timeout  time.Duration
	circuit  *breaker.Circuit

	served, cascaded atomic.Int64
	unstarted        atomic.Pointer[fault.Error] // it could not be started
}

func newLayer(f *Fallback, index int, config Layer) *layer {
	l := &layer{fallback: f, index: index, name: config.Name, runner: config.Runner, timeout: config.Timeout}
	l.circuit = breaker.New(f.cfg.core(l.changed))
	return l
}

// allow lets a call in, or says when to come back.
func (l *layer) allow() (breaker.Pass, time.Duration, bool) {
	if l.unstarted.Load() != nil {
		return breaker.Pass{}, 0, false
	}
	return l.circuit.Allow()
}

// call runs a program in this layer.
func (l *layer) call(ctx context.Context, req Request, pass breaker.Pass) (Response, error) {
	g := guardedLayer{layer: l, pass: pass, idempotent: req.Program != nil && req.Program.Idempotent}
	defer g.end()
	own := ctx
	if l.timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, l.timeout)
		defer cancel()
		own = limited
	}
	resp, err := l.runner.Call(own, req)
	g.settle(ctx, err)
	return resp, err
}

// stream runs a program in this layer. An error is still to be yielded; there
// is none for a reader that has left.
func (l *layer) stream(ctx context.Context, req Request, pass breaker.Pass, yield func(Event, error) bool) (end streamEnd) {
	g := guardedLayer{layer: l, pass: pass, idempotent: req.Program != nil && req.Program.Idempotent}
	defer g.end()
	own := ctx
	if l.timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, l.timeout)
		defer cancel()
		own = limited
	}
	for ev, err := range l.runner.Stream(own, req) {
		if err != nil {
			g.settle(ctx, err)
			return streamEnd{err: err, yielded: end.yielded}
		}
		g.settle(ctx, nil) // with its first event the layer has shown that it serves
		end.yielded = true
		if !yield(ev.in(l.name), nil) {
			return streamEnd{}
		}
	}
	g.settle(ctx, nil)
	return streamEnd{}
}

// in names the layer in the result of a stream.
func (ev Event) in(layer string) Event {
	if ev.Response != nil {
		resp := *ev.Response
		resp.Layer = layer
		ev.Response = &resp
	}
	return ev
}

// passesOn reports whether a call that failed here may go on. A call that the
// layer's own time limit ended before it began may.
func (l *layer) passesOn(err *fault.Error, idempotent bool) bool {
	if l.timeout > 0 && err.Code == fault.DeadlineExceeded {
		return idempotent || err.Started == fault.StartedNo
	}
	return l.fallback.cascades(err, idempotent)
}

// guardedLayer is one call in a layer. It is settled once.
type guardedLayer struct {
	layer      *layer
	pass       breaker.Pass
	idempotent bool
	settled    bool
}

// settle says what an outcome means for the layer: only what shows that it
// cannot serve counts against it. That it is busy, or that a program crashes,
// does not.
func (g *guardedLayer) settle(ctx context.Context, err error) {
	if g.settled {
		return
	}
	g.settled = true
	if err == nil {
		g.layer.served.Add(1)
		g.pass.Success()
		return
	}
	f := fault.From(err)
	switch verdict := f.Class().Verdict; {
	case verdict == fault.VerdictSound:
		g.pass.Success()
	case verdict == fault.VerdictDown:
		g.pass.Down(f)
	case verdict == fault.VerdictFailed && ctx.Err() == nil && g.layer.passesOn(f, g.idempotent):
		g.pass.Failure(f)
	default:
		g.pass.Ignore()
	}
}

// end settles a call whose Runner, or reader, panicked.
func (g *guardedLayer) end() {
	if !g.settled {
		g.settled = true
		g.pass.Ignore()
	}
}

// changed tells that the layer is out of use, or in use again.
func (l *layer) changed(change breaker.Change) {
	f := l.fallback
	if !f.events.Heard() || change.To == breaker.HalfOpen {
		return
	}
	ev := PoolEvent{Kind: FallbackRestored, At: change.At, Name: f.cfg.Name, Layer: l.name}
	if change.To == breaker.Open {
		ev.Kind, ev.Took, ev.Err = FallbackEngaged, change.Pause, fault.From(change.Cause)
		ev.Next, ev.Severity = f.below(l.index), severity(change.Cause, true)
	}
	if ev.Err != nil {
		ev.Code, ev.Reason = ev.Err.Code, ev.Err.Message
	}
	if change.Manual {
		ev.Reason = "by hand"
	}
	f.events.Publish(ev)
}

// below names the layer that serves what another one does not, "" for none.
func (f *Fallback) below(index int) string {
	for _, l := range f.layers[index+1:] {
		if l.inUse() {
			return l.name
		}
	}
	return ""
}

func (l *layer) inUse() bool { return l.unstarted.Load() == nil && l.circuit.State() == breaker.Closed }

// trouble says why the layer is not in use, "" if it is.
func (l *layer) trouble() string {
	if err := l.unstarted.Load(); err != nil {
		return err.Error()
	}
	if s := l.circuit.Snapshot(); s.State != breaker.Closed && s.Cause != nil {
		return s.Cause.Error()
	}
	return ""
}
