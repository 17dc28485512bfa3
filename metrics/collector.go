package metrics

import (
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/numbers"
)

// A Collector reads a table at every scrape. It holds no state of its own and
// is safe for concurrent use.
type Collector struct {
	table numbers.Table
	sinks []sink // without a scrape's channel
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector returns a Collector for a table.
func NewCollector(table numbers.Table) *Collector {
	c := &Collector{table: table}
	for _, f := range table.Families() {
		kind := prometheus.GaugeValue
		if f.Type == numbers.Counter {
			kind = prometheus.CounterValue
		}
		c.sinks = append(c.sinks, sink{desc: prometheus.NewDesc(f.Prometheus(), f.Help, f.Labels, nil), kind: kind})
	}
	return c
}

// Register enters a pool into a registry. The error is the registry's: the same
// names are there already.
func Register(registry prometheus.Registerer, pool numbers.PoolSource) error {
	return registry.Register(NewCollector(numbers.Pool(pool)))
}

// Describe sends the description of every metric.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, s := range c.sinks {
		out <- s.desc
	}
}

// Collect sends every metric as it is now. All come from one reading.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	sinks := make([]numbers.Sink, len(c.sinks))
	for i, s := range c.sinks {
		s.out = out
		sinks[i] = s
	}
	c.table.Read(sinks)
}

// A sink takes the values of one family.
type sink struct {
	out  chan<- prometheus.Metric
	desc *prometheus.Desc
	kind prometheus.ValueType
}

// Put sends one value. Prometheus refuses labels that are no UTF-8, and names
// may come from users.
func (s sink) Put(value float64, labels ...string) {
	for i := range labels {
		labels[i] = strings.ToValidUTF8(labels[i], "\ufffd")
	}
	s.out <- prometheus.MustNewConstMetric(s.desc, s.kind, value, labels...)
}

// Spread sends a distribution as a histogram.
func (s sink) Spread(d dspool.Distribution) {
	buckets := map[float64]uint64{}
	for _, bound := range numbers.Bounds() {
		buckets[bound.Seconds()] = uint64(d.AtMost(bound)) //nolint:gosec // a count
	}
	s.out <- prometheus.MustNewConstHistogram(s.desc, uint64(d.Count), d.Sum.Seconds(), buckets) //nolint:gosec // a count
}
