package dspool

import (
	"time"

	"github.com/dspool/dspool/fault"
)

// accept begins a call that was let in.
func (p *Pool) accept(req *Request) task {
	t := task{req: req, number: p.counts.calls.Add(1), arrived: time.Now()}
	if p.events.Heard() {
		p.publish(t.event(CallQueued, t.arrived))
	}
	return t
}

// handed notes that a worker has taken the call.
func (p *Pool) handed(t *task, m *member, waited time.Duration) {
	t.attempts++
	t.worker = m.ID()
	t.watch.hand(t, m)
	if !p.events.Heard() {
		return
	}
	ev := t.event(CallStarted, time.Now())
	ev.PID, ev.Queue = m.PID(), waited
	p.publish(ev)
}

// ended counts a call that is over for its caller and tells whoever listens.
func (p *Pool) ended(t *task, err error) {
	t.tenant.leave(err)
	if err == nil && !t.answered { // a stream
		err = fault.New(fault.Canceled, "the reader left the stream").WithStarted(fault.StartedYes)
	}
	took := time.Since(t.arrived)
	p.counts.ended(t, took, err)
	if !p.events.Heard() {
		return
	}
	ev := t.event(CallFinished, time.Now())
	ev.Took, ev.Queue, ev.Run, ev.Err = took, t.queue, t.run, fault.From(err)
	if ev.Err != nil {
		ev.Code, ev.Reason = ev.Err.Code, ev.Err.Message
	}
	p.publish(ev)
}

// tell publishes what became of a call on a worker.
func (p *Pool) tell(kind PoolEventKind, t *task, m *member, err *fault.Error) {
	if !p.events.Heard() {
		return
	}
	ev := t.event(kind, time.Now())
	ev.Worker, ev.PID, ev.Err, ev.Reason, ev.Code = m.ID(), m.PID(), err, err.Message, err.Code
	p.publish(ev)
}

// event is an event about a call.
func (t *task) event(kind PoolEventKind, at time.Time) PoolEvent {
	return PoolEvent{
		Kind: kind, At: at, Call: t.number, Program: t.req.Program.String(),
		Tenant: t.req.Tenant, Session: t.req.Session, Worker: t.worker, Attempts: t.attempts,
	}
}
