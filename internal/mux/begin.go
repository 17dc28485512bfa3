package mux

import (
	"maps"
	"math/bits"
	"slices"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// Begin sends a call and returns at once. The error, always with Started no, is
// shutting_down or unavailable if the connection takes no calls, unavailable if
// all its slots are taken, invalid_argument if the call is too large for a
// frame, deadline_exceeded if its time is over.
func (c *Conn) Begin(call *Call) (*Pending, error) {
	meta := wire.CallMeta{
		Program: call.Program, LM: call.LM, Trace: call.Trace,
		Tenant: call.Tenant, Session: call.Session, Object: call.Object, State: len(call.State), Stream: max(call.Credit, 0),
	}
	if !call.Deadline.IsZero() {
		left := time.Until(call.Deadline)
		if left <= 0 {
			return nil, never(fault.DeadlineExceeded, "the call's time was over before it was sent")
		}
		meta.Budget = coarse(max(left.Microseconds(), 1))
	}
	names, size := attach(&meta, call)
	p := &Pending{conn: c, settled: call.Settled, owner: call.Owner, done: make(chan struct{})}
	if call.Credit > 0 {
		p.stream = newStream(call.Credit)
	}
	if err := c.enter(p, call, &meta, names, size); err != nil {
		return nil, err
	}
	return p, nil
}

// budgetBits is how many leading bits of a budget are sent: it is at most half
// a percent short.
const budgetBits = 8

// coarse rounds a budget down, so that the calls of a busy moment have the same
// meta to the byte: the worker then reads it once. This side keeps the exact
// deadline and ends the call by it.
func coarse(budget int64) int64 {
	shift := max(bits.Len64(uint64(budget))-budgetBits, 0) //nolint:gosec // above 0
	return budget >> shift << shift
}

// attach lists a call's attachments in the meta. It returns their names in the
// order of the wire and the size of the whole body.
func attach(meta *wire.CallMeta, call *Call) (names []string, size int) {
	size = len(call.Body) + len(call.State)
	if len(call.Attachments) == 0 {
		return nil, size
	}
	names = slices.Sorted(maps.Keys(call.Attachments))
	for _, name := range names {
		n := len(call.Attachments[name])
		meta.Attachments = append(meta.Attachments, wire.Attachment{Name: name, Size: n})
		size += n
	}
	return names, size
}

// enter gives the call a slot and queues its frame.
func (c *Conn) enter(p *Pending, call *Call, meta *wire.CallMeta, names []string, size int) error {
	c.mu.Lock()
	if c.refuse != nil {
		defer c.mu.Unlock()
		return c.refuse
	}
	if c.held == len(c.table) {
		defer c.mu.Unlock()
		return never(fault.Unavailable, "the worker has as many calls in flight as its connection has slots")
	}
	q := &c.out.queue
	start := len(q.buf)
	q.buf = append(q.buf, make([]byte, wire.HeaderSize)...)
	q.buf = meta.Append(q.buf)
	length := len(q.buf) - start - wire.HeaderSize
	if length > wire.MetaMax || length+size > c.cfg.FrameLimit {
		q.buf = q.buf[:start]
		defer c.mu.Unlock()
		return c.oversize(length, size)
	}
	c.hold(p)
	c.inFlight++
	wire.PutHeader(q.buf[start:], wire.TypeCall, 0, p.id, length, size)
	c.counts.Sent.add(length, size)
	q.add(call.Body)
	for _, name := range names {
		q.add(call.Attachments[name])
	}
	if len(call.State) > 0 {
		q.add(call.State)
	}
	c.flushUnlock()
	return nil
}

// oversize says why a call cannot be sent.
func (c *Conn) oversize(meta, body int) *fault.Error {
	if meta > wire.MetaMax {
		return never(fault.InvalidArgument,
			"the call's session key and the names of its attachments are too long for a frame")
	}
	return fault.Newf(fault.InvalidArgument,
		"the input takes %d bytes, more than the frame limit of %d bytes", meta+body, c.cfg.FrameLimit).
		WithStarted(fault.StartedNo)
}

// hold gives p the next id whose slot is free; there has to be one. The caller
// holds mu.
func (c *Conn) hold(p *Pending) {
	slots := uint64(len(c.table))
	for c.table[c.next%slots] != nil {
		c.next++
	}
	p.id = c.next
	c.table[c.next%slots] = p
	c.next++
	c.held++
}

// find returns what is in flight under id, or nil. The caller holds mu.
func (c *Conn) find(id uint64) *Pending {
	if p := c.table[id%uint64(len(c.table))]; p != nil && p.id == id {
		return p
	}
	return nil
}

// free gives back the slot of p. The caller holds mu.
func (c *Conn) free(p *Pending) {
	c.table[p.id%uint64(len(c.table))] = nil
	c.held--
	if p.ping == nil {
		c.inFlight--
	}
}

// never is the error of a call that was not sent.
func never(code fault.Code, message string) *fault.Error {
	return &fault.Error{Code: code, Message: message, Started: fault.StartedNo}
}
