package otel_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	sdk "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/otel"
)

type (
	question struct {
		Question string `json:"question"`
	}
	answer struct {
		Answer string `json:"answer"`
	}
)

// One trace through both processes: the call, its attempt, the worker, DSPy's
// adapter, the language model and the adapter again, in the order of time.
func TestATraceGoesThroughDSPyAndBack(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "dspy")
	lm := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := lm.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = lm.Close() })
	pool := startPool(t, dspool.Config{
		Python: testkit.Python(t), Workers: 1, Path: []string{"testdata"},
		LM: dspool.LM{Model: "openai/practice", APIBase: lm.URL(), APIKey: "sk-practice"},
	})
	provider, exporter := traced(t, sdk.AlwaysSample())
	runner := otel.NewRunner(pool, provider)
	ctx := testkit.Context(t, time.Minute)
	qa := dspool.Predict[question, answer]("Answer the question.")
	if _, err := qa.Call(ctx, runner, question{Question: "Why?"}); err != nil {
		t.Fatal(err)
	}
	want := `dspool.call
  dspool.attempt
    dspool.worker.queue
    dspool.worker.run
      dspool.worker.module
        dspool.worker.adapter.format
        dspool.worker.lm
        dspool.worker.adapter.parse
`
	spans := exporter.GetSpans()
	if got := tree(spans); got != want {
		t.Errorf("tree\n%swant\n%s", got, want)
	}
	trace := spans[0].SpanContext.TraceID()
	whole := spans[len(spans)-1]
	for _, s := range spans {
		if s.Name == "dspool.call" {
			whole = s
		}
	}
	for _, s := range spans {
		if s.SpanContext.TraceID() != trace || s.EndTime.Before(s.StartTime) {
			t.Errorf("%s: trace %v, from %v to %v", s.Name, s.SpanContext.TraceID(), s.StartTime, s.EndTime)
		}
		// Two clocks: the worker's is read a little before or after.
		if s.StartTime.Before(whole.StartTime.Add(-50*time.Millisecond)) || s.EndTime.After(whole.EndTime.Add(50*time.Millisecond)) {
			t.Errorf("%s is outside the call: %v to %v, the call %v to %v", s.Name, s.StartTime, s.EndTime, whole.StartTime, whole.EndTime)
		}
	}
	text, err := json.Marshal(spans)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"Why?", "sk-practice"} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%q is in the spans", secret)
		}
	}
}

// User code sees the trace, and its failure ends the span of its run.
func TestUserCodeSeesItsTrace(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	pool := startPool(t, dspool.Config{Python: testkit.Python(t), Start: dspool.Spawn, Workers: 1, Path: []string{"testdata"}})
	provider, exporter := traced(t, sdk.AlwaysSample())
	runner := otel.NewRunner(pool, provider)
	ctx := testkit.Context(t, time.Minute)
	resp, err := runner.Call(ctx, dspool.Request{Program: program(t, "traced:mine")})
	if err != nil {
		t.Fatal(err)
	}
	spans := exporter.GetSpans()
	at := spans[len(spans)-1].SpanContext
	if want := `"00-` + at.TraceID().String() + "-" + at.SpanID().String() + `-01"`; string(resp.Output) != want {
		t.Errorf("user code saw %s, want %s", resp.Output, want)
	}
	exporter.Reset()
	if _, err := runner.Call(ctx, dspool.Request{Program: program(t, "traced:fails")}); fault.CodeOf(err) != fault.ProgramError {
		t.Fatalf("error %v", err)
	}
	for _, s := range exporter.GetSpans() {
		if s.Name == "dspool.worker.run" && s.Status.Description != "ValueError" {
			t.Errorf("run has the status %v", s.Status)
		}
	}
	if got := tree(exporter.GetSpans()); !strings.Contains(got, "dspool.worker.run") {
		t.Errorf("a failed call has the tree\n%s", got)
	}
}

// With IDs a span that user code makes is below the run in which it was made.
func TestUserCodeSeesTheSpanOfItsRun(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	pool := startPool(t, dspool.Config{Python: testkit.Python(t), Start: dspool.Spawn, Workers: 1, Path: []string{"testdata"}})
	exporter := tracetest.NewInMemoryExporter()
	provider := sdk.NewTracerProvider(sdk.WithSyncer(exporter), sdk.WithIDGenerator(otel.NewIDs(nil)))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	resp, err := otel.NewRunner(pool, provider).Call(testkit.Context(t, time.Minute), dspool.Request{Program: program(t, "traced:mine")})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range exporter.GetSpans() {
		if s.Name != "dspool.worker.run" {
			continue
		}
		if want := `"00-` + s.SpanContext.TraceID().String() + "-" + s.SpanContext.SpanID().String() + `-01"`; string(resp.Output) != want {
			t.Errorf("user code saw %s, want %s", resp.Output, want)
		}
		return
	}
	t.Error("no span of the run")
}
