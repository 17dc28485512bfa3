package otel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/dspool/dspool"
)

const runName = "dspool.worker.run"

// A call is a call whose spans are made.
type call struct {
	tracer trace.Tracer
	ctx    context.Context //nolint:containedctx // where its span is
	span   trace.Span
	// run is the id that the worker was told for its run, invalid if it was told
	// that of the call, or when a span has it.
	run trace.SpanID
	// lost makes the span of a run that nothing came back of.
	lost func()
}

// attempt makes the spans of an attempt that has ended, with their real times.
func (c *call) attempt(a dspool.Attempt) {
	ctx, span := c.tracer.Start(c.ctx, "dspool.attempt", trace.WithTimestamp(a.Queued),
		trace.WithAttributes(attribute.Int("dspool.attempt", a.Number)))
	defer span.End(trace.WithTimestamp(a.Ended))
	if a.Worker != "" {
		span.SetAttributes(attribute.String("dspool.worker", a.Worker), attribute.Int("process.pid", a.PID))
		span.AddEvent("handed to the worker", trace.WithTimestamp(a.Handed))
		c.lost = func() { c.missing(ctx, a) }
	}
	if a.Err != nil {
		fail(span, a.Err)
	}
	c.worker(ctx, a.Spans)
}

// worker makes the spans that came from Python. A parent comes before its
// children.
func (c *call) worker(ctx context.Context, spans []dspool.Span) {
	inside := make([]context.Context, len(spans))
	for i, s := range spans {
		parent := ctx
		if s.Parent >= 0 && s.Parent < i {
			parent = inside[s.Parent]
		}
		var span trace.Span
		inside[i], span = c.start(parent, "dspool.worker."+s.Name, trace.WithTimestamp(s.Start)) //nolint:fatcontext // each span's own, for its children
		for name, value := range s.Attributes {
			span.SetAttributes(attribute.String("dspool."+name, value))
		}
		span.SetAttributes(generative(s)...)
		if s.Err != "" {
			span.SetStatus(codes.Error, s.Err)
			span.SetAttributes(attribute.String("error.type", s.Err))
		}
		span.End(trace.WithTimestamp(s.Start.Add(s.Duration)))
	}
}

// start starts a span of a worker. The first run gets the id that the worker
// was told.
func (c *call) start(ctx context.Context, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	if name != runName || !c.run.IsValid() {
		return c.tracer.Start(ctx, name, opts...)
	}
	w := &wish{id: c.run}
	c.run = trace.SpanID{}
	return start(ctx, c.tracer, w, name, opts...)
}

// missing makes the span of a run whose worker was lost: user code may have
// made spans under it.
func (c *call) missing(ctx context.Context, a dspool.Attempt) {
	_, span := c.start(ctx, runName, trace.WithTimestamp(a.Handed), trace.WithAttributes(attribute.Bool("dspool.lost", true)))
	if a.Err != nil {
		fail(span, a.Err)
	}
	span.End(trace.WithTimestamp(a.Ended))
}

// end ends the span of the call.
func (c *call) end() {
	if c.run.IsValid() && c.lost != nil {
		c.lost()
	}
	c.span.End()
}
