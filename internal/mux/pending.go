package mux

import (
	"context"
	"sync"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// Pending is a call that a worker has been given. All methods may be called
// concurrently, but only one Next at a time.
type Pending struct {
	conn    *Conn
	id      uint64
	ping    *ping // nil for a call
	settled func(Outcome)
	owner   any
	done    chan struct{}
	outcome Outcome // written before done is closed
	stream  *stream // nil for a unary call

	// Guarded by Conn.mu.
	canceled bool
	spoiled  *fault.Error // what the call ends with, whatever the worker says
}

// Done is closed when the work has really stopped, or its worker is lost.
func (p *Pending) Done() <-chan struct{} { return p.done }

// Outcome returns how the call ended. It may be called only after Done.
func (p *Pending) Outcome() Outcome { return p.outcome }

// ID returns the call's number on its connection.
func (p *Pending) ID() uint64 { return p.id }

// Cancel asks the worker to end the work, once; why is [Canceled] or
// [Deadline]. It returns at once. Done tells when the work has stopped.
func (p *Pending) Cancel(why string) {
	c := p.conn
	c.mu.Lock()
	if p.canceled || c.find(p.id) != p {
		c.mu.Unlock()
		return
	}
	p.canceled = true
	var meta [64]byte
	c.send(wire.Frame{Type: wire.TypeCancel, ID: p.id, Meta: wire.CancelMeta{Why: why}.Append(meta[:0])})
}

// Next returns the next event of a stream and lets the worker send more as
// events are taken. It reports false when there are no more: then Outcome is
// valid. The error is that of ctx; the call goes on.
func (p *Pending) Next(ctx context.Context) (StreamEvent, bool, error) {
	for {
		if event, ok := p.take(); ok {
			return event, true, nil
		}
		select {
		case <-p.more():
		case <-p.done:
			// All events came before the end: one last look.
			event, ok := p.take()
			return event, ok, nil
		case <-ctx.Done():
			return StreamEvent{}, false, fault.From(ctx.Err())
		}
	}
}

// more tells that events have come; never for a unary call.
func (p *Pending) more() <-chan struct{} {
	if p.stream == nil {
		return nil
	}
	return p.stream.ready
}

// take takes an event that has come, and grants credit for those taken.
func (p *Pending) take() (StreamEvent, bool) {
	if p.stream == nil {
		return StreamEvent{}, false
	}
	event, ok, grant := p.stream.pop()
	if grant > 0 {
		p.grant(grant)
	}
	return event, ok
}

func (p *Pending) grant(n int) {
	c := p.conn
	c.mu.Lock()
	if c.find(p.id) != p {
		c.mu.Unlock()
		return
	}
	var meta [32]byte
	c.send(wire.Frame{Type: wire.TypeCredit, ID: p.id, Meta: wire.CreditMeta{N: n}.Append(meta[:0])})
}

// stream holds the events of a call that its reader has not taken yet: never
// more than the credit that the worker was given.
type stream struct {
	ready chan struct{} // holds a token when events may be there

	mu     sync.Mutex
	events []StreamEvent
	window int
	left   int // events that the worker may still send
	owed   int // events taken and not yet granted again
}

func newStream(credit int) *stream {
	return &stream{ready: make(chan struct{}, 1), window: credit, left: credit}
}

// push reports false if the worker had no credit for the event.
func (s *stream) push(event StreamEvent) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.left == 0 {
		return false
	}
	s.left--
	s.events = append(s.events, event)
	select {
	case s.ready <- struct{}{}:
	default:
	}
	return true
}

// pop returns an event, if there is one, and the credit to grant now: half a
// window at a time, so that neither side waits and few frames are sent.
func (s *stream) pop() (event StreamEvent, ok bool, grant int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.events) == 0 {
		return event, false, 0
	}
	event = s.events[0]
	s.events[0] = StreamEvent{}
	s.events = s.events[1:]
	s.owed++
	if s.owed*2 >= s.window {
		grant = s.owed
		s.owed = 0
		s.left += grant
	}
	return event, true, grant
}
