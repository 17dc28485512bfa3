package mux

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

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

	mu   sync.Mutex
	live map[uint64]context.CancelFunc
}

func (h *hostCalls) init(c *Conn) {
	h.conn = c
	h.ctx, h.endAll = context.WithCancel(context.Background())
	h.live = make(map[uint64]context.CancelFunc)
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
	h.mu.Lock()
	defer h.mu.Unlock()
	if _, twice := h.live[f.ID]; twice {
		h.conn.complain(f.ID, fault.Newf(fault.Protocol, "host call %d is under way already", f.ID))
		return
	}
	if len(h.live) >= h.conn.cfg.Slots {
		h.fail(f.ID, fault.New(fault.ResourceExhausted, "the host serves as many calls of this worker as it may"))
		return
	}
	ctx, cancel := context.WithCancel(h.ctx)
	h.live[f.ID] = cancel
	h.running.Add(1)
	go h.serve(ctx, f, meta)
}

// serve runs one host call and answers it.
func (h *hostCalls) serve(ctx context.Context, f wire.Frame, meta wire.HostCallMeta) {
	defer h.running.Done()
	result, err := h.invoke(ctx, f, meta)
	if len(result) > h.conn.cfg.FrameLimit {
		err = fault.Newf(fault.ResourceExhausted,
			"the result of %q takes %d bytes, more than the frame limit", meta.Method, len(result))
	}
	h.forget(f.ID)
	if err != nil {
		h.fail(f.ID, err)
		return
	}
	h.answer(wire.Frame{Type: wire.TypeHostResult, Flags: f.Flags, ID: f.ID, Body: result})
}

// invoke calls the host's function and turns a panic into an error.
func (h *hostCalls) invoke(ctx context.Context, f wire.Frame, meta wire.HostCallMeta) (result []byte, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &fault.Error{
				Code: fault.Internal, Message: fmt.Sprintf("host call %q panicked: %v", meta.Method, v),
				Details: map[string]string{"stack": string(debug.Stack())},
			}
		}
	}()
	return h.conn.cfg.HostCall(ctx, meta.Method, meta.Call, f.Body)
}

func (h *hostCalls) forget(id uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if cancel, there := h.live[id]; there {
		cancel()
		delete(h.live, id)
	}
}

// cancel takes a HOSTCANCEL: the call's context ends, its answer still comes.
// One for a call that is over is late, which is no fault.
func (h *hostCalls) cancel(f wire.Frame) {
	if err := wire.DecodeNoMeta(f.Type, f.Meta); err != nil {
		h.conn.complain(f.ID, err)
		return
	}
	h.mu.Lock()
	cancel, there := h.live[f.ID]
	h.mu.Unlock()
	if !there {
		h.conn.count(&h.conn.counts.Late)
		return
	}
	cancel()
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
