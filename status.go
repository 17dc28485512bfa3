package dspool

import (
	"time"

	"github.com/dspool/dspool/fault"
)

// PoolPhase is where a pool stands in its life.
type PoolPhase string

// The phases of a pool.
const (
	// PoolNew: Start has not been called; calls fail with unavailable.
	PoolNew PoolPhase = "new"
	// PoolStarting: calls are accepted and wait for the first worker.
	PoolStarting PoolPhase = "starting"
	// PoolServing: at least one worker takes calls.
	PoolServing PoolPhase = "serving"
	// PoolDown: no worker can be started for now; calls fail with unavailable
	// and Status.Trouble says why.
	PoolDown PoolPhase = "down"
	// PoolStopping: accepted calls finish, new ones are refused.
	PoolStopping PoolPhase = "stopping"
	// PoolHasStopped: everything is gone.
	PoolHasStopped PoolPhase = "stopped"
)

// Status is a moment's view of a pool. It is the reader's own copy.
type Status struct {
	Phase PoolPhase `json:"phase"`
	// Mode is how workers are started, and ModeReason why it is not what the
	// configuration asks for, "" if it is.
	Mode       StartMode `json:"mode"`
	ModeReason string    `json:"mode_reason,omitempty"`
	// Python is the interpreter that runs the workers, ForkServerPID the process
	// that they are forked from, 0 if there is none.
	Python        string `json:"python,omitempty"`
	ForkServerPID int    `json:"fork_server_pid,omitempty"`
	// Sandbox tells how the workers of this generation are kept apart from the
	// host.
	Sandbox SandboxStatus `json:"sandbox"`
	// Generation counts the sources of workers: 1 for that of the
	// configuration, and one more with each swap that succeeds or is tried. 0
	// until there is one. Swap is the swap under way, nil if there is none.
	Generation int         `json:"generation"`
	Swap       *SwapStatus `json:"swap,omitempty"`
	// Trouble is why workers cannot be started now, nil if they can.
	Trouble *fault.Error `json:"-"`
	// StartedAt is when Start was called. ReadyAfter is how long it took from
	// then until the first worker took calls, 0 before.
	StartedAt  time.Time     `json:"started_at"`
	ReadyAfter time.Duration `json:"ready_after"`
	// Want is how many workers there should be now, Serving how many take calls.
	Want int `json:"want"`
	// Scale tells between what Want changes, nil if it does not.
	Scale   *ScaleStatus `json:"scale,omitempty"`
	Serving int          `json:"serving"`
	// Workers are those that exist now, by age.
	Workers []WorkerStatus `json:"workers"`
	// InFlight calls are with workers, whose places are Capacity together;
	// Utilisation is the one divided by the other.
	InFlight    int         `json:"in_flight"`
	Capacity    int         `json:"capacity"`
	Utilisation float64     `json:"utilisation"`
	Queue       QueueStatus `json:"queue"`
	// Checks counts the checks of all workers that there ever were, Conditions
	// are what an operator should know now, the worst first.
	Checks     HealthChecks `json:"checks"`
	Conditions []Condition  `json:"conditions"`
	// Affinity tells of the calls with a session key.
	Affinity AffinityStatus `json:"affinity"`
	// Objects tells of the objects that live in workers.
	Objects ObjectsStatus `json:"objects"`
	Totals  Totals        `json:"totals"`
	// Latency sums up the calls that have ended since New.
	Latency Latency `json:"latency"`
	// Sessions tells of the pool's sessions.
	Sessions SessionsStatus `json:"sessions"`
}

// Latency sums up how long calls took. [Pool.Stats] has the distributions.
type Latency struct {
	// Queue and Run are of calls that were answered, Total of all that were
	// accepted and have ended, whatever came of them.
	Queue Quantiles `json:"queue"`
	Run   Quantiles `json:"run"`
	Total Quantiles `json:"total"`
}

// Quantiles are what half of all durations, and 99 of 100, did not exceed. They
// are exact to an eighth; see [Distribution.Quantile].
type Quantiles struct {
	P50 time.Duration `json:"p50"`
	P99 time.Duration `json:"p99"`
}

func quantiles(d Distribution) Quantiles {
	return Quantiles{P50: d.Quantile(0.5), P99: d.Quantile(0.99)}
}

// QueueStatus tells of the calls that wait for a worker.
type QueueStatus struct {
	// Length of at most Limit calls wait; the first has waited for Age.
	Length int           `json:"length"`
	Limit  int           `json:"limit"`
	Age    time.Duration `json:"age"`
}

// Totals count from New on.
type Totals struct {
	// Calls were accepted; Errors of them failed, by code. Refused calls
	// (shutting_down, unavailable) count as errors only.
	// Succeeded ones were answered.
	Calls     int64                `json:"calls"`
	Succeeded int64                `json:"succeeded"`
	Errors    map[fault.Code]int64 `json:"errors"`
	// Redispatched calls went to another worker before they had begun, Retried
	// ones after. Abandoned calls were left by their callers.
	Redispatched int64 `json:"redispatched"`
	Retried      int64 `json:"retried"`
	// Unretried calls would have been run again, but for Config.RetryBudget.
	Unretried int64 `json:"unretried"`
	Abandoned int64 `json:"abandoned"`
	// Crashes are workers that ended unasked, Restarts workers started for
	// lost ones.
	Crashes  int64 `json:"crashes"`
	Restarts int64 `json:"restarts"`
	// RestartsBy counts, by reason, the workers that ended and had to be
	// replaced, those among them whose replacement was up first.
	RestartsBy map[RestartReason]int64 `json:"restarts_by"`
}

// WireStatus counts the frames of one connection and their bytes, from its
// beginning.
type WireStatus struct {
	SentFrames     uint64 `json:"sent_frames"`
	SentBytes      uint64 `json:"sent_bytes"`
	ReceivedFrames uint64 `json:"received_frames"`
	ReceivedBytes  uint64 `json:"received_bytes"`
	// Refused frames broke the protocol, or were too large.
	Refused uint64 `json:"refused"`
	// Late frames were for calls that are over: a cancelled call may have sent
	// some more.
	Late uint64 `json:"late"`
}

// WorkerStatus is a moment's view of one worker.
type WorkerStatus struct {
	ID  string `json:"id"`
	PID int    `json:"pid"`
	// Generation is that of the source that it came from, see Status.
	Generation int         `json:"generation"`
	State      WorkerState `json:"state"`
	StartedAt  time.Time   `json:"started_at"`
	InFlight   int         `json:"in_flight"`
	// Calls is how many have ended on this worker.
	Calls int64 `json:"calls"`
	// LastError is the last failure of a call on this worker, "" for none.
	LastError string `json:"last_error,omitempty"`
	// Health is the worker's health in one word, Checks counts the checks that
	// tell it.
	Health HealthStatus `json:"health"`
	Checks HealthChecks `json:"checks"`
	// RSS is resident memory in bytes and Lag how late the event loop was at
	// the last check, 0 before.
	RSS int64         `json:"rss"`
	Lag time.Duration `json:"lag"`
	// Wire counts what went over the worker's connection.
	Wire WireStatus `json:"wire"`
	// History are the last moves from state to state, oldest first, without
	// those between ready and busy.
	History []WorkerMove `json:"history"`
}

// Status returns the numbers of this moment. It never blocks on a worker and
// works in every phase.
func (p *Pool) Status() Status { return p.Stats().Status }

// status is Status without what the distributions tell.
func (p *Pool) status() Status {
	load := p.desk.Stats()
	st := Status{
		Want: p.cfg.Workers, InFlight: load.InFlight, Capacity: load.Capacity,
		Queue:    QueueStatus{Length: load.Queued, Limit: off(p.cfg.QueueSize), Age: load.Oldest},
		Affinity: affinityStatus(load.Affinity), Objects: p.objects.status(),
		Totals: Totals{
			Calls: p.counts.calls.Load(), Errors: p.counts.errors(), Redispatched: p.counts.redispatched.Load(),
			Retried: p.counts.retried.Load(), Unretried: p.repeats.refused.Load(), Abandoned: p.counts.abandoned.Load(),
			Crashes: p.counts.crashes.Load(), Restarts: p.counts.restarts.Load(),
		},
		Sessions: p.sessions.Status(),
	}
	if st.Capacity > 0 {
		st.Utilisation = float64(st.InFlight) / float64(st.Capacity)
	}
	st.Totals.RestartsBy = p.counts.reasons.all()
	st.Checks, st.Conditions = checksOf(p.ward.record.Tally()), p.board.list()
	p.roster.describe(&st)
	p.crew.describe(&st)
	st.Phase = p.phase(&st)
	return st
}
