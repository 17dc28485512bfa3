package dspool

import (
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/internal/catalog"
	"github.com/dspool/dspool/internal/dispatch"
	"github.com/dspool/dspool/internal/mux"
)

type slot = dispatch.Slot[*member]

// A flight is one hand-out of a call to a worker. The caller and the worker's
// reader share it, and the one who is done last gives it back for the next
// call: a caller may leave long before the work has stopped.
type flight struct {
	pool    *Pool
	call    mux.Call
	slot    slot
	program *catalog.Entry
	object  *object // nil unless the call is for one
	origin  ObjectOrigin
	users   atomic.Int32
	timer   *time.Timer
	settled func(mux.Outcome) // made once, so that a call makes no closure
}

// launch prepares a flight for a task on the worker of the slot.
func (p *Pool) launch(t *task, s slot) *flight {
	f, ok := p.flights.Get().(*flight)
	if !ok {
		f = &flight{pool: p}
		f.settled = f.settle
	}
	f.slot = s
	f.program = p.defs.Pin(programKind, t.program, t.definition)
	f.call = mux.Call{
		Program: t.program, LM: t.lm, Deadline: t.ask.Deadline, Trace: t.req.Trace, Owner: t.owner(), Tenant: t.req.Tenant, Session: t.req.Session,
		Body: t.input, Attachments: t.req.Attachments, Credit: t.credit, Settled: f.settled,
	}
	if t.object != nil {
		f.object, f.origin = t.object, t.route.origin
		f.call.Object, f.call.State = t.route.knows, t.route.state
	}
	f.users.Store(2)
	return f
}

// settle runs once, on the worker's reader, when the work has really stopped:
// only now is the slot free.
func (f *flight) settle(o mux.Outcome) {
	if f.object != nil {
		f.object.heard(f.slot.Target(), f.origin, o)
	}
	f.slot.Target().ended(o.Err)
	f.land()
	f.part()
}

// land gives back what the flight held.
func (f *flight) land() {
	f.slot.Release()
	f.program.Unpin()
	if f.object != nil {
		f.object.leave()
		f.pool.objects.close(f.object)
	}
}

// scrub takes back a flight that the worker did not take.
func (f *flight) scrub() {
	f.land()
	f.users.Store(1)
	f.part()
}

// part is called by each of the two users when it is done with the flight.
func (f *flight) part() {
	if f.users.Add(-1) > 0 {
		return
	}
	f.call, f.slot, f.program, f.object = mux.Call{}, slot{}, nil, nil
	f.pool.flights.Put(f)
}

// expiry returns a channel that fires when the pool's own time limit is over,
// nil if the caller's context ends first anyway.
func (f *flight) expiry(t *task) <-chan time.Time {
	if !t.own {
		return nil
	}
	left := time.Until(t.ask.Deadline)
	if f.timer == nil {
		f.timer = time.NewTimer(left)
	} else {
		f.timer.Reset(left)
	}
	return f.timer.C
}

// calm stops the timer before the flight is used again.
func (f *flight) calm() {
	if f.timer != nil {
		f.timer.Stop()
	}
}
