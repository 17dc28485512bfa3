package mux

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// hostCalls serves the worker's calls to the host, each on a goroutine of its
// own, as many at once as the connection has slots.
type hostCalls struct {
	conn    *Conn
	ctx     context.Context // ends with the connection
	endAll  context.CancelFunc
	running sync.WaitGroup
	some    atomic.Bool // there has been a host call on behalf of a call

	mu     sync.Mutex
	live   map[uint64]*hostCall
	byCall map[uint64]int // live ones by the call on whose behalf they are
}

// A hostCall is one under way.
type hostCall struct {
	call   uint64
	cancel context.CancelFunc
	pieces *pieces
}

func (h *hostCalls) init(c *Conn) {
	h.conn = c
	h.ctx, h.endAll = context.WithCancel(context.Background())
	h.live = make(map[uint64]*hostCall)
	h.byCall = make(map[uint64]int)
}

// call takes a HOSTCALL. It runs on the reader and does not wait.
func (h *hostCalls) call(f wire.Frame) {
	meta, err := wire.DecodeHostCallMeta(f.Meta)
	switch {
	case err != nil:
		h.conn.complain(f.ID, err)
	case h.conn.cfg.HostCall == nil:
		h.fail(f.ID, fault.Newf(fault.Unsupported, "the host serves no calls; %q was asked", meta.Method))
	default:
		h.begin(f, meta)
	}
}

func (h *hostCalls) begin(f wire.Frame, meta wire.HostCallMeta) {
	owner, running := h.conn.owner(meta.Call)
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.live[f.ID] != nil:
		h.conn.complain(f.ID, fault.Newf(fault.Protocol, "host call %d is under way already", f.ID))
		return
	case len(h.live) >= h.conn.cfg.Slots:
		h.fail(f.ID, fault.New(fault.ResourceExhausted, "the host serves as many calls of this worker as it may"))
		return
	}
	ctx, cancel := context.WithCancel(h.ctx)
	one := &hostCall{cancel: cancel, pieces: newPieces(h.conn, f.ID, meta.Stream)}
	if running {
		one.call = meta.Call
		h.byCall[meta.Call]++
		h.some.Store(true)
	}
	h.live[f.ID] = one
	h.running.Add(1)
	go h.serve(ctx, f.ID, &HostRequest{
		Method: meta.Method, Call: meta.Call, Owner: owner, Extra: meta.Extra,
		Body: f.Body, Raw: f.Flags&wire.Raw != 0, pieces: one.pieces,
	})
}

// owner returns the owner of a call in flight, and whether it is in flight.
func (c *Conn) owner(id uint64) (any, bool) {
	if id == 0 {
		return nil, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.find(id)
	if p == nil {
		return nil, false
	}
	return p.owner, true
}

// serve runs one host call and answers it.
func (h *hostCalls) serve(ctx context.Context, id uint64, req *HostRequest) {
	defer h.running.Done()
	reply, err := h.invoke(ctx, req)
	if len(reply.Body) > h.conn.cfg.FrameLimit || len(reply.Extra) > wire.MetaMax/2 {
		err = fault.Newf(fault.ResourceExhausted,
			"the result of %q takes %d bytes, more than the frame limit", req.Method, len(reply.Body)+len(reply.Extra))
	}
	h.forget(id)
	if err != nil {
		h.fail(id, err)
		return
	}
	h.answer(reply.frame(wire.TypeHostResult, id))
}

// invoke calls the host's function and turns a panic into an error.
func (h *hostCalls) invoke(ctx context.Context, req *HostRequest) (reply HostReply, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &fault.Error{
				Code: fault.Internal, Message: fmt.Sprintf("host call %q panicked: %v", req.Method, v),
				Details: map[string]string{"stack": string(debug.Stack())},
			}
		}
	}()
	return h.conn.cfg.HostCall(ctx, req)
}

func (h *hostCalls) forget(id uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	one := h.live[id]
	if one == nil {
		return
	}
	one.cancel()
	delete(h.live, id)
	if one.call == 0 {
		return
	}
	if h.byCall[one.call]--; h.byCall[one.call] <= 0 {
		delete(h.byCall, one.call)
	}
}

// cancel takes a HOSTCANCEL: the call's context ends, its answer still comes.
func (h *hostCalls) cancel(f wire.Frame) {
	if err := wire.DecodeNoMeta(f.Type, f.Meta); err != nil {
		h.conn.complain(f.ID, err)
		return
	}
	if one := h.find(f.ID); one != nil {
		one.cancel()
	}
}

// credit takes a HOSTCREDIT.
func (h *hostCalls) credit(f wire.Frame) {
	meta, err := wire.DecodeHostCreditMeta(f.Meta)
	if err != nil {
		h.conn.complain(f.ID, err)
		return
	}
	one := h.find(f.ID)
	switch {
	case one == nil:
	case one.pieces == nil:
		h.conn.complain(f.ID, fault.Newf(fault.Protocol, "host call %d takes no pieces and has use for no credit", f.ID))
	default:
		one.pieces.grant(meta.N)
	}
}

// find returns a host call under way. A frame for one that is over is late,
// which is no fault.
func (h *hostCalls) find(id uint64) *hostCall {
	h.mu.Lock()
	one := h.live[id]
	h.mu.Unlock()
	if one == nil {
		h.conn.count(&h.conn.counts.Late)
	}
	return one
}

// stopped ends the host calls that were made on behalf of a call that is over:
// nobody waits for them any more. It runs on the path of every call.
func (h *hostCalls) stopped(call uint64) {
	if !h.some.Load() {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.byCall[call] == 0 {
		return
	}
	for _, one := range h.live {
		if one.call == call {
			one.cancel()
		}
	}
}

func (h *hostCalls) fail(id uint64, err error) {
	h.answer(wire.Frame{Type: wire.TypeHostError, ID: id, Body: wire.FaultOf(err).Append(nil)})
}

func (h *hostCalls) answer(f wire.Frame) {
	h.conn.mu.Lock()
	h.conn.send(f)
}

// stop ends the contexts of all host calls.
func (h *hostCalls) stop() { h.endAll() }

// wait waits for all host calls. No more may begin.
func (h *hostCalls) wait() { h.running.Wait() }
