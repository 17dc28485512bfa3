package otel_test

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/codes"
	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/otel"
)

// traced returns a provider and what its spans become.
func traced(t *testing.T, sampler sdk.Sampler) (*sdk.TracerProvider, *tracetest.InMemoryExporter) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter), sdk.WithSampler(sampler))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return provider, exporter
}

// tree writes spans as an indented tree, in order of their start.
func tree(spans tracetest.SpanStubs) string {
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	ids := map[string]bool{}
	for _, s := range spans {
		ids[s.SpanContext.SpanID().String()] = true
	}
	var out strings.Builder
	var walk func(parent string, depth int)
	walk = func(parent string, depth int) {
		for _, s := range spans {
			of := s.Parent.SpanID().String()
			if of == parent || depth == 0 && !ids[of] {
				fmt.Fprintf(&out, "%s%s\n", strings.Repeat("  ", depth), s.Name)
				walk(s.SpanContext.SpanID().String(), depth+1)
			}
		}
	}
	walk("", 0)
	return out.String()
}

// A script is a Runner that observes what a test tells it.
type script struct {
	attempts []dspool.Attempt
	err      error
	seen     []dspool.Request
}

func (s *script) Call(_ context.Context, req dspool.Request) (dspool.Response, error) {
	s.seen = append(s.seen, req)
	if req.Observe != nil {
		for _, a := range s.attempts {
			req.Observe(a)
		}
	}
	if s.err != nil {
		return dspool.Response{}, s.err
	}
	return dspool.Response{Output: json.RawMessage(`1`), Worker: "w2", Attempts: len(s.attempts)}, nil
}

func (s *script) Stream(ctx context.Context, req dspool.Request) iter.Seq2[dspool.Event, error] {
	return func(yield func(dspool.Event, error) bool) {
		if !yield(dspool.Event{Kind: dspool.EventItem}, nil) {
			return
		}
		resp, err := s.Call(ctx, req)
		if err != nil {
			yield(dspool.Event{}, err)
			return
		}
		yield(dspool.Event{Kind: dspool.EventResult, Response: &resp}, nil)
	}
}

// With IDs the worker is told the id of its run, which one span has: the first
// run's, or that of a run that was lost.
func TestTheWorkerIsToldItsRun(t *testing.T) {
	t.Parallel()
	lost := twoAttempts()[:1]
	for name, c := range map[string]struct {
		attempts []dspool.Attempt
		parent   string // of the span that has the id
	}{
		"lost, then run": {twoAttempts(), "w2"},
		"run twice":      {[]dspool.Attempt{twoAttempts()[1], twoAttempts()[1]}, "w2"},
		"lost":           {lost, "w1"},
		"never begun":    {[]dspool.Attempt{{Number: 1, Queued: lost[0].Queued, Ended: lost[0].Ended}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			exporter := tracetest.NewInMemoryExporter()
			provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter), sdk.WithIDGenerator(otel.NewIDs(nil)))
			t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
			next := &script{attempts: c.attempts}
			if _, err := otel.NewRunner(next, provider).Call(t.Context(), dspool.Request{Program: program(t, "m:f")}); err != nil {
				t.Fatal(err)
			}
			told := next.seen[0].Trace[36:52]
			workers, holder := map[string]string{}, ""
			ids := map[string]bool{}
			for _, s := range exporter.GetSpans() {
				id := s.SpanContext.SpanID().String()
				if ids[id] || next.seen[0].Trace[3:35] != s.SpanContext.TraceID().String() {
					t.Errorf("%s: the id %s is there twice, or the trace is another", s.Name, id)
				}
				ids[id] = true
				for _, a := range s.Attributes {
					if a.Key == "dspool.worker" {
						workers[id] = a.Value.AsString()
					}
				}
				if id == told {
					holder = s.Parent.SpanID().String()
					if s.Name != "dspool.worker.run" {
						t.Errorf("the worker was told the id of %s", s.Name)
					}
				}
			}
			if workers[holder] != c.parent {
				t.Errorf("the run that the worker was told of is in the attempt of %q, want %q", workers[holder], c.parent)
			}
		})
	}
}

func program(t *testing.T, ref string) *dspool.Spec {
	t.Helper()
	spec, err := dspool.NewFunc(ref)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func twoAttempts() []dspool.Attempt {
	at := time.Now().Add(-time.Minute).Truncate(time.Microsecond)
	return []dspool.Attempt{
		{Number: 1, Worker: "w1", PID: 11, Queued: at, Handed: at.Add(1), Ended: at.Add(time.Second), Err: fault.New(fault.WorkerCrashed, "gone")},
		{Number: 2, Worker: "w2", PID: 12, Queued: at.Add(time.Second), Handed: at.Add(2 * time.Second), Ended: at.Add(9 * time.Second), Spans: []dspool.Span{
			{Name: "queue", Parent: -1, Start: at.Add(2 * time.Second), Duration: time.Millisecond},
			{Name: "run", Parent: -1, Start: at.Add(3 * time.Second), Duration: 5 * time.Second},
			{Name: "lm", Parent: 1, Start: at.Add(4 * time.Second), Duration: time.Second, Err: "TimeoutError", Attributes: map[string]string{"model": "m"}},
		}},
	}
}

func TestACallIsOneTreeWithItsRealTimes(t *testing.T) {
	t.Parallel()
	provider, exporter := traced(t, sdk.AlwaysSample())
	next := &script{attempts: twoAttempts()}
	heard := 0
	req := dspool.Request{Program: program(t, "m:f"), Session: "s", Observe: func(dspool.Attempt) { heard++ }}
	if _, err := otel.NewRunner(next, provider).Call(t.Context(), req); err != nil {
		t.Fatal(err)
	}
	spans := exporter.GetSpans()
	want := "dspool.attempt\n  dspool.worker.queue\n  dspool.worker.run\n    dspool.worker.lm\n"
	want = "dspool.call\n  dspool.attempt\n  " + strings.ReplaceAll(strings.TrimSuffix(want, "\n"), "\n", "\n  ") + "\n"
	if got := tree(spans); got != want {
		t.Errorf("tree\n%swant\n%s", got, want)
	}
	for _, s := range spans {
		switch s.Name {
		case "dspool.worker.lm":
			lm := next.attempts[1].Spans[2]
			if !s.StartTime.Equal(lm.Start) || s.EndTime.Sub(s.StartTime) != lm.Duration || s.Status.Code != codes.Error {
				t.Errorf("lm from %v to %v, status %v", s.StartTime, s.EndTime, s.Status)
			}
		case "dspool.call":
			if got, trace := next.seen[0].Trace, s.SpanContext; got != fmt.Sprintf("00-%s-%s-01", trace.TraceID(), trace.SpanID()) {
				t.Errorf("the worker is told %s, the span is %v", got, trace)
			}
			if s.Status.Code == codes.Error {
				t.Errorf("status %v", s.Status)
			}
		}
	}
	if heard != 2 {
		t.Errorf("the request's own Observe heard of %d attempts, want 2", heard)
	}
}

func TestTheTraceGoesOnFromTheContextOrTheRequest(t *testing.T) {
	t.Parallel()
	const given = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	provider, exporter := traced(t, sdk.ParentBased(sdk.AlwaysSample()))
	next := &script{}
	runner := otel.NewRunner(next, provider)
	if _, err := runner.Call(t.Context(), dspool.Request{Program: program(t, "m:f"), Trace: given}); err != nil {
		t.Fatal(err)
	}
	if got := exporter.GetSpans()[0]; got.SpanContext.TraceID().String() != given[3:35] || got.Parent.SpanID().String() != given[36:52] {
		t.Errorf("span %v, parent %v", got.SpanContext, got.Parent)
	}
	exporter.Reset()
	ctx, outer := provider.Tracer("test").Start(t.Context(), "outer")
	if _, err := runner.Call(ctx, dspool.Request{Program: program(t, "m:f"), Trace: given}); err != nil {
		t.Fatal(err)
	}
	if got := exporter.GetSpans()[0]; got.Parent.SpanID() != outer.SpanContext().SpanID() {
		t.Errorf("parent %v, want the span of the context", got.Parent)
	}
}

func TestACallThatIsNotSampledAsksForNothing(t *testing.T) {
	t.Parallel()
	provider, exporter := traced(t, sdk.NeverSample())
	next := &script{attempts: twoAttempts()}
	if _, err := otel.NewRunner(next, provider).Call(t.Context(), dspool.Request{Program: program(t, "m:f")}); err != nil {
		t.Fatal(err)
	}
	if got := next.seen[0]; got.Observe != nil || !strings.HasSuffix(got.Trace, "-00") {
		t.Errorf("trace %q, observed %t", got.Trace, got.Observe != nil)
	}
	if n := len(exporter.GetSpans()); n != 0 {
		t.Errorf("%d spans", n)
	}
}

func TestErrorsAreMarkedAndUserDataIsNotShown(t *testing.T) {
	t.Parallel()
	remote := fault.New(fault.ProgramError, "ValueError: the customer's secret")
	remote.Remote = true
	for _, c := range []struct {
		err  *fault.Error
		says string
	}{
		{fault.New(fault.QueueFull, "the queue is full"), "queue_full: the queue is full"},
		{remote, "program_error: see the error that the caller got"},
	} {
		provider, exporter := traced(t, sdk.AlwaysSample())
		runner := otel.NewRunner(&script{err: c.err}, provider)
		if _, err := runner.Call(t.Context(), dspool.Request{Program: program(t, "m:f")}); fault.CodeOf(err) != c.err.Code {
			t.Errorf("error %v", err)
		}
		for _, err := range runner.Stream(t.Context(), dspool.Request{Program: program(t, "m:f")}) {
			_ = err
		}
		spans := exporter.GetSpans()
		if len(spans) != 2 {
			t.Fatalf("%d spans, want one for the call and one for the stream", len(spans))
		}
		for _, s := range spans {
			if s.Status.Code != codes.Error || s.Status.Description != c.says {
				t.Errorf("status %v, want %q", s.Status, c.says)
			}
		}
	}
}

func TestAStreamIsASpanAlsoIfItsReaderLeaves(t *testing.T) {
	t.Parallel()
	provider, exporter := traced(t, sdk.AlwaysSample())
	runner := otel.NewRunner(&script{}, provider)
	for range runner.Stream(t.Context(), dspool.Request{Program: program(t, "m:f")}) {
		break
	}
	if got := tree(exporter.GetSpans()); got != "dspool.call\n" {
		t.Errorf("tree\n%s", got)
	}
}

// A worker that was lost has a span, and so has the one that answered.
func TestAttemptsOfAPoolAreObserved(t *testing.T) {
	t.Parallel()
	pool := startPool(t, dspool.Config{Command: testkit.Worker(t), Workers: 1})
	provider, exporter := traced(t, sdk.AlwaysSample())
	spec, err := dspool.NewFunc("mock:crash", dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	_, err = otel.NewRunner(pool, provider).Call(testkit.Context(t, time.Minute), dspool.Request{Program: spec})
	if fault.CodeOf(err) != fault.WorkerCrashed && fault.CodeOf(err) != fault.Unavailable {
		t.Fatalf("error %v", err)
	}
	spans := exporter.GetSpans()
	if n := strings.Count(tree(spans), "  dspool.attempt\n"); n < 2 {
		t.Errorf("%d attempts in\n%s", n, tree(spans))
	}
	for _, s := range spans {
		if s.Status.Code != codes.Error {
			t.Errorf("%s has the status %v", s.Name, s.Status)
		}
	}
}

func TestAMockWorkersSpansComeBack(t *testing.T) {
	t.Parallel()
	pool := startPool(t, dspool.Config{Command: testkit.Worker(t), Workers: 1})
	provider, exporter := traced(t, sdk.AlwaysSample())
	runner := otel.NewRunner(pool, provider)
	ctx := testkit.Context(t, time.Minute)
	const want = "dspool.call\n  dspool.attempt\n    dspool.worker.queue\n    dspool.worker.run\n"
	if _, err := runner.Call(ctx, dspool.Request{Program: program(t, "mock:echo")}); err != nil {
		t.Fatal(err)
	}
	if got := tree(exporter.GetSpans()); got != want {
		t.Errorf("tree of a call\n%s", got)
	}
	exporter.Reset()
	for _, err := range runner.Stream(ctx, dspool.Request{Program: program(t, "mock:stream"), Input: []byte(`{"n":3}`)}) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := tree(exporter.GetSpans()); got != want {
		t.Errorf("tree of a stream\n%s", got)
	}
}

func startPool(t *testing.T, config dspool.Config) *dspool.Pool {
	t.Helper()
	pool, err := dspool.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Stop(context.Background()) })
	return pool
}
