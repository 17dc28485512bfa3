package dspool

import (
	"context"
	"encoding/json"
	"runtime/debug"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
)

// A MockHandler computes the result of a call in Go. What it returns is encoded
// as JSON; a [Response] and a json.RawMessage are taken as they are. An error
// that is no *fault.Error becomes a program_error. Many calls may be in it at
// once.
type MockHandler func(ctx context.Context, call *MockCall) (any, error)

// MockFunc makes a handler of a function over Go types.
func MockFunc[In, Out any](f func(ctx context.Context, in In) (Out, error)) MockHandler {
	return func(ctx context.Context, call *MockCall) (any, error) {
		var in In
		if err := call.Decode(&in); err != nil {
			return nil, err
		}
		return f(ctx, in)
	}
}

// A MockCall is what a handler is given. It is valid until the handler returns.
type MockCall struct {
	// Request is the call as it was made, with the defaults of the signature
	// filled into Input.
	Request Request
	emit    func(Event) error
}

// Decode reads the inputs, which are a JSON object, into a pointer.
func (c *MockCall) Decode(into any) error {
	if err := json.Unmarshal(c.Request.Input, into); err != nil {
		return fault.Wrap(fault.InvalidArgument, err, "input: does not fit the handler's Go type")
	}
	return nil
}

// Emit sends an event to the reader of a stream and returns when it has been
// taken; without a reader it does nothing. The error says that nobody waits for
// the result any more.
func (c *MockCall) Emit(ev Event) error { return c.emit(ev) }

// EmitItem sends a value, as a generator does.
func (c *MockCall) EmitItem(v any) error {
	raw, err := encodeAnswer(v)
	if err != nil {
		return err
	}
	return c.emit(Event{Kind: EventItem, Data: raw})
}

// handle runs the handler on a goroutine of its own, so that the caller is free
// when its context ends. The place is taken until the handler has returned.
func (t *mockTask) handle(ctx context.Context, own bool, s dispatch.Slot[seatName], r *mockReader) (Response, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(t.mock.ctx, cancel)()
	events, done := make(chan Event), make(chan mockOutcome, 1)
	if r != nil {
		t.emit = func(ev Event) error {
			select {
			case events <- ev:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	t.mock.running.Go(func() {
		defer s.Release()
		resp, err := t.guarded(ctx)
		done <- mockOutcome{resp, err}
	})
	for {
		select {
		case o := <-done:
			return t.finish(ctx, own, func(context.Context) (Response, error) { return o.resp, o.err })
		case ev := <-events:
			if err := r.take(ev); err != nil {
				return Response{}, err
			}
		case <-ctx.Done():
			t.mock.counts.abandoned.Add(1)
			if t.mock.ctx.Err() != nil {
				return Response{}, fault.New(fault.ShuttingDown, "the mock stopped while the call ran").WithStarted(fault.StartedYes)
			}
			return Response{}, t.leaves(ctx, own)
		}
	}
}

// mockOutcome is what a handler came to.
type mockOutcome struct {
	resp Response
	err  error
}

// guarded turns a panic of a handler into an error of its program.
func (t *mockTask) guarded(ctx context.Context) (resp Response, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fault.Newf(fault.ProgramError, "the handler panicked: %v\n%s", r, debug.Stack()).WithStarted(fault.StartedYes)
		}
	}()
	return t.work(ctx)
}

// handled runs the handler.
func (t *mockTask) handled(ctx context.Context) (Response, error) {
	req := t.req
	req.Input = t.input
	out, err := t.handler(ctx, &MockCall{Request: req, emit: t.emit})
	if err != nil {
		return Response{}, handlerError(ctx, err)
	}
	if resp, whole := out.(Response); whole {
		return resp, nil
	}
	raw, err := encodeAnswer(out)
	return Response{Output: raw}, err
}

// handlerError is the error of a handler as a worker would report it.
func handlerError(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	f := *fault.From(err)
	if f.Code == fault.Internal && f.Cause == err { //nolint:errorlint // From made it of a plain error
		f = fault.Error{Code: fault.ProgramError, Message: err.Error(), Cause: nil}
	}
	f.Remote = true
	if f.Started == fault.StartedUnknown {
		f.Started = fault.StartedYes
	}
	return &f
}
