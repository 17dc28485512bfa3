package worker

import (
	"context"

	"github.com/dspool/dspool/fault"
)

// Retire takes the worker out of use, lets its calls finish, however long they
// take, and ends it then. It returns at once; Done tells when it is gone.
func (w *Worker) Retire(reason string) {
	if w.wish.raise(retire, reason) {
		w.life.move(Draining, reason)
		w.leaves()
	}
}

// Stop retires the worker and waits until it is gone. When ctx ends first the
// process gets SIGTERM, and SIGKILL a moment later; Stop then waits for its end
// and returns the error of ctx.
func (w *Worker) Stop(ctx context.Context) error {
	w.Retire("stopped")
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
	}
	if w.wish.raise(hurry, "stopped; its calls did not end in time") {
		w.life.move(Terminating, "the time to stop is over")
	}
	<-w.done
	return fault.From(ctx.Err()).WithWorker(w.id)
}

// Kill ends the worker's process group with SIGKILL and returns at once. Calls
// in flight get worker_crashed with the reason.
func (w *Worker) Kill(reason string) {
	if w.wish.raise(kill, reason) {
		w.life.move(Terminating, reason)
		w.leaves()
	}
}

// Abort ends a worker that does not react, with SIGKILL, and returns at once.
// Calls in flight get worker_unresponsive with the reason.
func (w *Worker) Abort(reason string) {
	if w.wish.raise(abort, reason) {
		w.life.move(Error, reason)
		w.leaves()
	}
}

// condemn gives the worker up because it does not react.
func (w *Worker) condemn(reason string) {
	if w.wish.raise(condemn, reason) {
		w.life.move(Error, reason)
		w.leaves()
	}
}

func (w *Worker) leaves() { w.leave.Do(func() { close(w.leaving) }) }
