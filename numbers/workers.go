package numbers

import "github.com/dspool/dspool"

func workerRows() []row[dspool.Stats] {
	return []row[dspool.Stats]{
		{
			Family{Name: "dspool.workers_ended_total", Type: Counter, Unit: "workers", Labels: []string{"reason"}, Help: "Workers that are gone, by why."},
			func(st *dspool.Stats, out Sink) {
				out.Put(float64(st.Ended.Crashed), "crashed")
				out.Put(float64(st.Ended.Unresponsive), "unresponsive")
				out.Put(float64(st.Ended.Retired), "retired")
				out.Put(float64(st.Ended.Stillborn), "stillborn")
			},
		},
		counter("dspool.workers_replaced_total", "workers", "Workers that took the place of one that had left.",
			func(st *dspool.Stats) int64 { return st.Totals.Restarts }),
		{
			Family{Name: "dspool.workers_restarted_total", Type: Counter, Unit: "workers", Labels: []string{"reason"}, Help: "Workers that ended and had to be replaced, by why: a fault, or a limit of Config.Recycle."},
			restarts,
		},
		histogram("dspool.worker.start_seconds", "Time from the order of a worker until it took calls.",
			func(st *dspool.Stats) dspool.Distribution { return st.Spawn }),
		perWorker(Family{Name: "dspool.worker.in_flight_calls", Type: Gauge, Unit: "calls", Help: "How many calls a worker has."},
			func(w *dspool.WorkerStatus) float64 { return float64(w.InFlight) }),
		perWorker(Family{Name: "dspool.worker.calls_total", Type: Counter, Unit: "calls", Help: "How many calls have ended on a worker."},
			func(w *dspool.WorkerStatus) float64 { return float64(w.Calls) }),
		perWorker(Family{Name: "dspool.worker.memory_bytes", Type: Gauge, Unit: Bytes, Help: "Resident memory of a worker at its last check."},
			func(w *dspool.WorkerStatus) float64 { return float64(w.RSS) }),
		perWorker(Family{Name: "dspool.worker.loop_lag_seconds", Type: Gauge, Unit: Seconds, Help: "How late the event loop of a worker was at its last check."},
			func(w *dspool.WorkerStatus) float64 { return w.Lag.Seconds() }),
		traffic("frames", "frames", "Frames that went over the connection of a worker.", func(w *dspool.WireStatus) (sent, received uint64) { return w.SentFrames, w.ReceivedFrames }),
		traffic("wire_bytes", Bytes, "Bytes that went over the connection of a worker.", func(w *dspool.WireStatus) (sent, received uint64) { return w.SentBytes, w.ReceivedBytes }),
		perWorker(Family{Name: "dspool.worker.frames_refused_total", Type: Counter, Unit: "frames", Help: "Frames of a worker that broke the protocol, or were too large."},
			func(w *dspool.WorkerStatus) float64 { return float64(w.Wire.Refused) }),
		perWorker(Family{Name: "dspool.worker.start_time_seconds", Type: Gauge, Unit: Epoch, Help: "When a worker became ready."},
			func(w *dspool.WorkerStatus) float64 { return float64(w.StartedAt.UnixMilli()) / 1000 }),
	}
}

// restarts sends every reason, also those that have not occurred.
func restarts(st *dspool.Stats, out Sink) {
	for _, reason := range []dspool.RestartReason{
		dspool.ByCrash, dspool.ByUnresponsive, dspool.ByNotReady, dspool.ByMemoryMax,
		dspool.ByCalls, dspool.ByErrors, dspool.ByAge, dspool.ByIdle, dspool.ByMemory,
	} {
		out.Put(float64(st.Totals.RestartsBy[reason]), string(reason))
	}
}

// perWorker is a row with one value for each worker that exists.
func perWorker(f Family, value func(*dspool.WorkerStatus) float64) row[dspool.Stats] {
	f.Labels = []string{"worker"}
	return row[dspool.Stats]{f, func(st *dspool.Stats, out Sink) {
		for i := range st.Workers {
			out.Put(value(&st.Workers[i]), st.Workers[i].ID)
		}
	}}
}

// traffic is a row with the two directions of every worker's connection.
func traffic(name, unit, help string, value func(*dspool.WireStatus) (sent, received uint64)) row[dspool.Stats] {
	f := Family{Name: "dspool.worker." + name + "_total", Type: Counter, Unit: unit, Labels: []string{"worker", "direction"}, Help: help}
	return row[dspool.Stats]{f, func(st *dspool.Stats, out Sink) {
		for i := range st.Workers {
			sent, received := value(&st.Workers[i].Wire)
			out.Put(float64(sent), st.Workers[i].ID, "sent")
			out.Put(float64(received), st.Workers[i].ID, "received")
		}
	}}
}
