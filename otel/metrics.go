package otel

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/numbers"
)

// RegisterMetrics shows a table to a meter, under the names and units that
// docs/METRICS.md lists: counters and gauges as observable instruments with
// exact values since the beginning, labels as attributes dspool.LABEL. The
// attributes are added to every value; they tell several tables of one kind
// apart, which otherwise overwrite each other.
//
// OpenTelemetry has no observable histogram. A distribution NAME becomes two
// counters, NAME.count and NAME.sum, whose rates give the mean of any window;
// the percentiles of calls are gauges of the table.
//
// The function that is returned ends it. It may be called again.
func RegisterMetrics(provider metric.MeterProvider, table numbers.Table, attributes ...attribute.KeyValue) (unregister func() error, err error) {
	meter := provider.Meter(scope)
	r := &readings{table: table}
	var instruments []metric.Observable
	for _, f := range table.Families() {
		s, err := newSink(meter, f, attributes)
		if err != nil {
			return nil, err
		}
		r.sinks = append(r.sinks, s)
		instruments = append(instruments, s.value)
		if s.sum != nil {
			instruments = append(instruments, s.sum)
		}
	}
	registration, err := meter.RegisterCallback(r.observe, instruments...)
	if err != nil {
		return nil, err
	}
	return registration.Unregister, nil
}

// readings answer a meter.
type readings struct {
	table numbers.Table
	sinks []sink // without an observer
}

// observe takes one reading.
func (r *readings) observe(_ context.Context, observer metric.Observer) error {
	sinks := make([]numbers.Sink, len(r.sinks))
	for i, s := range r.sinks {
		s.observer = observer
		sinks[i] = s
	}
	r.table.Read(sinks)
	return nil
}

// A sink takes the values of one family.
type sink struct {
	observer metric.Observer
	value    metric.Float64Observable // of a histogram, the count
	sum      metric.Float64Observable // of a histogram only
	keys     []attribute.Key
	common   []attribute.KeyValue
}

func newSink(meter metric.Meter, f numbers.Family, common []attribute.KeyValue) (s sink, err error) {
	s.common = common
	for _, label := range f.Labels {
		s.keys = append(s.keys, attribute.Key("dspool."+label))
	}
	name, unit, help := f.OpenTelemetry(), metric.WithUnit(f.UCUM()), metric.WithDescription(f.Help)
	switch f.Type {
	case numbers.Counter:
		s.value, err = meter.Float64ObservableCounter(name, unit, help)
	case numbers.Gauge:
		s.value, err = meter.Float64ObservableGauge(name, unit, help)
	case numbers.Histogram:
		if s.value, err = meter.Float64ObservableCounter(name+".count", metric.WithUnit("{observation}"), help); err == nil {
			s.sum, err = meter.Float64ObservableCounter(name+".sum", unit, help)
		}
	}
	return s, err
}

// Put observes one value.
func (s sink) Put(value float64, labels ...string) {
	s.observer.ObserveFloat64(s.value, value, metric.WithAttributes(s.attributes(labels)...))
}

// Spread observes a distribution.
func (s sink) Spread(d dspool.Distribution) {
	with := metric.WithAttributes(s.attributes(nil)...)
	s.observer.ObserveFloat64(s.value, float64(d.Count), with)
	s.observer.ObserveFloat64(s.sum, d.Sum.Seconds(), with)
}

func (s sink) attributes(labels []string) []attribute.KeyValue {
	all := append(make([]attribute.KeyValue, 0, len(s.common)+len(labels)), s.common...)
	for i, label := range labels {
		all = append(all, s.keys[i].String(label))
	}
	return all
}
