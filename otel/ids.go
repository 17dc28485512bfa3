package otel

import (
	"context"
	"encoding/binary"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// A Generator makes the ids of spans. It has the methods of the SDK's
// IDGenerator.
type Generator interface {
	// NewIDs returns the ids of the first span of a trace.
	NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID)
	// NewSpanID returns the id of another span of a trace.
	NewSpanID(ctx context.Context, traceID trace.TraceID) trace.SpanID
}

// IDs is the generator of a provider whose Runners are to know the id of a
// worker's run before it begins:
//
//	sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(otel.NewIDs(nil)), ...)
//
// A [Runner] notices it by itself. The traceparent that user code in Python sees
// is then that of dspool.worker.run, under which its own spans hang; without it,
// they hang under dspool.call.
type IDs struct{ next Generator }

var _ Generator = IDs{}

// NewIDs returns a generator that takes all other ids from next; nil stands for
// random ones.
func NewIDs(next Generator) IDs {
	if next == nil {
		next = random{}
	}
	return IDs{next: next}
}

// NewIDs returns the ids of the first span of a trace.
func (g IDs) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	traceID, spanID := g.next.NewIDs(ctx)
	return traceID, wished(ctx, spanID)
}

// NewSpanID returns the id of a span in a trace.
func (g IDs) NewSpanID(ctx context.Context, traceID trace.TraceID) trace.SpanID {
	return wished(ctx, g.next.NewSpanID(ctx, traceID))
}

// A wish travels in the context of one Start to the generator.
type wish struct {
	id    trace.SpanID // invalid: any
	heard bool
}

type wishKey struct{}

func wished(ctx context.Context, id trace.SpanID) trace.SpanID {
	w, there := ctx.Value(wishKey{}).(*wish)
	if !there {
		return id
	}
	w.heard = true
	if w.id.IsValid() {
		return w.id
	}
	return id
}

// start starts a span whose id is wished for. The wish is not in the context
// that is returned.
func start(ctx context.Context, tracer trace.Tracer, w *wish, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	_, span := tracer.Start(context.WithValue(ctx, wishKey{}, w), name, opts...)
	return trace.ContextWithSpan(ctx, span), span
}

// random makes ids as the SDK does.
type random struct{}

func (r random) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	var id trace.TraceID
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:8], rand.Uint64()) //nolint:gosec // names, no secrets
		binary.NativeEndian.PutUint64(id[8:], rand.Uint64()) //nolint:gosec // names, no secrets
	}
	return id, r.NewSpanID(ctx, id)
}

func (random) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	var id trace.SpanID
	for !id.IsValid() {
		binary.NativeEndian.PutUint64(id[:], rand.Uint64()) //nolint:gosec // names, no secrets
	}
	return id
}
