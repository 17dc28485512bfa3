package dspool

import (
	"context"
	"iter"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/feed"
	"github.com/dspool/dspool/internal/lifecycle"
)

// A Fallback is a [Runner] over several, the best one first: a call goes to the
// first layer that is in use, and on to the next one if that cannot serve it.
//
// Which failures go on follows from the error matrix (docs/ERRORS.md): a layer
// that is unavailable, is stopping, or lost its worker. Never a program's own
// error or bad input; never a call that has begun, unless its program is
// declared idempotent; never a stream of which anything was yielded. All layers
// together spend the one time budget of the call.
//
// A layer that keeps failing is passed over for a pause that grows; then one
// call tries it, and if that goes well everybody returns to it.
// Response.Layer names the layer that answered.
//
// All methods are safe for concurrent use. Start and Stop are for a Fallback
// that owns its layers; otherwise leave both alone.
type Fallback struct {
	cfg    FallbackConfig
	layers []*layer
	events feed.Feed[PoolEvent]
	cycle  lifecycle.Cycle
}

var _ Runner = (*Fallback)(nil)

// NewFallback makes a chain of layers, the best one first.
func NewFallback(config FallbackConfig, layers ...Layer) (*Fallback, error) {
	k := &checker{path: "FallbackConfig"}
	config.check(k)
	of := &checker{path: "NewFallback"}
	checkLayers(of, layers)
	k.errs = append(k.errs, of.errs...)
	if err := k.verdict(); err != nil {
		return nil, err
	}
	f := &Fallback{cfg: config.withDefaults()}
	for i, l := range layers {
		f.layers = append(f.layers, newLayer(f, i, l))
	}
	return f, nil
}

// Call runs a program in the first layer that can.
func (f *Fallback) Call(ctx context.Context, req Request) (Response, error) {
	w := way{fallback: f}
	for l, ok := w.first(); ok; l, ok = w.following(ctx, &req) {
		var resp Response
		if resp, w.err = l.call(ctx, req, w.pass); w.err == nil {
			resp.Layer = l.name
			return resp, nil
		}
	}
	return Response{}, w.verdict()
}

// Stream runs a program in the first layer that can, and yields what it
// produces. Once anything has been yielded the stream stays in its layer.
func (f *Fallback) Stream(ctx context.Context, req Request) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		w := way{fallback: f}
		for l, ok := w.first(); ok; l, ok = w.following(ctx, &req) {
			end := l.stream(ctx, req, w.pass, yield)
			if end.err == nil {
				return
			}
			w.err, w.yielded = end.err, end.yielded
		}
		yield(Event{}, w.verdict())
	}
}

// Events returns what happens from now on, as [Pool.Events] does. It ends when
// ctx ends, when the loop is left, and after Stop.
func (f *Fallback) Events(ctx context.Context) iter.Seq[PoolEvent] {
	return readEvents(ctx, &f.events)
}

// Trip passes over a layer by hand, for the time of one Pause, and reports
// whether there is such a layer.
func (f *Fallback) Trip(name string) bool {
	l := f.layer(name)
	if l != nil {
		l.circuit.Trip(0, nil)
	}
	return l != nil
}

// Reset brings everybody back to a layer by hand, and reports whether there is
// such a layer.
func (f *Fallback) Reset(name string) bool {
	l := f.layer(name)
	if l != nil {
		l.circuit.Reset()
	}
	return l != nil
}

func (f *Fallback) layer(name string) *layer {
	for _, l := range f.layers {
		if l.name == name {
			return l
		}
	}
	return nil
}

// cascades reports whether a call that failed may go on to another layer.
func (f *Fallback) cascades(err *fault.Error, idempotent bool) bool {
	switch err.Class().Cascade {
	case fault.CascadeAlways:
	case fault.CascadeOverload:
		if !f.cfg.Overload {
			return false
		}
	case fault.CascadeProvider:
		if !f.cfg.Providers {
			return false
		}
	case fault.CascadeNever:
		return false
	}
	return idempotent || err.Started == fault.StartedNo || err.Started == fault.StartedUnknown && err.Retryable()
}
