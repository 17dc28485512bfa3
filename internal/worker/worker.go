package worker

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/process"
	"github.com/dspool/dspool/internal/wire"
)

// reportGrace is how long the errors of a lost worker's calls wait for the
// report of how its process ended.
const reportGrace = 250 * time.Millisecond

// settleGrace is how long they wait when the process does not go: it is killed
// meanwhile, and only then is it certain which calls it never began.
const settleGrace = time.Second

// A Worker is one process that takes calls, with its connection and its state.
// All methods may be called concurrently and at any time, also after its end.
type Worker struct {
	id     string
	cfg    *Config
	body   body
	conn   *mux.Conn
	ledger *ledger
	hello  wire.Hello
	asked  time.Time
	born   time.Time

	life     life
	history  history
	served   atomic.Uint64
	began    atomic.Uint64
	wish     wishes
	hung     hung
	passages sync.Pool     // of *passage
	leaving  chan struct{} // closed when it takes no more calls for good
	leave    sync.Once
	lost     chan struct{} // closed when the connection has ended
	done     chan struct{} // closed when all is over
	exit     Exit          // valid after done
}

// ID returns the worker's id.
func (w *Worker) ID() string { return w.id }

// PID returns the worker's process id.
func (w *Worker) PID() int { return w.body.PID() }

// Hello returns what the worker said of itself.
func (w *Worker) Hello() wire.Hello { return w.hello }

// State returns the worker's state.
func (w *Worker) State() State { return w.life.state() }

// InFlight returns the number of calls whose work has not stopped yet.
func (w *Worker) InFlight() int { return w.life.calls() }

// Wire returns what its connection has counted.
func (w *Worker) Wire() mux.Counts { return w.conn.Counts() }

// Ordered returns when the start of the worker began.
func (w *Worker) Ordered() time.Time { return w.asked }

// Started returns when the worker became ready.
func (w *Worker) Started() time.Time { return w.born }

// Began returns how many calls were handed to the worker.
func (w *Worker) Began() uint64 { return w.began.Load() }

// Served returns how many calls the worker has ended itself, with a result or
// an error.
func (w *Worker) Served() uint64 { return w.served.Load() }

// Leaving is closed the moment the worker will never take a call again: its
// connection ended, it was given up, or it was told to leave.
func (w *Worker) Leaving() <-chan struct{} { return w.leaving }

// Done is closed when the process is gone and every call has its outcome.
func (w *Worker) Done() <-chan struct{} { return w.done }

// Exit tells how the worker ended. It waits for Done.
func (w *Worker) Exit() Exit {
	<-w.done
	return w.exit
}

// Begin hands a call to the worker and returns at once. The error is Skip by
// [VerdictOf] when the worker takes no calls now. The call's Settled function
// runs when its work has really stopped.
func (w *Worker) Begin(call *mux.Call) (*mux.Pending, error) {
	if !w.life.enter() {
		return nil, w.refusal()
	}
	w.began.Add(1)
	g := newPassage(w, call.Settled)
	c := *call
	c.Settled = g.settled
	p, err := w.conn.Begin(&c)
	if err != nil {
		g.end()
		w.left()
		return nil, fault.From(err).WithWorker(w.id)
	}
	return p, nil
}

func (w *Worker) refusal() error {
	return &fault.Error{
		Code: fault.Unavailable, Worker: w.id, Started: fault.StartedNo,
		Message: "the worker takes no calls: it is " + w.life.state().String(),
	}
}

// left counts a call out and lets the keeper look if it waits for that.
func (w *Worker) left() {
	w.life.leave()
	if w.life.state().Final() {
		w.wish.nudge()
	}
}

// Probe hands a call to the worker that is no user's: it does not count among
// the calls in flight, does not make the worker busy, and a degraded worker
// takes it too. Otherwise it goes the way of every call. Cancel it with its own
// [mux.Pending.Cancel]: a probe that does not stop is no reason to give the
// worker up.
func (w *Worker) Probe(call *mux.Call) (*mux.Pending, error) {
	if w.life.state().Final() {
		return nil, w.refusal()
	}
	p, err := w.conn.Begin(call)
	if err != nil {
		return nil, fault.From(err).WithWorker(w.id)
	}
	return p, nil
}

// Vitals tells how the worker's process is doing; false where the system does
// not tell.
func (w *Worker) Vitals() (process.Vitals, bool) { return process.VitalsOf(w.PID()) }

// Ping asks the worker for a sign of life and how far its loop lags behind.
func (w *Worker) Ping(ctx context.Context) (mux.Pong, error) {
	pong, err := w.conn.Ping(ctx)
	if err != nil {
		return pong, fault.From(err).WithWorker(w.id)
	}
	return pong, nil
}

// Release tells the worker that a session is over and that its objects are to be
// closed. Nothing is to be done if the worker is gone: so are they.
func (w *Worker) Release(tenant, session string) { _ = w.conn.Release(tenant, session) }

// Degrade takes the worker out of use until Restore, because of a failed
// check. It reports false if the worker's state does not allow it.
func (w *Worker) Degrade(reason string) bool { return w.life.move(Degraded, reason) }

// Restore takes a degraded worker back into use.
func (w *Worker) Restore(reason string) bool {
	return w.life.state() == Degraded && w.life.move(Ready, reason)
}
