package mux

import (
	"errors"
	"io"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// run reads frames until the connection ends and then ends everything else.
func (c *Conn) run() {
	defer close(c.done)
	d := wire.NewDecoder(c.rw, c.cfg.FrameLimit)
	cause := c.greet(d)
	for cause == nil {
		cause = c.step(d)
	}
	c.end(cause)
}

// received counts a frame.
func (c *Conn) received(f wire.Frame) {
	c.framesIn.Add(1)
	c.bytesIn.Add(uint64(wire.HeaderSize + len(f.Meta) + len(f.Body))) //nolint:gosec // sizes
}

// greet takes the first frame, which has to be a fitting HELLO.
func (c *Conn) greet(d *wire.Decoder) error {
	f, err := d.Next()
	var ferr *wire.FrameError
	switch {
	case errors.As(err, &ferr):
		return fault.Wrap(fault.Protocol, ferr, "the worker's first bytes are no HELLO")
	case err != nil:
		return c.ended(err)
	case f.Type != wire.TypeHello:
		return fault.Newf(fault.Protocol, "the worker's first frame is %s, not HELLO", f.Type)
	}
	c.received(f)
	hello, err := wire.DecodeHello(f.Body)
	switch {
	case err != nil:
		return err
	case hello.Version != wire.Version:
		return fault.Newf(fault.Protocol,
			"the worker speaks protocol version %d, the host version %d", hello.Version, wire.Version)
	case c.cfg.Nonce != "" && hello.Nonce != c.cfg.Nonce:
		return fault.New(fault.Protocol, "the worker's HELLO carries a nonce that is not its own")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hello = hello
	if !c.closing && c.out.failed == nil {
		c.refuse = nil
	}
	close(c.greeted)
	return nil
}

// step takes one frame. It returns why the connection ends, or nil.
func (c *Conn) step(d *wire.Decoder) error {
	f, err := d.Next()
	if err == nil {
		c.received(f)
		c.take(f)
		return nil
	}
	var ferr *wire.FrameError
	if !errors.As(err, &ferr) {
		return c.ended(err)
	}
	if ferr.Fatal {
		return fault.Wrap(fault.Protocol, ferr, "the worker's bytes cannot be followed any further")
	}
	c.refuseFrame(ferr)
	return nil
}

// ended says what the end of the stream means.
func (c *Conn) ended(err error) error {
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, io.EOF):
		message := "the worker closed its connection"
		if why := c.Goodbye(); why != "" {
			message += " after saying goodbye: " + why
		}
		return fault.New(fault.WorkerCrashed, message)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return fault.New(fault.WorkerCrashed, "the connection to the worker ended inside a frame")
	}
	return fault.Wrap(fault.WorkerCrashed, err, "reading from the worker failed")
}

// take handles one sound frame.
func (c *Conn) take(f wire.Frame) {
	switch f.Type {
	case wire.TypeResult:
		c.result(f)
	case wire.TypeError:
		c.failure(f)
	case wire.TypeEvent:
		c.event(f)
	case wire.TypePong:
		c.pong(f)
	case wire.TypeNeed:
		c.need(f)
	case wire.TypeHostCall:
		c.host.call(f)
	case wire.TypeHostCancel:
		c.host.cancel(f)
	case wire.TypeHostCredit:
		c.host.credit(f)
	case wire.TypeGoodbye:
		c.farewell(f)
	case wire.TypeHello, wire.TypeCall, wire.TypeCredit, wire.TypeCancel, wire.TypeDefine,
		wire.TypePing, wire.TypeDrain, wire.TypeRelease, wire.TypeHostResult, wire.TypeHostError, wire.TypeHostEvent:
		c.complain(f.ID, fault.Newf(fault.Protocol, "a worker may not send %s now", f.Type))
	}
}

// complain answers a frame that cannot be used with ERROR.
func (c *Conn) complain(id uint64, err error) {
	body := wire.FaultOf(err).Append(nil)
	c.mu.Lock()
	c.counts.Refused++
	c.send(wire.Frame{Type: wire.TypeError, ID: id, Body: body})
}

// refuseFrame handles bytes that are no frame, or one too large. A call that
// this frame would have ended, or whose stream now has a hole, fails.
func (c *Conn) refuseFrame(ferr *wire.FrameError) {
	err := &fault.Error{Code: ferr.Code, Message: "the worker's answer cannot be used: " + ferr.Message}
	switch t := ferr.Type; {
	case t == wire.TypeResult || t == wire.TypeError || t == wire.TypePong:
		c.settle(ferr.ID, Outcome{Err: err})
	case t == wire.TypeEvent:
		c.spoil(ferr.ID, err)
	}
	if ferr.Type == wire.TypeError {
		c.count(&c.counts.Refused) // an ERROR is never answered
		return
	}
	c.complain(ferr.ID, ferr.Fault().Error())
}

func (c *Conn) count(n *uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	*n++
}

// need answers a worker that lacks a definition.
func (c *Conn) need(f wire.Frame) {
	meta, err := wire.DecodeNeedMeta(f.Meta)
	if err != nil {
		c.complain(f.ID, err)
		return
	}
	answer := wire.DefineMeta{Kind: meta.Kind, Hash: meta.Hash, Missing: true}
	var body []byte
	if c.cfg.Resolve != nil {
		if found, ok := c.cfg.Resolve(meta.Kind, meta.Hash); ok && len(found)+len(f.Meta) <= c.cfg.FrameLimit {
			answer.Missing = false
			body = found
		}
	}
	c.mu.Lock()
	c.send(wire.Frame{Type: wire.TypeDefine, Meta: answer.Append(nil), Body: body})
}

// farewell takes GOODBYE: the worker serves nothing any more.
func (c *Conn) farewell(f wire.Frame) {
	meta, err := wire.DecodeGoodbyeMeta(f.Meta)
	if err != nil {
		c.complain(f.ID, err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.goodbye = meta.Why
	if c.refuse == nil {
		c.refuse = never(fault.Unavailable, "the worker said goodbye: "+meta.Why)
	}
}
