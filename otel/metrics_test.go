package otel_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/numbers"
	"github.com/dspool/dspool/otel"
)

// metered returns a provider and a function that collects by name.
func metered(t *testing.T) (*sdk.MeterProvider, func() map[string]metricdata.Metrics) {
	t.Helper()
	reader := sdk.NewManualReader()
	provider := sdk.NewMeterProvider(sdk.WithReader(reader))
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return provider, func() map[string]metricdata.Metrics {
		t.Helper()
		var all metricdata.ResourceMetrics
		if err := reader.Collect(t.Context(), &all); err != nil {
			t.Fatal(err)
		}
		found := map[string]metricdata.Metrics{}
		for _, scope := range all.ScopeMetrics {
			for _, m := range scope.Metrics {
				found[m.Name] = m
			}
		}
		return found
	}
}

// points returns the values of a counter or gauge, and whether it is a counter
// from the beginning.
func points(m metricdata.Metrics) (list []metricdata.DataPoint[float64], counter bool) {
	switch data := m.Data.(type) {
	case metricdata.Sum[float64]:
		return data.DataPoints, data.IsMonotonic && data.Temporality == metricdata.CumulativeTemporality
	case metricdata.Gauge[float64]:
		return data.DataPoints, false
	}
	return nil, false
}

// value returns the value with these attributes, or -1.
func value(m metricdata.Metrics, with ...attribute.KeyValue) float64 {
	set := attribute.NewSet(with...)
	list, _ := points(m)
	for _, p := range list {
		if p.Attributes.Equals(&set) {
			return p.Value
		}
	}
	return -1
}

// Every family of the table is there, with its type and unit and exact values.
func TestAMeterFindsExactNumbers(t *testing.T) {
	t.Parallel()
	pool := startPool(t, dspool.Config{Command: testkit.Worker(t), Workers: 1})
	provider, collect := metered(t)
	unregister, err := otel.RegisterMetrics(provider, numbers.Pool(pool))
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, time.Minute)
	for range 5 {
		if _, err := pool.Call(ctx, dspool.Request{Program: program(t, "mock:echo")}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := pool.Call(ctx, dspool.Request{Program: program(t, "mock:fail"), Input: []byte(`{"code":"program_error","message":"no"}`)}); err == nil {
		t.Error("fail succeeded")
	}
	found := collect()
	for _, f := range numbers.Pool(pool).Families() {
		name, unit, counter := f.OpenTelemetry(), f.UCUM(), f.Type == numbers.Counter
		if f.Type == numbers.Histogram {
			name, counter = name+".sum", true
		}
		if name == "dspool.conditions" || strings.HasPrefix(f.Name, "dspool.lm.") { // there are none
			continue
		}
		m, there := found[name]
		if _, is := points(m); !there || is != counter || m.Unit != unit || m.Description != f.Help {
			t.Errorf("%s: there %t, a counter %t, want %t, in %q: %q", name, there, is, counter, m.Unit, m.Description)
		}
	}
	for _, want := range []struct {
		name  string
		with  []attribute.KeyValue
		value float64
	}{
		{"dspool.calls.accepted", nil, 6},
		{"dspool.calls.ended", []attribute.KeyValue{attribute.String("dspool.outcome", "ok")}, 5},
		{"dspool.calls.ended", []attribute.KeyValue{attribute.String("dspool.outcome", "program_error")}, 1},
		{"dspool.call.duration.count", nil, 6},
		{"dspool.call.duration.sum", nil, pool.Stats().Total.Sum.Seconds()},
		{"dspool.call.run.count", nil, 5},
		{"dspool.workers_wanted", nil, 1},
		{"dspool.pool.phase", []attribute.KeyValue{attribute.String("dspool.phase", "serving")}, 1},
	} {
		if got := value(found[want.name], want.with...); got != want.value {
			t.Errorf("%s%v is %v, want %v", want.name, want.with, got, want.value)
		}
	}
	for range 2 {
		if err := unregister(); err != nil {
			t.Error(err)
		}
	}
	if found := collect(); len(found) != 0 {
		t.Errorf("%d metrics after the end", len(found))
	}
}

// Several pools in one meter are told apart by what is added to their values.
func TestPoolsAreToldApart(t *testing.T) {
	t.Parallel()
	provider, collect := metered(t)
	for i, name := range []string{"a", "b"} {
		pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t), Workers: i + 3})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := otel.RegisterMetrics(provider, numbers.Pool(pool), attribute.String("pool", name)); err != nil {
			t.Fatal(err)
		}
	}
	wanted := collect()["dspool.workers_wanted"]
	if a, b := value(wanted, attribute.String("pool", "a")), value(wanted, attribute.String("pool", "b")); a != 3 || b != 4 {
		t.Errorf("%v and %v workers", a, b)
	}
}
