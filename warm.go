package dspool

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/worker"
)

// warmReportMax bounds the report of a pool whose workers fail again and again.
const warmReportMax = 256

// A WarmReport tells how the first Config.Workers workers came up.
type WarmReport struct {
	// Took is the time from Start until all of them took calls, 0 before.
	Took time.Duration `json:"took"`
	// Workers are those that were tried, in the order in which they ended their
	// warm-up: also those that were not taken.
	Workers []WorkerWarm `json:"workers"`
}

// WorkerWarm tells how one worker came up.
type WorkerWarm struct {
	Worker string `json:"worker"`
	// Start is the time from the order until the process was ready, Took the
	// time that Prewarm's requests needed then.
	Start time.Duration `json:"start"`
	Took  time.Duration `json:"took"`
	// Err is why the warm-up failed, nil if it did not. Taken says whether the
	// worker was put into service.
	Err   *fault.Error `json:"-"`
	Taken bool         `json:"taken"`
}

// WaitWarm waits until Config.Workers workers have done what Prewarm says and
// take calls, and reports how that went. Workers that serve although their
// warm-up failed are no error; the report names them. It fails as
// [Pool.WaitReady] does, with the report so far. With Config.Lazy it starts the
// workers.
func (p *Pool) WaitWarm(ctx context.Context) (WarmReport, error) {
	p.crew.want()
	err := p.roster.await(ctx, p.warmer.done, "before all workers were warm")
	return p.warmer.status(), err
}

// A warmer has each worker run some requests before it takes calls.
type warmer struct {
	pool  *Pool
	tasks []task
	gate  chan struct{} // holds one for each start under way; nil: no limit
	done  chan struct{} // closed when the report is complete

	mu     sync.Mutex
	report WarmReport
}

func newWarmer(p *Pool) (*warmer, error) {
	w := &warmer{pool: p, done: make(chan struct{})}
	c := p.cfg.Prewarm
	if n := c.Strategy.stage(p.cfg.Workers); n > 0 {
		w.gate = make(chan struct{}, n)
	}
	for i := range c.Requests {
		t := task{req: &c.Requests[i]}
		if err := p.plan(context.Background(), &t); err != nil {
			return nil, fault.Wrap(fault.InvalidArgument, err, fmt.Sprintf("Config.Prewarm.Requests[%d] cannot be run", i))
		}
		p.defs.Pin(programKind, t.program, t.definition)
		w.tasks = append(w.tasks, t)
	}
	return w, nil
}

// enter waits until one more worker may start. Who gets in must leave.
func (w *warmer) enter(ctx context.Context) error {
	if w.gate == nil {
		return nil
	}
	select {
	case w.gate <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.From(ctx.Err())
	}
}

func (w *warmer) leave() {
	if w.gate != nil {
		<-w.gate
	}
}

// warm runs the requests on a new worker and notes how that went. It fails if
// the worker is not to be taken; it is gone then.
func (w *warmer) warm(ctx context.Context, x *worker.Worker, o *order) error {
	if len(w.tasks) == 0 {
		return nil
	}
	began := time.Now()
	err := w.run(ctx, x)
	o.warm.Took = time.Since(began)
	if err == nil {
		w.pool.publish(PoolEvent{Kind: WorkerWarmed, Worker: x.ID(), PID: x.PID(), Generation: o.generation, Took: o.warm.Took})
		return nil
	}
	o.warm.Err = err
	gone := ctx.Err() != nil || x.State().Final()
	w.pool.publish(PoolEvent{
		Kind: WorkerWarmed, Worker: x.ID(), PID: x.PID(), Generation: o.generation, Took: o.warm.Took, Err: err, Reason: err.Message,
	})
	if !gone && !w.pool.cfg.Prewarm.Required {
		w.pool.cfg.Logger.Warn("a worker serves although its warm-up has failed", "worker", x.ID(), "error", err)
		return nil
	}
	w.note(x.ID(), o, false)
	x.Kill("its warm-up failed")
	<-x.Done()
	return err
}

// run runs the requests, one after the other.
func (w *warmer) run(ctx context.Context, x *worker.Worker) *fault.Error {
	ctx, cancel := context.WithTimeout(ctx, w.pool.cfg.Prewarm.Timeout)
	defer cancel()
	for i := range w.tasks {
		t := w.tasks[i] // a copy: workers warm up at the same time
		if err := w.request(ctx, x, &t); err != nil {
			message := fmt.Sprintf("a worker failed its warm-up at Config.Prewarm.Requests[%d], %s", i, t.req.Program)
			failure := fault.Wrap(fault.Unavailable, err, message).WithWorker(x.ID())
			failure.Details = fault.From(err).Details
			return failure
		}
	}
	return nil
}

// request runs one request and checks its result.
func (w *warmer) request(ctx context.Context, x *worker.Worker, t *task) error {
	var err error
	if t.lm, err = w.pool.lms.choose(t.req, nil); err != nil { // they can be exchanged while the pool runs
		return err
	}
	t.ask.Deadline, _ = ctx.Deadline()
	pending, err := x.Begin(&mux.Call{
		Program: t.program, LM: t.lm, Deadline: t.ask.Deadline, Trace: t.req.Trace, Owner: t.owner(),
		Body: t.input, Attachments: t.req.Attachments,
	})
	if err != nil {
		return err //nolint:wrapcheck // the caller does
	}
	select {
	case <-pending.Done():
	case <-ctx.Done():
		x.Cancel(pending, whyOf(ctx))
		return leftError(ctx, pending.Started(), "during the warm-up")
	}
	o := pending.Outcome()
	if o.Err != nil {
		return o.Err
	}
	_, err = t.req.Program.CheckOutput(o.Reply.Body, names(o.Reply.Attachments)...)
	return err //nolint:wrapcheck // the caller does
}

// note enters a worker into the report, as long as that is not complete.
func (w *warmer) note(id string, o *order, taken bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.report.Took == 0 && len(w.report.Workers) < warmReportMax {
		o.warm.Worker, o.warm.Taken = id, taken
		w.report.Workers = append(w.report.Workers, o.warm)
	}
}

// complete closes the report, once.
func (w *warmer) complete(took time.Duration) {
	w.mu.Lock()
	first := w.report.Took == 0
	if first {
		w.report.Took = took
		close(w.done)
	}
	w.mu.Unlock()
	if first {
		w.pool.cfg.Logger.Info("all workers take calls", "after", took)
		w.pool.publish(PoolEvent{Kind: PoolWarmed, Took: took, Workers: w.pool.cfg.Workers})
	}
}

// status returns a copy of the report.
func (w *warmer) status() WarmReport {
	w.mu.Lock()
	defer w.mu.Unlock()
	return WarmReport{Took: w.report.Took, Workers: slices.Clone(w.report.Workers)}
}
