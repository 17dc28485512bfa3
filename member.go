package dspool

import (
	"sync/atomic"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/worker"
)

// A member is a worker of a pool and what the pool knows about it.
type member struct {
	*worker.Worker
	generation int
	calls      atomic.Int64
	lastError  atomic.Pointer[fault.Error]
}

// ended counts a call whose work has stopped.
func (m *member) ended() { m.calls.Add(1) }

// blame remembers the last failure of a call on this worker.
func (m *member) blame(err *fault.Error) { m.lastError.Store(err) }

// status describes the worker at this moment.
func (m *member) status() WorkerStatus {
	st := WorkerStatus{
		ID: m.ID(), PID: m.PID(), Generation: m.generation, State: WorkerState(m.State().String()),
		StartedAt: m.Started(), InFlight: m.InFlight(), Calls: m.calls.Load(),
	}
	if err := m.lastError.Load(); err != nil {
		st.LastError = err.Error()
	}
	return st
}
