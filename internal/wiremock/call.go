package wiremock

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// A call is one call in flight.
type call struct {
	*session
	id       uint64
	ctx      context.Context //nolint:containedctx // ends with CANCEL
	end      context.CancelFunc
	why      atomic.Pointer[string] // why it was cancelled
	input    map[string]json.RawMessage
	raw      json.RawMessage
	parts    map[string][]byte
	order    []wire.Attachment
	key      string        // of the session
	trace    string        // the traceparent
	knows    string        // what the host knows of its object
	state    []byte        // what to make it of
	credits  chan struct{} // one for each EVENT that may be sent; nil if unary
	streamed bool
	asks     Question // what the director was asked
	arrived  time.Time
	began    time.Time
}

// creditsMax bounds what a host can grant at once.
const creditsMax = 1 << 16

func (s *session) accept(f wire.Frame) error {
	meta, err := wire.DecodeCallMeta(f.Meta)
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	body, state, err := wire.CutState(f.Body, meta.State)
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	value, parts, err := wire.Split(body, meta.Attachments)
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	c := &call{
		session: s, id: f.ID, raw: value, parts: parts, order: meta.Attachments, arrived: time.Now(),
		key: owned(meta.Tenant, meta.Session), trace: meta.Trace, knows: meta.Object, state: state,
	}
	if len(value) > 0 {
		if err := json.Unmarshal(value, &c.input); err != nil {
			return fault.Wrap(fault.InvalidArgument, err, "the input is not an object")
		}
	}
	c.ctx, c.end = context.WithCancel(s.ctx)
	if meta.Stream > 0 {
		c.streamed, c.credits = true, make(chan struct{}, creditsMax)
		c.grant(meta.Stream)
	}
	return s.enter(c, meta.Program)
}

// enter starts the call, or asks for its program first.
func (s *session) enter(c *call, hash string) error {
	s.mu.Lock()
	if s.draining {
		s.mu.Unlock()
		return fault.New(fault.ShuttingDown, "the worker is draining").WithStarted(fault.StartedNo)
	}
	s.calls[c.id] = c
	p := s.programs[hash]
	first := p == nil && len(s.waiting[hash]) == 0
	if p == nil {
		s.waiting[hash] = append(s.waiting[hash], c)
	}
	s.mu.Unlock()
	switch {
	case p != nil:
		c.launch(p)
	case first:
		s.send(wire.Frame{Type: wire.TypeNeed, Meta: wire.NeedMeta{Kind: "program", Hash: hash}.Append(nil)})
	}
	return nil
}

func (s *session) define(f wire.Frame) error {
	meta, err := wire.DecodeDefineMeta(f.Meta)
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	p, problem := readProgram(f.Body, s.Ask != nil)
	if meta.Missing {
		problem = fault.Newf(fault.NotFound, "the host has no program %s", meta.Hash).WithStarted(fault.StartedNo)
	}
	s.mu.Lock()
	if problem == nil {
		s.programs[meta.Hash] = p
	}
	waiting := s.waiting[meta.Hash]
	delete(s.waiting, meta.Hash)
	s.mu.Unlock()
	for _, c := range waiting {
		if problem != nil {
			c.fail(problem)
			continue
		}
		c.launch(p)
	}
	return nil
}

// running returns a call that has not ended, or nil.
func (s *session) running(id uint64) *call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[id]
}

func (s *session) cancel(f wire.Frame) error {
	meta, err := wire.DecodeCancelMeta(f.Meta)
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	if c := s.running(f.ID); c != nil {
		c.why.CompareAndSwap(nil, &meta.Why)
		c.end()
	}
	return nil
}

func (s *session) credit(f wire.Frame) error {
	meta, err := wire.DecodeCreditMeta(f.Meta)
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	if c := s.running(f.ID); c != nil {
		c.grant(meta.N)
	}
	return nil
}

func (c *call) grant(n int) {
	for range min(n, creditsMax) {
		select {
		case c.credits <- struct{}{}:
		default:
			return
		}
	}
}

// launch runs the call in a goroutine that the session waits for, unless the
// program is one that never heeds anything.
func (c *call) launch(p *program) {
	if p.deaf() {
		go c.run(p)
		return
	}
	c.work.Go(func() { c.run(p) })
}

func (c *call) run(p *program) {
	p = c.directed(p)
	if !p.unannounced() {
		c.begin()
	}
	value, err := p.run(c)
	switch {
	case err != nil && c.ctx.Err() != nil:
		c.fail(c.left())
	case err != nil:
		c.fail(fault.From(err))
	case value != nil:
		c.answer(value)
	}
}

// left is the error of a call that was cancelled.
func (c *call) left() *fault.Error {
	code := fault.Canceled
	if why := c.why.Load(); why != nil && *why == "deadline" {
		code = fault.DeadlineExceeded
	}
	return fault.New(code, "the call was cancelled and has stopped").WithStarted(fault.StartedYes)
}

// begin notes in the ledger that user code runs from now on.
func (c *call) begin() {
	c.began = time.Now()
	if slot := slotOf(c.Ledger, c.id); slot != nil {
		atomic.StoreUint64(slot, littleEndian(c.id))
	}
}

func (c *call) answer(value json.RawMessage) {
	meta := wire.ResultMeta{Queue: c.began.Sub(c.arrived).Microseconds(), Run: time.Since(c.began).Microseconds(), Spans: c.spans()}
	c.finish(wire.Frame{Type: wire.TypeResult, ID: c.id, Meta: meta.Append(nil), Body: value})
}

func (c *call) fail(err *fault.Error) {
	meta := wire.ErrorMeta{Spans: c.spans()}
	c.finish(wire.Frame{Type: wire.TypeError, ID: c.id, Meta: meta.Append(nil), Body: wire.FaultOf(err).Append(nil)})
}

// spans are those that every worker sends of a traced call.
func (c *call) spans() []byte {
	if !strings.HasSuffix(c.trace, "-01") {
		return nil
	}
	return fmt.Appendf(nil, `[["queue",-1,%d,%d],["run",-1,%d,%d]]`,
		c.arrived.UnixMicro(), c.began.Sub(c.arrived).Microseconds(), c.began.UnixMicro(), time.Since(c.began).Microseconds())
}

// finish sends the call's last frame and, if the worker drains and this was
// the last call, ends the worker.
func (c *call) finish(f wire.Frame) {
	c.end()
	c.over(f)
	c.send(f)
	c.mu.Lock()
	delete(c.calls, c.id)
	done := c.draining && len(c.calls) == 0
	c.mu.Unlock()
	if done {
		_ = c.leave()
	}
}
