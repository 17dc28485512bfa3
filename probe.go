package dspool

import (
	"context"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/wire"
	"github.com/dspool/dspool/internal/worker"
)

// A probe is the call that checks make: the user's own, or one that does
// nothing. It goes the way of every call, but for the place on its worker.
type probe struct {
	pool *Pool
	task task
	own  bool // it is the user's
}

// newProbe prepares the call. Its definition stays with the pool for good.
func newProbe(p *Pool) (*probe, error) {
	spec := p.cfg.Health.Probe
	if spec == nil {
		spec = &Spec{Kind: KindFunc, Ref: wire.ProbeRef}
	}
	q := &probe{pool: p, own: spec == p.cfg.Health.Probe}
	q.task = task{req: &Request{Program: spec, Input: p.cfg.Health.Input}}
	if err := p.plan(context.Background(), &q.task); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err, "Config.Health.Probe cannot be called")
	}
	p.defs.Pin(programKind, q.task.program, q.task.definition)
	if !q.own {
		q.task.lm = "" // it asks none
	}
	return q, nil
}

// run makes the call on one worker and waits for it until ctx ends. One that
// does not stop then is waited for by the next run: there is never more than
// one of them on a worker.
func (q *probe) run(ctx context.Context, m *member) error {
	select {
	case m.probing <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	leave, ok := q.visit(m)
	if !ok {
		<-m.probing
		return nil // an exclusive call has the worker for itself: nothing may run beside it
	}
	pending, err := q.begin(ctx, m, leave)
	if err != nil {
		leave()
		return err
	}
	select {
	case <-pending.Done():
		return q.verdict(pending.Outcome())
	case <-ctx.Done():
		pending.Cancel(whyOf(ctx))
		return ctx.Err()
	}
}

// begin hands the call out; ended runs when its work has stopped.
func (q *probe) begin(ctx context.Context, m *member, ended func()) (*mux.Pending, error) {
	lm := q.task.lm
	if q.own { // language models can be exchanged while the pool runs
		chosen, err := q.pool.lms.choose(q.task.req, nil)
		if err != nil {
			return nil, err
		}
		lm = chosen
	}
	deadline, _ := ctx.Deadline()
	return m.Probe(&mux.Call{
		Program: q.task.program, LM: lm, Body: q.task.input, Deadline: deadline,
		Settled: func(mux.Outcome) { ended() },
	})
}

// visit keeps exclusive calls away from a worker while user code is checked in
// it. The leave that it returns ends the run, too.
func (q *probe) visit(m *member) (leave func(), ok bool) {
	if !q.own {
		return func() { <-m.probing }, true
	}
	left, ok := q.pool.desk.Visit(m.ID())
	if !ok {
		return nil, false
	}
	return func() {
		left()
		<-m.probing
	}, true
}

// verdict says whether the answer will do. Of the function that does nothing
// any answer will: a worker in another language may not have it.
func (q *probe) verdict(o mux.Outcome) error {
	if o.Err != nil {
		if !q.own && worker.VerdictOf(o.Err) == worker.Keep {
			return nil
		}
		return o.Err
	}
	if !q.own {
		return nil
	}
	if _, err := q.task.req.Program.CheckOutput(o.Reply.Body, names(o.Reply.Attachments)...); err != nil {
		return fault.From(err)
	}
	return nil
}
