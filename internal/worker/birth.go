package worker

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/tap"
	"github.com/dspool/dspool/internal/wire"
)

// raise makes a worker of a process that has just been started: it waits for
// HELLO. If that does not come, the process is killed and everything given back.
// buried is called when nothing is left of the worker.
func raise(ctx context.Context, cfg *Config, s wire.Settings, e *ends, b body, buried func()) (*Worker, error) {
	w := newWorker(ctx, cfg, s, e, b)
	hello, err := w.greet(ctx)
	if err != nil {
		defer buried()
		return nil, w.stillborn(ctx, err)
	}
	w.hello, w.born = hello, time.Now()
	w.life.move(Ready, "HELLO")
	go func() {
		defer buried()
		w.keep()
	}()
	return w, nil
}

func newWorker(ctx context.Context, cfg *Config, s wire.Settings, e *ends, b body) *Worker {
	w := &Worker{
		id: s.Worker, cfg: cfg, body: b, ledger: e.ledger, asked: e.opened,
		leaving: make(chan struct{}), lost: make(chan struct{}), done: make(chan struct{}),
		wish: wishes{awake: make(chan struct{}, 1), blame: blame{code: fault.WorkerCrashed}},
	}
	w.history.since = e.opened
	w.life.told = w.tell
	w.conn = mux.New(tap.Conn(ctx, s.Worker, e.conn), mux.Config{
		FrameLimit: cfg.FrameLimit, Slots: cfg.Slots, Ledger: e.ledger, Nonce: s.Nonce,
		Resolve: cfg.Resolve, HostCall: cfg.HostCall, Lost: w.connectionEnded,
	})
	return w
}

// tell hears of every move, one at a time: the life's lock is held.
func (w *Worker) tell(from, to State, reason string, at time.Time) {
	took := w.history.add(Move{From: from, To: to, Reason: reason, At: at})
	if w.cfg.OnTransition != nil {
		w.cfg.OnTransition(Transition{Worker: w.id, PID: w.PID(), From: from, To: to, Reason: reason, At: at, Took: took})
	}
}

func (w *Worker) greet(ctx context.Context) (wire.Hello, error) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StartTimeout)
	defer cancel()
	return w.conn.Start(ctx)
}

// stillborn ends a process that did not become a worker and says why.
func (w *Worker) stillborn(ctx context.Context, cause error) error {
	w.wish.fix()
	early := w.account()
	w.body.Signal(syscall.SIGKILL)
	w.conn.Close(cause)
	w.awaitReport()
	<-w.conn.Done()
	w.ledger.close()
	w.life.move(Terminating, cause.Error())
	w.life.move(Terminated, cause.Error())
	early.Stderr = w.body.Stderr()
	w.exit = early
	close(w.done)
	return w.whyNot(ctx, cause)
}

// whyNot explains a failed start. How the process ended counts only if it
// ended before it was killed for not being ready.
func (w *Worker) whyNot(ctx context.Context, cause error) error {
	err := &fault.Error{Code: fault.Unavailable, Worker: w.id, Details: w.exit.details()}
	hint := w.exit.Hint()
	switch {
	case ctx.Err() != nil:
		err.Code, err.Message, hint = fault.CodeOf(ctx.Err()), "the start of the worker was given up", ""
	case errors.Is(cause, context.DeadlineExceeded):
		err.Message = fmt.Sprintf("the worker did not say HELLO within %v", w.cfg.StartTimeout)
	case fault.CodeOf(cause) == fault.Protocol:
		err.Code, err.Message = fault.Protocol, fault.From(cause).Message
	case w.exit.Exit.Code == wire.VersionExitCode:
		err.Code, err.Message = fault.Protocol, fmt.Sprintf("the worker does not speak protocol version %d", wire.Version)
	case w.exit.Exit.Code == wire.SandboxExitCode:
		err.Code, err.Message, hint = fault.Unsupported, "the worker could not go into its sandbox", ""
	case w.exit.Known:
		err.Message = "the worker ended before it was ready: " + w.exit.String()
	default:
		err.Message = "the worker closed its connection before it was ready"
	}
	if hint != "" {
		err.Message += "; " + hint
	}
	if last := w.exit.Last(1); last != "" {
		err.Message += "; its last words: " + last
	}
	return err
}
