package numbers_test

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/numbers"
)

// script is a Runner whose calls end as they are told to, and then well.
type script struct{ ends []error }

func (s *script) Call(context.Context, dspool.Request) (dspool.Response, error) {
	if len(s.ends) == 0 {
		return dspool.Response{Output: json.RawMessage(`1`)}, nil
	}
	err := s.ends[0]
	s.ends = s.ends[1:]
	return dspool.Response{}, err
}

func (*script) Stream(context.Context, dspool.Request) iter.Seq2[dspool.Event, error] { return nil }

// noted is a Sink that remembers the values of a family by its labels.
type noted map[string]float64

func (n noted) Put(value float64, labels ...string) { n[strings.Join(labels, " ")] = value }
func (noted) Spread(dspool.Distribution)            {}

// values reads a table: "name label label" to value.
func values(table numbers.Table) map[string]float64 {
	families := table.Families()
	sinks := make([]numbers.Sink, len(families))
	for i := range sinks {
		sinks[i] = noted{}
	}
	table.Read(sinks)
	all := map[string]float64{}
	for i, f := range families {
		for labels, value := range sinks[i].(noted) {
			all[strings.TrimSpace(f.Name+" "+labels)] = value
		}
	}
	return all
}

func wantValues(t *testing.T, table numbers.Table, want map[string]float64) {
	t.Helper()
	got := values(table)
	for name, value := range want {
		if v, there := got[name]; !there || v != value {
			t.Errorf("%s is %v (%t), want %v", name, v, there, value)
		}
	}
}

func down() error { return fault.New(fault.Unavailable, "down").WithStarted(fault.StartedNo) }

func request(t *testing.T) dspool.Request {
	t.Helper()
	spec, err := dspool.NewFunc("m:f", dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	return dspool.Request{Program: spec}
}

func TestRepetitionsAreShown(t *testing.T) {
	t.Parallel()
	retry, err := dspool.NewRetry(&script{ends: []error{down(), down(), down(), down()}}, dspool.RetryConfig{Name: "r", Attempts: 3, Base: 1, Max: 1})
	if err != nil {
		t.Fatal(err)
	}
	table, err := numbers.Retries(retry)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, _ = retry.Call(t.Context(), request(t))
	}
	wantValues(t, table, map[string]float64{
		"dspool.retry.calls_total r": 2, "dspool.retry.failed_total r": 1, "dspool.retry.series_total r": 2,
		"dspool.retry.repeated_total r": 3, "dspool.retry.recovered_total r": 1,
		"dspool.retry.given_up_total r exhausted": 1, "dspool.retry.given_up_total r throttled": 0,
		"dspool.retry.running_calls r": 0, "dspool.retry.success_ratio r": 0.5, "dspool.retry.recovery_ratio r": 0.5,
	})
	// The budget fills by time.
	if left := values(table)["dspool.retry.budget r"]; left < 97 || left > retry.Status().Budget {
		t.Errorf("a budget of %v, Status has %v", left, retry.Status().Budget)
	}
}

func TestCircuitsAreShown(t *testing.T) {
	t.Parallel()
	circuits, err := dspool.NewCircuits(dspool.BreakerConfig{Failures: 1})
	if err != nil {
		t.Fatal(err)
	}
	table := numbers.Circuits(circuits)
	if got := values(table); len(got) != 0 {
		t.Errorf("no circuits, and %v", got)
	}
	breaker := circuits.Guard("lm", &script{ends: []error{nil, down()}})
	for range 4 {
		_, _ = breaker.Call(t.Context(), request(t))
	}
	want := map[string]float64{
		"dspool.circuit.state lm open": 1, "dspool.circuit.state lm closed": 0, "dspool.circuit.state lm half_open": 0,
		"dspool.circuit.calls_total lm success": 1, "dspool.circuit.calls_total lm failure": 1, "dspool.circuit.calls_total lm refused": 2,
		"dspool.circuit.opened_total lm": 1, "dspool.circuit.closed_total lm": 0, "dspool.circuit.probes_total lm": 0,
	}
	wantValues(t, table, want)
	single, err := numbers.Breakers(breaker.Circuit)
	if err != nil {
		t.Fatal(err)
	}
	wantValues(t, single, want)
	if after := values(table)["dspool.circuit.retry_after_seconds lm"]; after <= 0 {
		t.Errorf("an open circuit opens again after %v s", after)
	}
}

func TestLayersAreShown(t *testing.T) {
	t.Parallel()
	fallback, err := dspool.NewFallback(dspool.FallbackConfig{Name: "f", Failures: 1},
		dspool.Layer{Name: "a", Runner: &script{ends: []error{down()}}}, dspool.Layer{Name: "b", Runner: &script{}})
	if err != nil {
		t.Fatal(err)
	}
	table, err := numbers.Fallbacks(fallback)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := fallback.Call(t.Context(), request(t)); err != nil {
			t.Error(err)
		}
	}
	wantValues(t, table, map[string]float64{
		"dspool.fallback.layer_state f a passed_over": 1, "dspool.fallback.layer_state f a in_use": 0, "dspool.fallback.layer_state f b in_use": 1,
		"dspool.fallback.serving f a": 0, "dspool.fallback.serving f b": 1,
		"dspool.fallback.calls_total f a served": 0, "dspool.fallback.calls_total f a cascaded": 1, "dspool.fallback.calls_total f a refused": 2,
		"dspool.fallback.calls_total f b served": 3,
		"dspool.fallback.failures_total f a":     1, "dspool.fallback.engaged_total f a": 1, "dspool.fallback.restored_total f a": 0,
	})
	fallback.Reset("a")
	wantValues(t, table, map[string]float64{"dspool.fallback.restored_total f a": 1, "dspool.fallback.serving f a": 1})
}

// Two of one name would fail every scrape.
func TestNamesMustDiffer(t *testing.T) {
	t.Parallel()
	retry, err := dspool.NewRetry(&script{}, dspool.RetryConfig{})
	if err != nil {
		t.Fatal(err)
	}
	circuit, err := dspool.NewCircuit(dspool.BreakerConfig{})
	if err != nil {
		t.Fatal(err)
	}
	fallback, err := dspool.NewFallback(dspool.FallbackConfig{}, dspool.Layer{Name: "a", Runner: &script{}})
	if err != nil {
		t.Fatal(err)
	}
	_, retries := numbers.Retries(retry, retry)
	_, circuits := numbers.Breakers(circuit, circuit)
	_, fallbacks := numbers.Fallbacks(fallback, fallback)
	for _, err := range []error{retries, circuits, fallbacks} {
		if fault.CodeOf(err) != fault.InvalidArgument {
			t.Errorf("error %v", err)
		}
	}
}
