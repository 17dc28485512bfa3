package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/dspool/dspool"
)

// A Source has the numbers: a [dspool.Pool] or a [dspool.Single].
type Source interface {
	// Stats returns the numbers of this moment and does not block.
	Stats() dspool.Stats
}

// A Collector reads a Source at every scrape. It holds no state of its own and
// is safe for concurrent use.
type Collector struct {
	source   Source
	families []family
	descs    []*prometheus.Desc
}

var _ prometheus.Collector = (*Collector)(nil)

// NewCollector returns a Collector for a pool, which need not have been started
// and may be stopped: the numbers stay.
func NewCollector(source Source) *Collector {
	c := &Collector{source: source, families: families()}
	for _, f := range c.families {
		c.descs = append(c.descs, prometheus.NewDesc(f.Name, f.Help, f.Labels, nil))
	}
	return c
}

// Register enters a Collector for a pool into a registry. The error is the
// registry's: the same names are there already.
func Register(registry prometheus.Registerer, source Source) error {
	return registry.Register(NewCollector(source))
}

// Describe sends the description of every metric.
func (c *Collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descs {
		out <- d
	}
}

// Collect sends every metric as it is now. All come from one reading.
func (c *Collector) Collect(out chan<- prometheus.Metric) {
	st := c.source.Stats()
	for i, f := range c.families {
		f.read(&st, sink{out: out, desc: c.descs[i], kind: f.Type.value()})
	}
}

// A sink takes the values of one family.
type sink struct {
	out  chan<- prometheus.Metric
	desc *prometheus.Desc
	kind prometheus.ValueType
}

// put sends one value with the values of the family's labels.
func (s sink) put(value float64, labels ...string) {
	s.out <- prometheus.MustNewConstMetric(s.desc, s.kind, value, labels...)
}

// spread sends a distribution as a histogram.
func (s sink) spread(d dspool.Distribution) {
	buckets := make(map[float64]uint64, len(bounds()))
	for _, bound := range bounds() {
		buckets[bound.Seconds()] = uint64(d.AtMost(bound)) //nolint:gosec // a count
	}
	s.out <- prometheus.MustNewConstHistogram(s.desc, uint64(d.Count), d.Sum.Seconds(), buckets) //nolint:gosec // a count
}
