package dispatch

import (
	"context"
	"time"

	"github.com/dspool/dspool/fault"
)

// full is the error of a call that found the queue at its limit. Callers hold
// mu.
func (d *Dispatcher[T]) full(now time.Time) *fault.Error {
	err := fault.Newf(fault.QueueFull,
		"%d calls are waiting for %d workers, which is the limit: come back later, or raise QueueSize, Workers or WorkerConcurrency",
		d.queue.len, len(d.seats))
	switch {
	case d.cfg.QueueSize == 0 && len(d.seats) == 0:
		err = fault.New(fault.Unavailable, "no worker is ready and calls may not wait (QueueSize): come back later, or allow a queue")
	case d.cfg.QueueSize == 0:
		err = fault.Newf(fault.QueueFull,
			"all %d workers are busy and calls may not wait (QueueSize): come back later, or allow a queue", len(d.seats))
	}
	err.Started = fault.StartedNo
	err.RetryAfter = d.meter.estimate(now, d.queue.len+1)
	return err
}

// crowded is the error of a call whose own share may have no more waiting.
// Callers hold mu.
func (d *Dispatcher[T]) crowded(now time.Time, s *Share) *fault.Error {
	d.meter.observe(now)
	err := fault.Newf(fault.QueueFull, "%d calls of %q are waiting, as many as its own limit allows: come back later, or raise it", s.Queue, s.Name)
	err.Started = fault.StartedNo
	err.Details = map[string]string{"share": s.Name, "limit": "queue"}
	err.RetryAfter = d.meter.estimate(now, s.Queue+1)
	return err
}

// occupied is the error of a call that must not wait for the target that its
// key is bound to. Callers hold mu.
func (d *Dispatcher[T]) occupied(now time.Time) *fault.Error {
	d.meter.observe(now)
	err := fault.New(fault.QueueFull,
		"the worker that the call's session is bound to is busy and the call may not wait for it: come back later, or choose another affinity mode")
	err.Started = fault.StartedNo
	err.RetryAfter = d.meter.estimate(now, 1)
	return err
}

// expired is the error of a call whose time in the queue is up.
func (d *Dispatcher[T]) expired(w *waiter[T]) *fault.Error {
	now := time.Now()
	if !w.ask.Deadline.IsZero() && !now.Before(w.ask.Deadline) {
		return notStarted(fault.DeadlineExceeded, "the call's time budget ran out after %s in the queue; it never started", now.Sub(w.since))
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	err := notStarted(fault.QueueTimeout,
		"no worker was free within %s; the call never started: come back later, or raise QueueTimeout, Workers or WorkerConcurrency",
		d.cfg.QueueTimeout)
	err.RetryAfter = d.meter.estimate(now, d.queue.len)
	return err
}

// gone is the error of a call whose caller left the queue.
func (d *Dispatcher[T]) gone(ctx context.Context, w *waiter[T]) *fault.Error {
	code, message := fault.Canceled, "the caller gave up after %s in the queue; the call never started"
	if fault.CodeOf(ctx.Err()) == fault.DeadlineExceeded {
		code, message = fault.DeadlineExceeded, "the call's time budget ran out after %s in the queue; it never started"
	}
	err := notStarted(code, message, time.Since(w.since))
	err.Cause = context.Cause(ctx)
	return err
}

func notStarted(code fault.Code, format string, waited time.Duration) *fault.Error {
	err := fault.Newf(code, format, waited.Round(time.Millisecond))
	err.Started = fault.StartedNo
	return err
}
