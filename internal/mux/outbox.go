package mux

import (
	"fmt"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

const (
	// byReference is the body size from which on bytes are queued as they are
	// instead of being copied behind their header.
	byReference = 16 << 10
	// keepBuffer is the largest buffer that is kept for the next batch.
	keepBuffer = 256 << 10
	// rounds is how many batches a caller writes, its own and those that others
	// queued meanwhile, before it leaves the rest to the writer.
	rounds = 4
	// blockingPart is the most that is written under one write timeout.
	blockingPart = 256 << 10
	// readerGrace is how long the reader may go on after a write has failed.
	readerGrace = time.Second
)

// outbox is the queue of frames to send and whoever writes it. Callers write
// themselves as long as the socket takes bytes at once (flat combining: the
// first takes along what the others queue); the writer goroutine does what has
// to wait. Exactly one of them holds the token "writing" at a time.
type outbox struct {
	conn  *Conn
	try   *tryWriter    // nil if rw cannot write without waiting
	wake  chan struct{} // the writer gets the token
	stop  chan struct{} // closed when the connection has ended
	ended chan struct{} // closed when the writer is gone

	// Guarded by Conn.mu.
	queue   batch
	spare   []byte
	writing bool
	failed  *fault.Error // why nothing is written any more

	// Owned by whoever holds the token.
	current batch
	parts   [][]byte
}

// batch is a run of frames: buf, with large bodies in between.
type batch struct {
	buf   []byte
	large []span
}

// span is a body that stands before buf[at].
type span struct {
	at   int
	data []byte
}

func (o *outbox) init(c *Conn) {
	o.conn = c
	o.try = newTryWriter(c.rw)
	o.wake = make(chan struct{}, 1)
	o.stop = make(chan struct{})
	o.ended = make(chan struct{})
}

func (o *outbox) launch() { go o.run() }

// add queues bytes that follow what is queued. The caller holds Conn.mu.
func (b *batch) add(data []byte) {
	if len(data) >= byReference {
		b.large = append(b.large, span{at: len(b.buf), data: data})
		return
	}
	b.buf = append(b.buf, data...)
}

// send queues a frame and releases Conn.mu, which the caller holds. Once the
// connection is ending there is nobody to send to.
func (c *Conn) send(f wire.Frame) {
	if c.closing || c.out.failed != nil {
		c.mu.Unlock()
		return
	}
	q := &c.out.queue
	q.buf = wire.AppendHeader(q.buf, f.Type, f.Flags, f.ID, len(f.Meta), len(f.Body))
	q.buf = append(q.buf, f.Meta...)
	c.counts.Sent.add(len(f.Meta), len(f.Body))
	q.add(f.Body)
	c.flushUnlock()
}

// flushUnlock releases Conn.mu and sees to it that what is queued gets written.
func (c *Conn) flushUnlock() {
	o := &c.out
	if o.writing {
		c.mu.Unlock()
		return
	}
	o.writing = true
	c.mu.Unlock()
	if o.try == nil {
		o.handOver()
		return
	}
	o.combine()
}

// handOver gives the token to the writer.
func (o *outbox) handOver() { o.wake <- struct{}{} }

// combine writes what is queued without waiting for the socket. The caller
// holds the token, which is free or the writer's afterwards.
func (o *outbox) combine() {
	for range rounds {
		if !o.take() {
			return
		}
		err := o.writeNow()
		if err != nil {
			o.fail(err)
			return
		}
		if len(o.parts) > 0 {
			break
		}
	}
	o.handOver()
}

// take makes the queue the current batch. It reports false, and gives the token
// back, if nothing is queued.
func (o *outbox) take() bool {
	c := o.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if n := cap(o.current.buf); n > 0 && n <= keepBuffer {
		o.spare = o.current.buf[:0]
	}
	clear(o.current.large)
	large := o.current.large[:0]
	o.current = batch{}
	if len(o.queue.buf) == 0 {
		o.writing = false
		return false
	}
	o.current = o.queue
	o.queue = batch{buf: o.spare, large: large}
	o.spare = nil
	o.split()
	return true
}

// split lists the parts of the current batch in the order of the wire.
func (o *outbox) split() {
	o.parts = o.parts[:0]
	at := 0
	for _, s := range o.current.large {
		if s.at > at {
			o.parts = append(o.parts, o.current.buf[at:s.at])
			at = s.at
		}
		o.parts = append(o.parts, s.data)
	}
	if at < len(o.current.buf) {
		o.parts = append(o.parts, o.current.buf[at:])
	}
}

// writeNow writes as much of the parts as the socket takes at once.
func (o *outbox) writeNow() error {
	for len(o.parts) > 0 {
		n, err := o.try.write(o.parts)
		if err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
		o.consume(n)
	}
	return nil
}

// consume drops the first n bytes of the parts.
func (o *outbox) consume(n int) {
	done := 0
	for done < len(o.parts) && n >= len(o.parts[done]) {
		n -= len(o.parts[done])
		done++
	}
	rest := copy(o.parts, o.parts[done:])
	clear(o.parts[rest:])
	o.parts = o.parts[:rest]
	if n > 0 {
		o.parts[0] = o.parts[0][n:]
	}
}

// run is the writer: it waits for the token and then for the socket.
func (o *outbox) run() {
	defer close(o.ended)
	for {
		select {
		case <-o.stop:
			return
		case <-o.wake:
		}
		if o.failed != nil {
			o.closeSoon()
			return
		}
		if err := o.writeAll(); err != nil {
			o.fail(err)
		}
	}
}

// writeAll writes until nothing is queued and gives the token back.
func (o *outbox) writeAll() error {
	for {
		for len(o.parts) > 0 {
			if err := o.writePart(); err != nil {
				return err
			}
		}
		if !o.take() {
			return nil
		}
	}
}

// writePart writes a piece of the first part and waits for it. The timer closes
// the connection, which ends the write whatever kind of connection it is.
func (o *outbox) writePart() error {
	part := o.parts[0][:min(len(o.parts[0]), blockingPart)]
	if limit := o.conn.cfg.WriteTimeout; limit > 0 {
		timer := time.AfterFunc(limit, func() { o.conn.Close(stalled(limit)) })
		defer timer.Stop()
	}
	n, err := o.conn.rw.Write(part)
	o.consume(n)
	return err
}

func stalled(limit time.Duration) *fault.Error {
	return fault.New(fault.WorkerUnresponsive,
		fmt.Sprintf("the worker took no bytes from its connection for %v", limit))
}

// fail ends writing for good. The caller holds the token and keeps it, so that
// nobody writes any more; the writer sees to the rest.
func (o *outbox) fail(err error) {
	c := o.conn
	lost := fault.Wrap(fault.WorkerCrashed, err, "writing to the worker failed")
	c.mu.Lock()
	defer c.mu.Unlock()
	o.failed = lost
	o.queue, o.current, o.parts = batch{}, batch{}, nil
	if !c.closing {
		c.refuse = lost.WithStarted(fault.StartedNo)
		c.refuse.Code = fault.Unavailable
	}
	o.handOver()
}

// closeSoon ends the connection unless the reader does so first: a worker that
// is gone may have left results behind.
func (o *outbox) closeSoon() {
	timer := time.NewTimer(readerGrace)
	defer timer.Stop()
	select {
	case <-o.stop:
	case <-timer.C:
		o.conn.Close(o.failed)
	}
}
