package mux

import (
	"context"
	"sync"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// A HostRequest is a worker's call to the host. It belongs to the function
// that serves it, and is of no use after that has returned.
type HostRequest struct {
	// Method is what the worker asks for.
	Method string
	// Call is the id of the call on whose behalf it asks, 0 for none.
	Call uint64
	// Owner is the Owner of that call; nil if there is none, or if it has
	// stopped.
	Owner any
	// Extra is a JSON value beside the body, nil for none.
	Extra []byte
	// Body is the arguments: JSON, or opaque bytes if Raw is set.
	Body []byte
	Raw  bool

	pieces *pieces // nil unless the worker takes pieces
}

// A HostReply is the answer to a HostRequest, or what is left of it after the
// pieces that were sent before.
type HostReply struct {
	// Extra is a JSON value beside the body, nil for none.
	Extra []byte
	// Body is the result: JSON, or opaque bytes if Raw is set. It must not be
	// changed afterwards.
	Body []byte
	Raw  bool
}

// Streams reports whether the worker takes the answer in pieces.
func (r *HostRequest) Streams() bool { return r.pieces != nil }

// Send sends a piece of the answer ahead of the HostReply. It waits until the
// worker has credit for it, and fails when ctx ends. The piece must not be
// changed afterwards.
func (r *HostRequest) Send(ctx context.Context, piece HostReply) error {
	if r.pieces == nil {
		return fault.Newf(fault.Unsupported, "the worker asked for %q without taking pieces of its answer", r.Method)
	}
	return r.pieces.send(ctx, piece)
}

// pieces is the way of an answer that is sent bit by bit.
type pieces struct {
	conn *Conn
	id   uint64
	more chan struct{} // holds a token when credit has come

	mu   sync.Mutex
	left int
}

func newPieces(c *Conn, id uint64, credit int) *pieces {
	if credit == 0 {
		return nil
	}
	return &pieces{conn: c, id: id, more: make(chan struct{}, 1), left: credit}
}

// grant takes credit from the worker.
func (p *pieces) grant(n int) {
	p.mu.Lock()
	p.left += n
	p.mu.Unlock()
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// take uses up the credit for one piece, if there is some.
func (p *pieces) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left == 0 {
		return false
	}
	p.left--
	return true
}

func (p *pieces) send(ctx context.Context, piece HostReply) error {
	if len(piece.Body)+len(piece.Extra) > p.conn.cfg.FrameLimit/2 {
		return fault.Newf(fault.ResourceExhausted, "a piece of %d bytes is too large for a frame", len(piece.Body))
	}
	for !p.take() {
		select {
		case <-p.more:
		case <-ctx.Done():
			return fault.From(context.Cause(ctx))
		}
	}
	p.conn.mu.Lock()
	p.conn.send(piece.frame(wire.TypeHostEvent, p.id))
	return nil
}

// frame puts an answer into a frame.
func (r HostReply) frame(t wire.Type, id uint64) wire.Frame {
	f := wire.Frame{Type: t, ID: id, Meta: wire.HostAnswerMeta{Extra: r.Extra}.Append(nil), Body: r.Body}
	if r.Raw {
		f.Flags = wire.Raw
	}
	return f
}
