package metrics

import "github.com/dspool/dspool"

func callFamilies() []family {
	return []family{
		counter("dspool_calls_accepted_total", "calls", "Calls that were let in.",
			func(st *dspool.Stats) int64 { return st.Totals.Calls }),
		{
			Family{Name: "dspool_calls_ended_total", Type: Counter, Unit: "calls", Labels: []string{"outcome"}, Help: "Calls that have ended, by ok or the code of their error; refused ones too."},
			outcomes,
		},
		counter("dspool_calls_redispatched_total", "calls", "Times that a call whose worker was lost before it began went to another worker.",
			func(st *dspool.Stats) int64 { return st.Totals.Redispatched }),
		counter("dspool_calls_retried_total", "calls", "Times that a call of an idempotent program was run again.",
			func(st *dspool.Stats) int64 { return st.Totals.Retried }),
		counter("dspool_calls_abandoned_total", "calls", "Calls whose callers left while a worker was at work.",
			func(st *dspool.Stats) int64 { return st.Totals.Abandoned }),
		histogram("dspool_call_duration_seconds", "Time from acceptance to the end, of all accepted calls.",
			func(st *dspool.Stats) dspool.Distribution { return st.Total }),
		histogram("dspool_call_queue_seconds", "Time that answered calls waited before their code began.",
			func(st *dspool.Stats) dspool.Distribution { return st.QueueWait }),
		histogram("dspool_call_run_seconds", "Time that the code of answered calls ran.",
			func(st *dspool.Stats) dspool.Distribution { return st.Run }),
		percentiles("dspool_call_duration_percentile_seconds", "Median and 99th percentile of dspool_call_duration_seconds since New, exact to an eighth.",
			func(st *dspool.Stats) dspool.Quantiles { return st.Latency.Total }),
		percentiles("dspool_call_queue_percentile_seconds", "Median and 99th percentile of dspool_call_queue_seconds since New, exact to an eighth.",
			func(st *dspool.Stats) dspool.Quantiles { return st.Latency.Queue }),
		percentiles("dspool_call_run_percentile_seconds", "Median and 99th percentile of dspool_call_run_seconds since New, exact to an eighth.",
			func(st *dspool.Stats) dspool.Quantiles { return st.Latency.Run }),
		{
			Family{Name: "dspool_verdicts_total", Type: Counter, Unit: "failures", Labels: []string{"verdict"}, Help: "What failures of calls and hand-outs meant for the worker."},
			func(st *dspool.Stats, out sink) {
				out.put(float64(st.Verdicts.Keep), "keep")
				out.put(float64(st.Verdicts.Remove), "remove")
				out.put(float64(st.Verdicts.Skip), "skip")
			},
		},
	}
}
