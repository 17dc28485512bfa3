package metrics

import "github.com/dspool/dspool"

func poolFamilies() []family {
	return []family{
		{
			Family{Name: "dspool_pool_phase", Type: Gauge, Unit: "0 or 1", Labels: []string{"phase"}, Help: "1 for the phase that the pool is in, 0 for the others."},
			func(st *dspool.Stats, out sink) {
				for _, phase := range phases() {
					out.put(truth(st.Phase == phase), string(phase))
				}
			},
		},
		gauge("dspool_pool_ready_seconds", "seconds", "Time from Start until the first worker took calls, 0 before.",
			func(st *dspool.Stats) float64 { return st.ReadyAfter.Seconds() }),
		gauge("dspool_workers_wanted", "workers", "How many workers the pool should have.",
			func(st *dspool.Stats) float64 { return float64(st.Want) }),
		gauge("dspool_workers_serving", "workers", "How many workers take calls.",
			func(st *dspool.Stats) float64 { return float64(st.Serving) }),
		{
			Family{Name: "dspool_workers", Type: Gauge, Unit: "workers", Labels: []string{"state"}, Help: "How many workers are in each state."},
			workersByState,
		},
		gauge("dspool_capacity_calls", "calls", "How many calls the workers can have at once.",
			func(st *dspool.Stats) float64 { return float64(st.Capacity) }),
		gauge("dspool_in_flight_calls", "calls", "How many calls the workers have.",
			func(st *dspool.Stats) float64 { return float64(st.InFlight) }),
		gauge("dspool_utilisation_ratio", "ratio", "Calls in flight divided by the capacity.",
			func(st *dspool.Stats) float64 { return st.Utilisation }),
		gauge("dspool_queue_length_calls", "calls", "How many calls wait for a worker.",
			func(st *dspool.Stats) float64 { return float64(st.Queue.Length) }),
		gauge("dspool_queue_limit_calls", "calls", "How many calls may wait for a worker.",
			func(st *dspool.Stats) float64 { return float64(st.Queue.Limit) }),
		gauge("dspool_queue_age_seconds", "seconds", "How long the first call in the queue has waited.",
			func(st *dspool.Stats) float64 { return st.Queue.Age.Seconds() }),
		counter("dspool_affinity_hits_total", "calls", "Calls with a session key that went to the worker of their session.",
			func(st *dspool.Stats) int64 { return st.Affinity.Hits }),
		counter("dspool_affinity_misses_total", "calls", "Calls with a session key that went elsewhere, first ones included.",
			func(st *dspool.Stats) int64 { return st.Affinity.Misses }),
		counter("dspool_affinity_rebinds_total", "sessions", "Times that a session got another worker because its own had left.",
			func(st *dspool.Stats) int64 { return st.Affinity.Rebinds }),
		gauge("dspool_affinity_bindings", "sessions", "How many sessions are bound to a worker.",
			func(st *dspool.Stats) float64 { return float64(st.Affinity.Bindings) }),
		gauge("dspool_sessions_active", "sessions", "How many sessions exist.",
			func(st *dspool.Stats) float64 { return float64(st.Sessions.Active) }),
		counter("dspool_sessions_started_total", "sessions", "Sessions that began.",
			func(st *dspool.Stats) int64 { return st.Sessions.Started }),
		counter("dspool_sessions_ended_total", "sessions", "Sessions that are over, expired ones included.",
			func(st *dspool.Stats) int64 { return st.Sessions.Ended }),
		counter("dspool_sessions_expired_total", "sessions", "Sessions that nobody ended: idle for too long, or too old.",
			func(st *dspool.Stats) int64 { return st.Sessions.Expired }),
		counter("dspool_session_store_failures_total", "failures", "Times that the session store could not take changes.",
			func(st *dspool.Stats) int64 { return st.Sessions.StoreFailures }),
		{
			Family{Name: "dspool_conditions", Type: Gauge, Unit: "conditions", Labels: []string{"code", "severity"}, Help: "How many conditions hold, each for the pool or one worker. No series: all is well."},
			conditions,
		},
		counter("dspool_fork_server_starts_total", "starts", "How often the fork server was started; all but the first are restarts.",
			func(st *dspool.Stats) int64 { return st.ForkServerStarts }),
		counter("dspool_events_dropped_total", "events", "Events that slow readers of the pool's event stream lost.",
			func(st *dspool.Stats) int64 { return st.EventsDropped }),
	}
}

func phases() []dspool.PoolPhase {
	return []dspool.PoolPhase{
		dspool.PoolNew, dspool.PoolStarting, dspool.PoolServing, dspool.PoolDown, dspool.PoolStopping, dspool.PoolHasStopped,
	}
}

func states() []dspool.WorkerState {
	return []dspool.WorkerState{
		dspool.WorkerStateInitializing, dspool.WorkerStateReady, dspool.WorkerStateBusy, dspool.WorkerStateDegraded,
		dspool.WorkerStateError, dspool.WorkerStateDraining, dspool.WorkerStateTerminating, dspool.WorkerStateTerminated,
	}
}

func workersByState(st *dspool.Stats, out sink) {
	count := map[dspool.WorkerState]int{}
	for _, w := range st.Workers {
		count[w.State]++
	}
	for _, state := range states() {
		out.put(float64(count[state]), string(state))
	}
}

func truth(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func conditions(st *dspool.Stats, out sink) {
	count := map[[2]string]int{}
	for _, c := range st.Conditions {
		count[[2]string{string(c.Code), string(c.Severity)}]++
	}
	for key, n := range count {
		out.put(float64(n), key[0], key[1])
	}
}
