package mux

import (
	"errors"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// result ends a call with its RESULT.
func (c *Conn) result(f wire.Frame) {
	meta, err := wire.DecodeResultMeta(f.Meta)
	var value, state []byte
	var parts map[string][]byte
	if err == nil {
		value, state, err = wire.CutState(f.Body, meta.State)
	}
	if err == nil {
		value, parts, err = wire.Split(value, meta.Attachments)
	}
	if err != nil {
		c.settle(f.ID, Outcome{Err: local(err, "the worker's RESULT cannot be used")})
		c.complain(f.ID, err)
		return
	}
	if !c.settle(f.ID, Outcome{Reply: Reply{Body: value, Attachments: parts, State: state, Meta: meta}, Spans: meta.Spans}) {
		c.count(&c.counts.Late)
	}
}

// local turns what a decoder found into the error of the call.
func local(err error, message string) *fault.Error {
	return fault.Wrap(fault.Protocol, err, message)
}

// failure ends a call or a ping with its ERROR.
func (c *Conn) failure(f wire.Frame) {
	body, err := wire.DecodeFault(f.Body)
	var meta wire.ErrorMeta
	if err == nil {
		meta, err = wire.DecodeErrorMeta(f.Meta)
	}
	outcome := Outcome{Err: body.Error(), Spans: meta.Spans}
	if err != nil {
		outcome.Err = local(err, "the worker's ERROR cannot be used")
	}
	if !c.settle(f.ID, outcome) {
		c.count(&c.counts.Complaints)
	}
}

// settle ends what is in flight under id. It reports false if nothing is.
func (c *Conn) settle(id uint64, outcome Outcome) bool {
	c.mu.Lock()
	p := c.find(id)
	if p == nil {
		c.mu.Unlock()
		return false
	}
	if p.spoiled != nil {
		outcome = Outcome{Err: p.spoiled}
	}
	// The ledger's slot is this call's only while it is in the table.
	if outcome.Err != nil && outcome.Err.Started == fault.StartedUnknown && p.ping == nil {
		outcome.Err = outcome.Err.WithStarted(c.startedOf(id))
	}
	c.free(p)
	c.mu.Unlock()
	c.host.stopped(id)
	p.settle(outcome)
	return true
}

// settle tells everybody how the call ended. It runs once, on the reader.
func (p *Pending) settle(outcome Outcome) {
	p.outcome = outcome
	if p.settled != nil {
		p.settled(outcome)
	}
	close(p.done)
}

// startedOf asks the ledger.
func (c *Conn) startedOf(id uint64) fault.Started {
	switch {
	case c.cfg.Ledger == nil:
		return fault.StartedUnknown
	case c.cfg.Ledger.Started(id):
		return fault.StartedYes
	default:
		return fault.StartedNo
	}
}

// event hands an EVENT to the reader of its stream.
func (c *Conn) event(f wire.Frame) {
	meta, err := wire.DecodeEventMeta(f.Meta)
	if err != nil {
		c.spoil(f.ID, local(err, "an event of the worker's cannot be used"))
		c.complain(f.ID, err)
		return
	}
	c.mu.Lock()
	p := c.find(f.ID)
	if p == nil || p.stream == nil {
		c.counts.Late++
		c.mu.Unlock()
		return
	}
	c.mu.Unlock()
	if !p.stream.push(StreamEvent{Kind: meta.Kind, Data: f.Body}) {
		c.spoil(f.ID, fault.New(fault.Protocol, "the worker sent more events than it had credit for"))
	}
}

// spoil lets a call that cannot come to a good end be cancelled, and fail with
// err once the work has stopped.
func (c *Conn) spoil(id uint64, err *fault.Error) {
	c.mu.Lock()
	p := c.find(id)
	if p == nil || p.ping != nil {
		c.counts.Late++
		c.mu.Unlock()
		return
	}
	if p.spoiled == nil {
		p.spoiled = err
	}
	c.mu.Unlock()
	p.Cancel(Canceled)
}

// end ends the connection: nothing more is read or written, the calls in flight
// are settled, the goroutines waited for.
func (c *Conn) end(cause error) {
	c.mu.Lock()
	c.shut(cause)
	cause = c.cause // an earlier one counts: the read failed because of it
	c.mu.Unlock()
	_ = c.rw.Close() // whatever it says, the descriptor is gone
	close(c.out.stop)
	c.host.stop()
	base := c.loss(cause)
	for _, p := range c.orphans() {
		err := base
		if p.ping == nil && c.cfg.Ledger != nil {
			err = base.WithStarted(c.startedOf(p.id))
		}
		if p.spoiled != nil {
			err = p.spoiled.WithStarted(err.Started)
		}
		p.settle(Outcome{Err: err})
	}
	<-c.out.ended
	c.host.wait()
}

// loss is the error that the calls in flight end with.
func (c *Conn) loss(cause error) *fault.Error {
	if c.cfg.Lost != nil {
		if err := c.cfg.Lost(cause); err != nil {
			return err
		}
	}
	var known *fault.Error
	if errors.As(cause, &known) {
		return known
	}
	return fault.Wrap(fault.WorkerCrashed, cause, "the connection to the worker ended during the call")
}

// orphans empties the table.
func (c *Conn) orphans() []*Pending {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := make([]*Pending, 0, c.held)
	for i, p := range c.table {
		if p != nil {
			list = append(list, p)
			c.table[i] = nil
		}
	}
	c.held, c.inFlight = 0, 0
	return list
}
