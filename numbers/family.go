package numbers

import (
	"strings"
	"time"

	"github.com/dspool/dspool"
)

// Type is the kind of a family, as Prometheus calls it.
type Type string

// The types that are used here.
const (
	// Counter only grows.
	Counter Type = "counter"
	Gauge   Type = "gauge"
	// Histogram is a distribution of durations since the beginning.
	Histogram Type = "histogram"
)

// A Family describes one number, or one for each set of labels.
type Family struct {
	// Name has dots between the names of things; what follows the last thing
	// has underscores, ends in the unit if it is not plain from the name, and in
	// _total for a Counter. [Family.Prometheus] and [Family.OpenTelemetry] are
	// made from it.
	Name string
	Type Type
	// Unit is a word in the plural; times are seconds, sizes bytes.
	Unit   string
	Labels []string
	Help   string
}

// Prometheus is the name by Prometheus's rules: dspool_call_duration_seconds.
func (f Family) Prometheus() string { return strings.ReplaceAll(f.Name, ".", "_") }

// OpenTelemetry is the name by OpenTelemetry's rules, which has neither unit
// nor type: dspool.call.duration.
func (f Family) OpenTelemetry() string {
	unit, _, _ := strings.Cut(f.Unit, " ") // what a point in time is counted in
	return strings.TrimSuffix(strings.TrimSuffix(f.Name, "_total"), "_"+unit)
}

// UCUM is the unit in the code that OpenTelemetry uses: s, By, 1, and {call} for
// what is counted.
func (f Family) UCUM() string {
	switch f.Unit {
	case Seconds, Epoch:
		return "s"
	case Bytes:
		return "By"
	case Ratio, Truth:
		return "1"
	}
	return "{" + strings.TrimSuffix(f.Unit, "s") + "}"
}

// The units that are not things which are counted.
const (
	Seconds = "seconds"
	// Epoch is a point in time.
	Epoch = "seconds since 1970"
	Bytes = "bytes"
	// Ratio is from 0 to 1, Truth is one of the two.
	Ratio = "ratio"
	Truth = "0 or 1"
)

// Bounds are buckets that suit every [Histogram] here: powers of two of
// microseconds, at which a distribution is exact, from 64 µs to 134 s.
func Bounds() []time.Duration {
	var list []time.Duration
	for b := 64 * time.Microsecond; b < 3*time.Minute; b *= 2 {
		list = append(list, b)
	}
	return list
}

// gauge, counter and histogram are the common cases of a row.
func gauge[V any](name, unit, help string, value func(*V) float64) row[V] {
	return single(Family{Name: name, Type: Gauge, Unit: unit, Help: help}, value)
}

func counter[V any](name, unit, help string, value func(*V) int64) row[V] {
	return single(Family{Name: name, Type: Counter, Unit: unit, Help: help}, func(v *V) float64 { return float64(value(v)) })
}

func single[V any](f Family, value func(*V) float64) row[V] {
	return row[V]{f, func(v *V, out Sink) { out.Put(value(v)) }}
}

func histogram[V any](name, help string, of func(*V) dspool.Distribution) row[V] {
	return row[V]{
		Family{Name: name, Type: Histogram, Unit: Seconds, Help: help},
		func(v *V, out Sink) { out.Spread(of(v)) },
	}
}

// each is a row with values for every member of a view that is a list.
func each[V any](f Family, show func(v *V, out Sink)) row[[]V] {
	return row[[]V]{f, func(list *[]V, out Sink) {
		for i := range *list {
			show(&(*list)[i], out)
		}
	}}
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
