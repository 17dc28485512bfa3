package dspool

import (
	"cmp"
	"context"
	"maps"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/breaker"
)

// A way is one call's way through the layers. It lives on the caller's stack.
type way struct {
	fallback *Fallback
	next     int // layer
	pass     breaker.Pass
	err      error // of the layer that had it last
	yielded  bool

	failed  []string      // what the layers before said
	ran     bool          // one of them may have begun
	started fault.Started // as far as is known
	wait    time.Duration // until the first of those passed over is tried again
}

// first returns the layer that the call goes to.
func (w *way) first() (*layer, bool) {
	for _, l := range w.fallback.layers[w.next:] {
		w.next++
		pass, after, ok := l.allow()
		if ok {
			w.pass = pass
			return l, true
		}
		if after > 0 && (w.wait == 0 || after < w.wait) {
			w.wait = after
		}
	}
	return nil, false
}

// following returns the layer that the call goes on to after a failure, if it
// may and there is one.
func (w *way) following(ctx context.Context, req *Request) (*layer, bool) {
	f := w.fallback
	from := f.layers[w.next-1]
	err := fault.From(w.err)
	idempotent := req.Program != nil && req.Program.Idempotent
	if w.yielded || ctx.Err() != nil || !from.passesOn(err, idempotent) {
		return nil, false
	}
	to, ok := w.first()
	if !ok {
		return nil, false
	}
	w.failed = append(w.failed, from.name+": "+err.Error())
	if err.Started != fault.StartedNo && !err.Retryable() {
		w.ran, w.started = true, cmp.Or(w.started, err.Started)
	}
	from.cascaded.Add(1)
	if f.events.Heard() {
		f.events.Publish(PoolEvent{
			Kind: CallCascaded, At: time.Now(), Name: f.cfg.Name, Layer: from.name, Next: to.name, Program: req.Program.String(),
			Err: err, Code: err.Code, Reason: err.Message, Severity: err.Class().SeverityAt(len(w.failed), false),
		})
	}
	w.err = nil
	return to, true
}

// verdict is the error of a call that no layer served: that of the last one
// which had it, or unavailable.
func (w *way) verdict() error {
	if w.err == nil {
		return w.nobody()
	}
	if len(w.failed) == 0 {
		return w.err
	}
	c := *fault.From(w.err)
	if w.ran && c.Started != fault.StartedYes {
		c.Started = w.started
	}
	details := map[string]string{"layers": strings.Join(w.failed, "; ")}
	maps.Copy(details, c.Details)
	c.Details = details
	c.Message += "; layers before it failed too"
	return &c
}

// nobody is the error of a call that found every layer passed over.
func (w *way) nobody() error {
	err := fault.Newf(fault.Unavailable, "no layer of %q is in use: come back later", w.fallback.cfg.Name).WithStarted(fault.StartedNo)
	err.RetryAfter = w.wait
	err.Details = map[string]string{}
	for _, l := range w.fallback.layers {
		err.Details[l.name] = l.trouble()
	}
	return err
}
