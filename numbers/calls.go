package numbers

import (
	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

func callRows() []row[dspool.Stats] {
	return []row[dspool.Stats]{
		counter("dspool.calls.accepted_total", "calls", "Calls that were let in.",
			func(st *dspool.Stats) int64 { return st.Totals.Calls }),
		{
			Family{Name: "dspool.calls.ended_total", Type: Counter, Unit: "calls", Labels: []string{"outcome"}, Help: "Calls that have ended, by ok or the code of their error; refused ones too."},
			outcomes,
		},
		counter("dspool.calls.redispatched_total", "calls", "Times that a call whose worker was lost before it began went to another worker.",
			func(st *dspool.Stats) int64 { return st.Totals.Redispatched }),
		counter("dspool.calls.retried_total", "calls", "Times that a call of an idempotent program was run again.",
			func(st *dspool.Stats) int64 { return st.Totals.Retried }),
		counter("dspool.calls.abandoned_total", "calls", "Calls whose callers left while a worker was at work.",
			func(st *dspool.Stats) int64 { return st.Totals.Abandoned }),
		histogram("dspool.call.duration_seconds", "Time from acceptance to the end, of all accepted calls.",
			func(st *dspool.Stats) dspool.Distribution { return st.Total }),
		histogram("dspool.call.queue_seconds", "Time that answered calls waited before their code began.",
			func(st *dspool.Stats) dspool.Distribution { return st.QueueWait }),
		histogram("dspool.call.run_seconds", "Time that the code of answered calls ran.",
			func(st *dspool.Stats) dspool.Distribution { return st.Run }),
		percentiles("dspool.call.duration_percentile_seconds", "Median and 99th percentile of dspool.call.duration_seconds since New, exact to an eighth.",
			func(st *dspool.Stats) dspool.Quantiles { return st.Latency.Total }),
		percentiles("dspool.call.queue_percentile_seconds", "Median and 99th percentile of dspool.call.queue_seconds since New, exact to an eighth.",
			func(st *dspool.Stats) dspool.Quantiles { return st.Latency.Queue }),
		percentiles("dspool.call.run_percentile_seconds", "Median and 99th percentile of dspool.call.run_seconds since New, exact to an eighth.",
			func(st *dspool.Stats) dspool.Quantiles { return st.Latency.Run }),
		{
			Family{Name: "dspool.verdicts_total", Type: Counter, Unit: "failures", Labels: []string{"verdict"}, Help: "What failures of calls and hand-outs meant for the worker."},
			func(st *dspool.Stats, out Sink) {
				out.Put(float64(st.Verdicts.Keep), "keep")
				out.Put(float64(st.Verdicts.Remove), "remove")
				out.Put(float64(st.Verdicts.Skip), "skip")
			},
		},
	}
}

// percentiles is a row with the median and the 99th percentile.
func percentiles(name, help string, of func(*dspool.Stats) dspool.Quantiles) row[dspool.Stats] {
	return row[dspool.Stats]{
		Family{Name: name, Type: Gauge, Unit: Seconds, Labels: []string{"percentile"}, Help: help},
		func(st *dspool.Stats, out Sink) {
			q := of(st)
			out.Put(q.P50.Seconds(), "50")
			out.Put(q.P99.Seconds(), "99")
		},
	}
}

// outcomes sends how calls ended: "ok" and every code, also those that have not
// occurred, so that rates begin at 0.
func outcomes(st *dspool.Stats, out Sink) {
	out.Put(float64(st.Totals.Succeeded), "ok")
	for _, code := range fault.Codes() {
		out.Put(float64(st.Totals.Errors[code]), string(code))
	}
}
