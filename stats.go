package dspool

import "github.com/dspool/dspool/internal/worker"

// Stats are a pool's exact numbers since New: each call and each worker is
// counted, whether or not anybody listens to events. They are the reader's own
// copy, and what `metrics` and `history` read.
type Stats struct {
	Status
	// QueueWait is how long answered calls waited before their code began, Run how
	// long it ran. Total is from acceptance to the end, of all calls that were
	// accepted and have ended.
	QueueWait Distribution `json:"queue_wait"`
	Run       Distribution `json:"run"`
	Total     Distribution `json:"total"`
	// Spawn is how long workers needed from the order until they were ready.
	Spawn Distribution `json:"spawn"`
	// Ended counts workers that are gone.
	Ended Ended `json:"ended"`
	// Verdicts count what the failures of calls meant for their workers.
	Verdicts Verdicts `json:"verdicts"`
	// ForkServerStarts counts how often the fork server was started; all but
	// the first are restarts. It stays 0 in mode Spawn.
	ForkServerStarts int64 `json:"fork_server_starts"`
	// EventsDropped counts the events that slow readers of [Pool.Events] lost.
	EventsDropped int64 `json:"events_dropped"`
}

// Ended counts workers that are gone, by why.
type Ended struct {
	// Crashed ended by themselves, Unresponsive ones were killed because they
	// did not react, Retired ones left because they were asked to.
	Crashed      int64 `json:"crashed"`
	Unresponsive int64 `json:"unresponsive"`
	Retired      int64 `json:"retired"`
	// Stillborn ones never became ready.
	Stillborn int64 `json:"stillborn"`
}

// Verdicts count what failed calls and hand-outs meant for the worker.
type Verdicts struct {
	// Keep: the failure was not the worker's. Remove: it cannot be trusted any
	// more. Skip: it took no calls at the time.
	Keep   int64 `json:"keep"`
	Remove int64 `json:"remove"`
	Skip   int64 `json:"skip"`
}

// Stats returns the numbers of this moment. It never blocks on a worker, works
// in every phase and copies about 8 kB.
func (p *Pool) Stats() Stats {
	c := p.counts
	hung := c.hung.Load() // before the crashes, which include them
	st := Stats{
		Status:    p.status(),
		QueueWait: c.queue.read(), Run: c.run.read(), Total: c.total.read(), Spawn: c.spawn.read(),
		Verdicts: Verdicts{
			Keep:   c.verdicts[worker.Keep].Load(),
			Remove: c.verdicts[worker.Remove].Load(),
			Skip:   c.verdicts[worker.Skip].Load(),
		},
		EventsDropped: p.events.Dropped(),
	}
	st.Ended = Ended{
		Crashed: st.Totals.Crashes - hung, Unresponsive: hung,
		Retired: c.retired.Load(), Stillborn: c.stillborn.Load(),
	}
	if p.cfg.Start == ForkServer {
		st.ForkServerStarts = c.sources.Load()
	}
	st.Totals.Succeeded = st.Run.Count
	st.Latency = Latency{Queue: quantiles(st.QueueWait), Run: quantiles(st.Run), Total: quantiles(st.Total)}
	return st
}

// Stats returns the numbers of this moment, as [Pool.Stats] does.
func (s *Single) Stats() Stats { return s.pool.Stats() }
