package dspool

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/health"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/worker"
)

// A member is a worker of a pool and what the pool knows about it.
type member struct {
	*worker.Worker
	generation int
	calls      atomic.Int64
	lastError  atomic.Pointer[fault.Error]
	failed     atomic.Int64 // calls in a row that may speak against the worker

	limits  health.Limits // set before the first call
	full    func()        // told when the limit of calls is reached; must not block
	watch   atomic.Pointer[health.Watch]
	record  health.Record
	probing chan struct{} // holds a token while a check's call runs
	cause   atomic.Pointer[RestartReason]

	mu        sync.Mutex
	told      <-chan error // of a replacement under way
	seenCalls int64        // at the last look, and since when there is
	idleSince time.Time    // nothing to do; zero: there was
}

func newMember(w *worker.Worker, generation int) *member {
	return &member{Worker: w, generation: generation, probing: make(chan struct{}, 1), full: func() {}}
}

// ended counts a call whose work has stopped. It runs on the worker's reader.
func (m *member) ended(err *fault.Error) {
	if m.calls.Add(1) == m.limits.Calls {
		m.full()
	}
	switch {
	case err == nil:
		if m.failed.Load() != 0 {
			m.failed.Store(0)
		}
	case suspicious(err.Code):
		if m.failed.Add(1) == m.limits.Errors {
			m.full()
		}
	}
}

// suspicious reports whether a failure may come from the worker's own state,
// and not from the caller, the language model or the queue.
func suspicious(c fault.Code) bool {
	switch c {
	case fault.ProgramError, fault.OutputInvalid, fault.Internal, fault.Protocol, fault.ResourceExhausted:
		return true
	default:
		return false
	}
}

// blame remembers the last failure of a call on this worker.
func (m *member) blame(err *fault.Error) { m.lastError.Store(err) }

// ends notes why the worker is about to end; "" takes it back.
func (m *member) ends(why RestartReason) { m.cause.Store(&why) }

// endedBy tells why the worker has ended.
func (m *member) endedBy(exit worker.Exit) RestartReason {
	if why := m.cause.Load(); why != nil && *why != "" && (exit.Expected() || *why == ByMemoryMax) {
		return *why
	}
	switch {
	case exit.Expected():
		return ""
	case exit.Code == fault.WorkerUnresponsive:
		return ByUnresponsive
	default:
		return ByCrash
	}
}

// use is what the worker has done until now. It is called by the ward alone.
func (m *member) use(now time.Time) health.Use {
	calls := m.calls.Load()
	if calls != m.seenCalls || calls == 0 || m.InFlight() > 0 {
		m.seenCalls, m.idleSince = calls, now
	}
	u := health.Use{
		Calls: calls, Errors: m.failed.Load(), Age: now.Sub(m.Started()), Memory: m.record.Tally().Pulse.RSS,
	}
	if calls > 0 {
		u.Idle = now.Sub(m.idleSince)
	}
	return u
}

// status describes the worker at this moment.
func (m *member) status() WorkerStatus {
	tally := m.record.Tally()
	st := WorkerStatus{
		ID: m.ID(), PID: m.PID(), Generation: m.generation, State: WorkerState(m.State().String()), Health: m.health(tally),
		StartedAt: m.Started(), InFlight: m.InFlight(), Calls: m.calls.Load(),
		RSS: tally.Pulse.RSS, Lag: tally.Pulse.Lag, Checks: checksOf(tally), History: movesOf(m.History()),
		Wire: wireOf(m.Wire()),
	}
	if err := m.lastError.Load(); err != nil {
		st.LastError = err.Error()
	}
	return st
}

func wireOf(c mux.Counts) WireStatus {
	return WireStatus{
		SentFrames: c.Sent.Frames, SentBytes: c.Sent.Bytes,
		ReceivedFrames: c.Received.Frames, ReceivedBytes: c.Received.Bytes, Refused: c.Refused, Late: c.Late,
	}
}

// health is the state of the worker in one word.
func (m *member) health(t health.Tally) HealthStatus {
	switch s := m.State(); {
	case s == worker.Degraded:
		return HealthStatusDegraded
	case !s.Takes():
		return HealthStatusUnhealthy
	case t.Checks == 0:
		return HealthStatusUnknown
	case t.Row > 0:
		return HealthStatusDegraded
	default:
		return HealthStatusHealthy
	}
}
