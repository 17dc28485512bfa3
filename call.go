package dspool

import (
	"cmp"
	"context"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/wire"
)

// Call runs a program once. It is accepted from Start on and waits for a free
// worker if it must; waiting and running spend the same budget, the earlier
// one of ctx's deadline and Config.CallTimeout. A worker that is lost before
// the call began costs nothing but time; after that the call fails with
// worker_crashed, unless its program is declared idempotent.
//
// When ctx ends, Call returns at once; the work behind it is cancelled, and its
// place in the worker stays taken until it has really stopped.
func (p *Pool) Call(ctx context.Context, req Request) (Response, error) {
	if err := p.enter(); err != nil {
		return Response{}, p.counts.failed(err)
	}
	defer p.gate.Leave()
	t := p.accept(&req)
	resp, err := p.call(ctx, &t)
	p.ended(&t, err)
	return resp, err
}

// call sees a call through all its attempts.
func (p *Pool) call(ctx context.Context, t *task) (Response, error) {
	if err := p.admit(t); err != nil {
		return Response{}, err
	}
	if err := p.plan(ctx, t); err != nil {
		return Response{}, err
	}
	if t.object != nil {
		defer p.objects.close(t.object)
	}
	for {
		t.watch.begin(t)
		resp, m, err := p.attempt(ctx, t)
		t.watch.end(t, err)
		if err == nil {
			return resp, nil
		}
		if !p.retry(ctx, t, m, err) {
			return Response{}, t.verdict(err)
		}
	}
}

// attempt hands the call to a worker and waits for its end. The worker is nil
// if the call did not get one.
func (p *Pool) attempt(ctx context.Context, t *task) (Response, *member, *fault.Error) {
	s, err := p.seat(ctx, t)
	if err != nil {
		return Response{}, nil, fault.From(err)
	}
	m := s.Target()
	f := p.launch(t, s)
	pending, err := m.Begin(&f.call)
	if err != nil {
		f.scrub()
		return Response{}, m, fault.From(refuse(err))
	}
	defer f.part()
	waited := s.Waited()
	p.handed(t, m, waited)
	select {
	case <-pending.Done():
		f.calm()
		return t.response(m, waited, pending.Outcome())
	case <-ctx.Done():
		f.calm()
		return Response{}, m, p.abandon(t, m, pending, leftError(ctx, pending.Started(), "while a worker had it"))
	case <-f.expiry(t):
		return Response{}, m, p.abandon(t, m, pending, p.overtime(pending.Started()))
	}
}

// seat waits for a worker's place, or also for the call's turn if it is for an
// object.
func (p *Pool) seat(ctx context.Context, t *task) (slot, error) {
	if t.object != nil {
		s, err := p.objects.seat(ctx, t)
		if err != nil {
			return slot{}, err
		}
		return s, nil
	}
	return p.desk.Acquire(ctx, t.ask)
}

// abandon leaves a call whose work goes on: it is cancelled, and its slot is
// free when it has stopped.
func (p *Pool) abandon(t *task, m *member, pending *mux.Pending, err *fault.Error) *fault.Error {
	why := "canceled"
	if err.Code == fault.DeadlineExceeded {
		why = "deadline"
	}
	m.Cancel(pending, why)
	p.counts.abandoned.Add(1)
	err.Worker = m.ID()
	p.tell(CallAbandoned, t, m, err)
	return err
}

// overtime is the error of a call that used up the pool's own limit.
func (p *Pool) overtime(started fault.Started) *fault.Error {
	return fault.Newf(fault.DeadlineExceeded,
		"the call did not end within %s, the limit of its pool: raise CallTimeout if it may take longer", p.cfg.CallTimeout).
		WithStarted(started)
}

// response turns what a worker answered into what the caller gets.
func (t *task) response(m *member, waited time.Duration, o mux.Outcome) (Response, *member, *fault.Error) {
	t.watch.spans = o.Spans
	if o.Err != nil {
		m.blame(o.Err)
		return Response{}, m, named(o.Err, m.ID())
	}
	output, err := t.req.Program.CheckOutput(o.Reply.Body, names(o.Reply.Attachments)...)
	if err != nil {
		invalid := named(fault.From(err), m.ID()).WithStarted(fault.StartedYes)
		m.blame(invalid)
		return Response{}, m, invalid
	}
	t.answered = true
	t.queue = waited + time.Duration(o.Reply.Meta.Queue)*time.Microsecond
	t.run = time.Duration(o.Reply.Meta.Run) * time.Microsecond
	resp := Response{
		Output: output, Attachments: o.Reply.Attachments, Usage: usageOf(o.Reply.Meta.Usage),
		Worker: m.ID(), Queue: t.queue, Run: t.run, Attempts: t.attempts, Object: t.route.origin,
	}
	t.errand.account(&resp)
	return resp, m, nil
}

// retry prepares a task for another worker, if that is right.
func (p *Pool) retry(ctx context.Context, t *task, m *member, err *fault.Error) bool {
	if m == nil {
		return false
	}
	p.counts.judged(err)
	kind, yes := t.again(err)
	if !yes {
		return false
	}
	if kind == CallRetried {
		if !p.repeats.take(p.counts.calls.Load()) {
			t.spent = true
			p.tell(CallGivenUp, t, m, err)
			return false
		}
		t.retried = true
		t.began = cmp.Or(t.began, err.Started)
	}
	p.counts.again(kind)
	t.ask.Avoid, t.ask.Again = m.ID(), true
	if p.cfg.Workers == 1 && !refusal(err) {
		t.ask.Avoid = "" // if it lives on, there may be no other to wait for, or soon none
	}
	p.tell(kind, t, m, err)
	if refusal(err) {
		awaitLeave(ctx, m)
		if m.State().Final() {
			// Whoever moved it may not have come to this yet, and the call would
			// be given to it again and again.
			p.desk.Remove(m.ID())
		} else {
			t.ask.Avoid = "" // it takes no calls at the moment, and may again
		}
	}
	return true
}

// awaitLeave gives a worker that refused a call a moment to be known as gone:
// its connection may fail before its end is noticed, and until then it would
// be chosen again.
func awaitLeave(ctx context.Context, m *member) {
	if !m.State().Takes() {
		return
	}
	timer := time.NewTimer(leaveGrace)
	defer timer.Stop()
	select {
	case <-m.Leaving():
	case <-ctx.Done():
	case <-timer.C:
	}
}

func named(err *fault.Error, worker string) *fault.Error {
	if err.Worker != "" {
		return err
	}
	return err.WithWorker(worker)
}

func usageOf(wired map[string]wire.Usage) Usage {
	if len(wired) == 0 {
		return nil
	}
	u := make(Usage, len(wired))
	for model, t := range wired {
		u[model] = Tokens{Prompt: t.PromptTokens, Completion: t.CompletionTokens, Total: t.TotalTokens}
	}
	return u
}
