package otel

import (
	"context"
	"fmt"
	"iter"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// scope is the name under which spans are made.
const scope = "github.com/dspool/dspool/otel"

// A Runner makes spans of the calls of another one. It is a [dspool.Runner],
// and safe for concurrent use.
type Runner struct {
	next   dspool.Runner
	tracer trace.Tracer
}

var _ dspool.Runner = (*Runner)(nil)

// NewRunner wraps a Runner. Put it around retries and fallbacks, and the
// attempts of all of them are in one tree; put it inside, and each is a call of
// its own.
func NewRunner(next dspool.Runner, provider trace.TracerProvider) *Runner {
	return &Runner{next: next, tracer: provider.Tracer(scope)}
}

// Call runs a program once, within a span. The request's Trace is that span; a
// Trace that the request has already is the span's parent if ctx has none.
func (r *Runner) Call(ctx context.Context, req dspool.Request) (dspool.Response, error) {
	c := r.begin(ctx, &req)
	defer c.end()
	resp, err := r.next.Call(c.ctx, req)
	conclude(c.span, &resp, err)
	return resp, err
}

// Stream does the same for a stream; the span ends with the stream, or when its
// reader leaves.
func (r *Runner) Stream(ctx context.Context, req dspool.Request) iter.Seq2[dspool.Event, error] {
	return func(yield func(dspool.Event, error) bool) {
		c := r.begin(ctx, &req)
		defer c.end()
		for ev, err := range r.next.Stream(c.ctx, req) {
			if err != nil || ev.Response != nil {
				conclude(c.span, ev.Response, err)
			}
			if !yield(ev, err) {
				return
			}
		}
	}
}

// begin starts the span of a call and lets the request tell of its attempts.
func (r *Runner) begin(ctx context.Context, req *dspool.Request) *call {
	if !trace.SpanContextFromContext(ctx).IsValid() {
		ctx = trace.ContextWithRemoteSpanContext(ctx, parse(req.Trace))
	}
	c := &call{tracer: r.tracer}
	var ids wish
	c.ctx, c.span = start(ctx, r.tracer, &ids, "dspool.call", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("dspool.program", req.Program.String())))
	if req.Tenant != "" {
		c.span.SetAttributes(attribute.String("dspool.tenant", req.Tenant))
	}
	if req.Session != "" {
		c.span.SetAttributes(attribute.String("dspool.session", req.Session))
	}
	at := c.span.SpanContext()
	if c.span.IsRecording() {
		if ids.heard && at.IsSampled() {
			c.run = random{}.NewSpanID(c.ctx, at.TraceID())
			at = at.WithSpanID(c.run)
		}
		heard := req.Observe
		req.Observe = func(a dspool.Attempt) {
			c.attempt(a)
			if heard != nil {
				heard(a)
			}
		}
	}
	if at.IsValid() {
		req.Trace = traceparent(at)
	}
	return c
}

// conclude says how a call ended.
func conclude(span trace.Span, resp *dspool.Response, err error) {
	if !span.IsRecording() {
		return
	}
	if err != nil {
		fail(span, fault.From(err))
		return
	}
	span.SetAttributes(
		attribute.String("dspool.worker", resp.Worker),
		attribute.Int("dspool.attempts", resp.Attempts),
		attribute.Int64("dspool.queue_us", resp.Queue.Microseconds()),
		attribute.Int64("dspool.run_us", resp.Run.Microseconds()),
	)
	span.SetAttributes(used(resp)...)
}

// fail marks a span. The message of an error of user code may hold user data,
// so only those of our own are shown.
func fail(span trace.Span, err *fault.Error) {
	text := err.Message
	if err.Remote {
		text = "see the error that the caller got"
	}
	span.SetStatus(codes.Error, fmt.Sprintf("%s: %s", err.Code, text))
	span.SetAttributes(attribute.String("error.type", string(err.Code)), attribute.String("dspool.started", string(err.Started)))
}
