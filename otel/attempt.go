package otel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/dspool/dspool"
)

// attempt makes the spans of an attempt that has ended, with their real times.
func (r *Runner) attempt(ctx context.Context, a dspool.Attempt) {
	ctx, span := r.tracer.Start(ctx, "dspool.attempt", trace.WithTimestamp(a.Queued),
		trace.WithAttributes(attribute.Int("dspool.attempt", a.Number)))
	defer span.End(trace.WithTimestamp(a.Ended))
	if a.Worker != "" {
		span.SetAttributes(attribute.String("dspool.worker", a.Worker), attribute.Int("process.pid", a.PID))
		span.AddEvent("handed to the worker", trace.WithTimestamp(a.Handed))
	}
	if a.Err != nil {
		fail(span, a.Err)
	}
	r.worker(ctx, a.Spans)
}

// worker makes the spans that came from Python. A parent comes before its
// children.
func (r *Runner) worker(ctx context.Context, spans []dspool.Span) {
	inside := make([]context.Context, len(spans))
	for i, s := range spans {
		parent := ctx
		if s.Parent >= 0 && s.Parent < i {
			parent = inside[s.Parent]
		}
		var span trace.Span
		inside[i], span = r.tracer.Start(parent, "dspool.worker."+s.Name, trace.WithTimestamp(s.Start)) //nolint:fatcontext // each span's own, for its children
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
