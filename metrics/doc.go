// Package metrics shows a pool's numbers to Prometheus.
//
//	reg := prometheus.NewRegistry()
//	err := metrics.Register(reg, pool)
//	http.Handle("/metrics", promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
//
// Nothing is collected between scrapes: each one reads [dspool.Stats], whose
// numbers are exact whether or not anybody listens to events. docs/METRICS.md
// lists every name with its unit and labels.
//
// Several pools go into one registry by a label:
//
//	metrics.Register(prometheus.WrapRegistererWith(prometheus.Labels{"pool": "a"}, reg), a)
package metrics
