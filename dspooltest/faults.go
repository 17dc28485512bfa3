package dspooltest

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/delay"
)

// A Target is what Faults can be done to: a [dspool.Pool], a [dspool.Single],
// and what shows the status of one.
type Target interface {
	// Status tells which processes there are.
	Status() dspool.Status
}

// Faults does harm to the processes of a pool from outside, as a machine does
// that runs out of memory, or an operator. It signals no process that the
// pool's Status does not report at that moment. It is safe for concurrent use.
//
// Workers are named by their ids; the empty name means the worker that has the
// most calls in flight, and of those the oldest. What a worker that is not there
// should suffer is not_found.
type Faults struct{ target Target }

// NewFaults returns Faults for a pool.
func NewFaults(target Target) Faults { return Faults{target} }

// Kill ends a worker by SIGKILL and returns how it was before.
func (f Faults) Kill(worker string) (dspool.WorkerStatus, error) {
	return f.signal(worker, syscall.SIGKILL)
}

// Terminate asks a worker to end, by SIGTERM, as a container does.
func (f Faults) Terminate(worker string) (dspool.WorkerStatus, error) {
	return f.signal(worker, syscall.SIGTERM)
}

// Suspend stops a worker by SIGSTOP: it is there, and does nothing, until
// Resume, or until the pool's health checks find it and kill it.
func (f Faults) Suspend(worker string) (dspool.WorkerStatus, error) {
	return f.signal(worker, syscall.SIGSTOP)
}

// Resume lets a suspended worker go on.
func (f Faults) Resume(worker string) (dspool.WorkerStatus, error) {
	return f.signal(worker, syscall.SIGCONT)
}

// Freeze suspends a worker for that time, or until ctx ends, and lets it go on.
// The worker may be gone by then: the pool does not wait for ever.
func (f Faults) Freeze(ctx context.Context, worker string, d time.Duration) (dspool.WorkerStatus, error) {
	w, err := f.Suspend(worker)
	if err != nil {
		return w, err
	}
	_ = delay.Wait(ctx, d) // whichever comes first, the worker goes on
	if _, err := f.Resume(w.ID); err != nil && fault.CodeOf(err) != fault.NotFound {
		return w, err
	}
	return w, nil
}

// KillForkServer ends the process that workers are forked from, by SIGKILL, and
// its workers with it. It is not_found for pools that fork none.
func (f Faults) KillForkServer() (pid int, err error) {
	pid = f.target.Status().ForkServerPID
	if pid == 0 {
		return 0, fault.New(fault.NotFound, "the pool has no fork server")
	}
	return pid, signalProcess(pid, syscall.SIGKILL)
}

func (f Faults) signal(worker string, s syscall.Signal) (dspool.WorkerStatus, error) {
	w, found := f.find(worker)
	if !found {
		return w, fault.Newf(fault.NotFound, "the pool has no worker %q with a process", worker)
	}
	return w, signalProcess(w.PID, s)
}

func (f Faults) find(worker string) (best dspool.WorkerStatus, found bool) {
	for _, w := range f.target.Status().Workers {
		switch {
		case w.PID <= 1 || w.PID == syscall.Getpid(): // nobody, or the mock, which is this process
		case worker != "" && w.ID == worker:
			return w, true
		case worker == "" && (!found || w.InFlight > best.InFlight):
			best, found = w, true
		}
	}
	return best, found
}

func signalProcess(pid int, s syscall.Signal) error {
	switch err := syscall.Kill(pid, s); {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ESRCH):
		return fault.Newf(fault.NotFound, "process %d has just ended", pid)
	default:
		return fmt.Errorf("send %s to process %d: %w", s, pid, err)
	}
}
