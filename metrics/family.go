package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// Type is what Prometheus calls the kind of a metric.
type Type string

// The types that are used here.
const (
	Counter   Type = "counter"
	Gauge     Type = "gauge"
	Histogram Type = "histogram"
)

func (t Type) value() prometheus.ValueType {
	if t == Counter {
		return prometheus.CounterValue
	}
	return prometheus.GaugeValue
}

// A Family describes one metric name.
type Family struct {
	Name string
	Type Type
	// Unit is in words; names follow Prometheus's base units.
	Unit   string
	Labels []string
	Help   string
}

// A family also knows where its values are.
type family struct {
	Family
	read func(st *dspool.Stats, out sink)
}

// Families lists every metric in the order of docs/METRICS.md.
func Families() []Family {
	var list []Family
	for _, f := range families() {
		list = append(list, f.Family)
	}
	return list
}

func families() []family {
	var all []family
	for _, group := range [][]family{poolFamilies(), callFamilies(), workerFamilies()} {
		all = append(all, group...)
	}
	return all
}

// bounds are the buckets of histograms: powers of two of microseconds, at which
// a distribution is exact, from 64 µs to 134 s.
func bounds() []time.Duration {
	var list []time.Duration
	for b := 64 * time.Microsecond; b < 3*time.Minute; b *= 2 {
		list = append(list, b)
	}
	return list
}

// gauge, counter and histogram are the common cases of a family.
func gauge(name, unit, help string, value func(*dspool.Stats) float64) family {
	return single(Family{Name: name, Type: Gauge, Unit: unit, Help: help}, value)
}

func counter(name, unit, help string, value func(*dspool.Stats) int64) family {
	return single(Family{Name: name, Type: Counter, Unit: unit, Help: help}, func(st *dspool.Stats) float64 { return float64(value(st)) })
}

func single(f Family, value func(*dspool.Stats) float64) family {
	return family{f, func(st *dspool.Stats, out sink) { out.put(value(st)) }}
}

func histogram(name, help string, of func(*dspool.Stats) dspool.Distribution) family {
	return family{
		Family{Name: name, Type: Histogram, Unit: "seconds", Help: help},
		func(st *dspool.Stats, out sink) { out.spread(of(st)) },
	}
}

// percentiles is a family with the median and the 99th percentile.
func percentiles(name, help string, of func(*dspool.Stats) dspool.Quantiles) family {
	return family{
		Family{Name: name, Type: Gauge, Unit: "seconds", Labels: []string{"percentile"}, Help: help},
		func(st *dspool.Stats, out sink) {
			q := of(st)
			out.put(q.P50.Seconds(), "50")
			out.put(q.P99.Seconds(), "99")
		},
	}
}

// perWorker is a family with one value for each worker that exists.
func perWorker(f Family, value func(*dspool.WorkerStatus) float64) family {
	f.Labels = []string{"worker"}
	return family{f, func(st *dspool.Stats, out sink) {
		for i := range st.Workers {
			out.put(value(&st.Workers[i]), st.Workers[i].ID)
		}
	}}
}

// outcomes sends how calls ended: "ok" and every code, also those that have not
// occurred, so that rates begin at 0.
func outcomes(st *dspool.Stats, out sink) {
	out.put(float64(st.Totals.Succeeded), "ok")
	for _, code := range fault.Codes() {
		out.put(float64(st.Totals.Errors[code]), string(code))
	}
}
