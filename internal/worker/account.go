package worker

import (
	"errors"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/process"
)

// account puts together what is known of the worker's end right now.
func (w *Worker) account() Exit {
	b := w.wish.blamed()
	e := Exit{
		Worker: w.id, PID: w.PID(),
		Reason: b.reason, Code: b.code,
		Goodbye: w.conn.Goodbye(), At: time.Now(),
	}
	select {
	case <-w.body.Done():
		r := w.body.Report()
		e.Exit, e.Known = r.Exit, r.known
		if e.Reason == "" {
			e.Reason = r.why
		}
	default:
		e.Exit = process.Exit{Code: -1, Stderr: w.body.Stderr()}
	}
	if b.wish == retire && e.Known && !e.OK() && e.Goodbye == "" {
		e.Code, e.Reason = fault.WorkerCrashed, "" // it died on the way out
	}
	return e
}

// connectionEnded gives the worker up at once and returns, when it is known
// how the process ended or nobody waits for that any longer, the error that the
// calls in flight get. It runs on the connection's own goroutine.
func (w *Worker) connectionEnded(cause error) *fault.Error {
	if broken := protocolTrouble(cause); broken != nil {
		w.wish.blameFor(broken.Code, broken.Message)
	}
	w.wish.fix()
	unborn := w.life.state() == Initializing
	w.life.move(Error, "the connection ended")
	w.leaves()
	close(w.lost)
	if unborn || w.life.calls() > 0 {
		w.awaitReport()
	}
	return w.account().CrashError()
}

// protocolTrouble returns what is wrong with the bytes if that is why this side
// ended the connection, while the process may be alive.
func protocolTrouble(cause error) *fault.Error {
	var e *fault.Error
	if errors.As(cause, &e) && (e.Code == fault.Protocol || e.Code == fault.WorkerUnresponsive) {
		return e
	}
	return nil
}

func (w *Worker) awaitReport() {
	timer := time.NewTimer(settleGrace)
	defer timer.Stop()
	select {
	case <-w.body.Done():
	case <-timer.C:
	}
}
