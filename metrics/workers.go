package metrics

import "github.com/dspool/dspool"

func workerFamilies() []family {
	return []family{
		{
			Family{Name: "dspool_workers_ended_total", Type: Counter, Unit: "workers", Labels: []string{"reason"}, Help: "Workers that are gone, by why."},
			func(st *dspool.Stats, out sink) {
				out.put(float64(st.Ended.Crashed), "crashed")
				out.put(float64(st.Ended.Unresponsive), "unresponsive")
				out.put(float64(st.Ended.Retired), "retired")
				out.put(float64(st.Ended.Stillborn), "stillborn")
			},
		},
		counter("dspool_workers_replaced_total", "workers", "Workers that took the place of one that had left.",
			func(st *dspool.Stats) int64 { return st.Totals.Restarts }),
		{
			Family{Name: "dspool_workers_restarted_total", Type: Counter, Unit: "workers", Labels: []string{"reason"}, Help: "Workers that ended and had to be replaced, by why: a fault, or a limit of Config.Recycle."},
			restarts,
		},
		histogram("dspool_worker_start_seconds", "Time from the order of a worker until it took calls.",
			func(st *dspool.Stats) dspool.Distribution { return st.Spawn }),
		perWorker(Family{Name: "dspool_worker_in_flight_calls", Type: Gauge, Unit: "calls", Help: "How many calls a worker has."},
			func(w *dspool.WorkerStatus) float64 { return float64(w.InFlight) }),
		perWorker(Family{Name: "dspool_worker_calls_total", Type: Counter, Unit: "calls", Help: "How many calls have ended on a worker."},
			func(w *dspool.WorkerStatus) float64 { return float64(w.Calls) }),
		perWorker(Family{Name: "dspool_worker_memory_bytes", Type: Gauge, Unit: "bytes", Help: "Resident memory of a worker at its last check."},
			func(w *dspool.WorkerStatus) float64 { return float64(w.RSS) }),
		perWorker(Family{Name: "dspool_worker_loop_lag_seconds", Type: Gauge, Unit: "seconds", Help: "How late the event loop of a worker was at its last check."},
			func(w *dspool.WorkerStatus) float64 { return w.Lag.Seconds() }),
		perWorker(Family{Name: "dspool_worker_start_time_seconds", Type: Gauge, Unit: "seconds since 1970", Help: "When a worker became ready."},
			func(w *dspool.WorkerStatus) float64 { return float64(w.StartedAt.UnixMilli()) / 1000 }),
	}
}

// restarts sends every reason, also those that have not occurred.
func restarts(st *dspool.Stats, out sink) {
	for _, reason := range []dspool.RestartReason{
		dspool.ByCrash, dspool.ByUnresponsive, dspool.ByNotReady, dspool.ByMemoryMax,
		dspool.ByCalls, dspool.ByErrors, dspool.ByAge, dspool.ByIdle, dspool.ByMemory,
	} {
		out.put(float64(st.Totals.RestartsBy[reason]), string(reason))
	}
}
