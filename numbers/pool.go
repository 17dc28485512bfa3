package numbers

import "github.com/dspool/dspool"

// A PoolSource has a pool's numbers: a [dspool.Pool] or a [dspool.Single].
type PoolSource interface {
	// Stats returns the numbers of this moment and does not block.
	Stats() dspool.Stats
}

// Pool is the table of a pool, which need not have been started and may be
// stopped: the numbers stay. All values of a reading are of one moment. What its
// language models have used comes with it, see [LMs].
func Pool(source PoolSource) Table {
	t := tabled(source.Stats, poolRows(), callRows(), workerRows())
	if languages, has := source.(LMSource); has {
		t = t.Plus(LMs(languages))
	}
	return t
}

func poolRows() []row[dspool.Stats] {
	return []row[dspool.Stats]{
		{
			Family{Name: "dspool.pool.phase", Type: Gauge, Unit: Truth, Labels: []string{"phase"}, Help: "1 for the phase that the pool is in, 0 for the others."},
			func(st *dspool.Stats, out Sink) {
				for _, phase := range phases() {
					out.Put(truth(st.Phase == phase), string(phase))
				}
			},
		},
		gauge("dspool.pool.ready_seconds", Seconds, "Time from Start until the first worker took calls, 0 before.",
			func(st *dspool.Stats) float64 { return st.ReadyAfter.Seconds() }),
		gauge("dspool.workers_wanted", "workers", "How many workers the pool should have.",
			func(st *dspool.Stats) float64 { return float64(st.Want) }),
		gauge("dspool.workers_serving", "workers", "How many workers take calls.",
			func(st *dspool.Stats) float64 { return float64(st.Serving) }),
		{
			Family{Name: "dspool.workers", Type: Gauge, Unit: "workers", Labels: []string{"state"}, Help: "How many workers are in each state."},
			workersByState,
		},
		gauge("dspool.capacity_calls", "calls", "How many calls the workers can have at once.",
			func(st *dspool.Stats) float64 { return float64(st.Capacity) }),
		gauge("dspool.in_flight_calls", "calls", "How many calls the workers have.",
			func(st *dspool.Stats) float64 { return float64(st.InFlight) }),
		gauge("dspool.utilisation_ratio", Ratio, "Calls in flight divided by the capacity.",
			func(st *dspool.Stats) float64 { return st.Utilisation }),
		gauge("dspool.queue.length_calls", "calls", "How many calls wait for a worker.",
			func(st *dspool.Stats) float64 { return float64(st.Queue.Length) }),
		gauge("dspool.queue.limit_calls", "calls", "How many calls may wait for a worker.",
			func(st *dspool.Stats) float64 { return float64(st.Queue.Limit) }),
		gauge("dspool.queue.age_seconds", Seconds, "How long the first call in the queue has waited.",
			func(st *dspool.Stats) float64 { return st.Queue.Age.Seconds() }),
		counter("dspool.affinity.hits_total", "calls", "Calls with a session key that went to the worker of their session.",
			func(st *dspool.Stats) int64 { return st.Affinity.Hits }),
		counter("dspool.affinity.misses_total", "calls", "Calls with a session key that went elsewhere, first ones included.",
			func(st *dspool.Stats) int64 { return st.Affinity.Misses }),
		counter("dspool.affinity.rebinds_total", "sessions", "Times that a session got another worker because its own had left.",
			func(st *dspool.Stats) int64 { return st.Affinity.Rebinds }),
		gauge("dspool.affinity.bindings", "sessions", "How many sessions are bound to a worker.",
			func(st *dspool.Stats) float64 { return float64(st.Affinity.Bindings) }),
		gauge("dspool.sessions.active", "sessions", "How many sessions exist.",
			func(st *dspool.Stats) float64 { return float64(st.Sessions.Active) }),
		counter("dspool.sessions.started_total", "sessions", "Sessions that began.",
			func(st *dspool.Stats) int64 { return st.Sessions.Started }),
		counter("dspool.sessions.ended_total", "sessions", "Sessions that are over, expired ones included.",
			func(st *dspool.Stats) int64 { return st.Sessions.Ended }),
		counter("dspool.sessions.expired_total", "sessions", "Sessions that nobody ended: idle for too long, or too old.",
			func(st *dspool.Stats) int64 { return st.Sessions.Expired }),
		counter("dspool.session_store.failures_total", "failures", "Times that the session store could not take changes.",
			func(st *dspool.Stats) int64 { return st.Sessions.StoreFailures }),
		{
			Family{Name: "dspool.conditions", Type: Gauge, Unit: "conditions", Labels: []string{"code", "severity"}, Help: "How many conditions hold, each for the pool or one worker. No series: all is well."},
			conditions,
		},
		counter("dspool.fork_server.starts_total", "starts", "How often the fork server was started; all but the first are restarts.",
			func(st *dspool.Stats) int64 { return st.ForkServerStarts }),
		counter("dspool.events.dropped_total", "events", "Events that slow readers of the pool's event stream lost.",
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

func workersByState(st *dspool.Stats, out Sink) {
	count := map[dspool.WorkerState]int{}
	for _, w := range st.Workers {
		count[w.State]++
	}
	for _, state := range states() {
		out.Put(float64(count[state]), string(state))
	}
}

func conditions(st *dspool.Stats, out Sink) {
	count := map[[2]string]int{}
	for _, c := range st.Conditions {
		count[[2]string{string(c.Code), string(c.Severity)}]++
	}
	for key, n := range count {
		out.Put(float64(n), key[0], key[1])
	}
}
