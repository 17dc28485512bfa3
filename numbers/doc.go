// Package numbers is the one table of what dspool can be measured by: names,
// units, labels, and where each value is. It knows no exporter; `metrics` shows
// the table to Prometheus and `otel` to OpenTelemetry. Another exporter is a
// [Sink] of a few lines.
//
// A [Table] is about one thing: a pool ([Pool]), language models ([LMs]), repetitions ([Retries]),
// circuits ([Circuits], [Breakers]) or fallbacks ([Fallbacks]). It holds no
// values: [Table.Read] takes one reading and hands out everything from that.
//
// docs/METRICS.md lists all families.
package numbers
