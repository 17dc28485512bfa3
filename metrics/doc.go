// Package metrics shows a pool's numbers to Prometheus.
//
//	reg := prometheus.NewRegistry()
//	err := metrics.Register(reg, pool)
//	http.Handle("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
//
// Nothing is collected between scrapes: each one reads [dspool.Stats], whose
// numbers are exact whether or not anybody listens to events. The names come
// from the table in package numbers; docs/METRICS.md lists every one with its
// unit and labels.
//
// Repetitions, circuits and fallbacks are outside the pool; package numbers has
// their tables too:
//
//	table, err := numbers.Retries(retry)
//	err = reg.Register(metrics.NewCollector(table))
//
// Several pools go into one registry by a label:
//
//	metrics.Register(prometheus.WrapRegistererWith(prometheus.Labels{"pool": "a"}, reg), a)
package metrics
