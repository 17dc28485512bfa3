package dspool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/delay"
	"github.com/dspool/dspool/internal/dispatch"
)

// A mockTask is one call on its way through a Mock.
type mockTask struct {
	mock    *Mock
	cfg     *MockConfig
	req     Request
	id      int64
	hash    string
	input   json.RawMessage
	handler MockHandler
	answer  any
	set     bool // answer is to be given
	began   time.Time
	waited  time.Duration
	emit    func(Event) error
}

// A mockReader is the reader of a stream.
type mockReader struct {
	yield func(Event, error) bool
	left  bool
}

// readerLeftError ends the work for a reader that has left.
type readerLeftError struct{}

// Error says so.
func (readerLeftError) Error() string { return "the reader left the stream" }

func (r *mockReader) take(ev Event) error {
	if r.left = !r.yield(ev, nil); r.left {
		return readerLeftError{}
	}
	return nil
}

// serve answers one call; r is nil for a call without a reader of events.
func (m *Mock) serve(ctx context.Context, req *Request, r *mockReader) (Response, error) {
	if !m.gate.Enter() {
		return Response{}, m.counts.failed(mockRefusal())
	}
	defer m.gate.Leave()
	m.counts.calls.Add(1)
	t := &mockTask{mock: m, cfg: m.cfg.Load(), req: *req, id: m.log.next(), emit: func(Event) error { return nil }}
	at := time.Now()
	resp, err := t.run(ctx, r)
	if r != nil && r.left {
		m.counts.abandoned.Add(1)
		err = fault.New(fault.Canceled, readerLeftError{}.Error()).WithStarted(fault.StartedYes)
	}
	m.log.add(t.record(at, resp, err))
	if err != nil {
		return Response{}, m.counts.failed(err)
	}
	return resp, nil
}

// mockShare lets tenants take turns.
func mockShare(tenant string) *dispatch.Share {
	if tenant == "" {
		return nil
	}
	return &dispatch.Share{Name: tenant}
}

// run does the whole call.
func (t *mockTask) run(ctx context.Context, r *mockReader) (Response, error) {
	if err := t.plan(ctx); err != nil {
		return Response{}, refuse(err)
	}
	if err := checkTenant("Tenant", t.req.Tenant); err != nil {
		return Response{}, err
	}
	ask := dispatch.Ask{Exclusive: t.req.Program.Exclusive, Share: mockShare(t.req.Tenant)}
	if t.req.Session != "" {
		if err := t.req.bind(&ask, t.cfg.Affinity); err != nil {
			return Response{}, err
		}
	}
	own := false
	if limit := off(t.cfg.CallTimeout); limit > 0 {
		ask.Deadline = time.Now().Add(limit)
		if given, ok := ctx.Deadline(); ok && given.Before(ask.Deadline) {
			ask.Deadline = given
		} else {
			own = true
		}
	}
	s, err := t.mock.desk.Acquire(ctx, ask)
	if err != nil {
		return Response{}, fault.From(err)
	}
	if own {
		limited, cancel := context.WithDeadline(ctx, ask.Deadline)
		defer cancel()
		ctx = limited
	}
	t.waited, t.began = s.Waited(), time.Now()
	if t.handler == nil {
		defer s.Release()
		if r != nil {
			t.emit = r.take
		}
		return t.finish(ctx, own, t.work)
	}
	return t.handle(ctx, own, s, r)
}

// finish names the worker and the reason of an error.
func (t *mockTask) finish(ctx context.Context, own bool, work func(context.Context) (Response, error)) (Response, error) {
	resp, err := work(ctx)
	if err == nil {
		return resp, nil
	}
	if ctx.Err() != nil && !errors.Is(err, readerLeftError{}) {
		t.mock.counts.abandoned.Add(1)
		return Response{}, t.leaves(ctx, own)
	}
	return Response{}, named(fault.From(err), mockWorker)
}

// leaves is the error of a caller whose time is over.
func (t *mockTask) leaves(ctx context.Context, own bool) *fault.Error {
	err := leftError(ctx, fault.StartedYes, "while the mock had it")
	if own && err.Code == fault.DeadlineExceeded {
		err.Message = fmt.Sprintf("the call did not end within %s, the limit of the mock: raise CallTimeout if it may take longer", t.cfg.CallTimeout)
	}
	return err.WithWorker(mockWorker)
}

// plan checks what a pool checks before it hands a call to a worker.
func (t *mockTask) plan(ctx context.Context) (err error) {
	if ctx.Err() != nil {
		return leftError(ctx, fault.StartedNo, "before it was given to a worker")
	}
	if _, t.hash, err = t.req.Program.Definition(); err != nil {
		return err
	}
	if err := t.checkLM(); err != nil {
		return err
	}
	if t.input, err = t.req.Program.CheckInput(t.req.Input, names(t.req.Attachments)...); err != nil {
		return err
	}
	if len(t.input) == 0 {
		t.input = json.RawMessage("{}")
	}
	return t.find()
}

// checkLM refuses language models that the Mock does not know.
func (t *mockTask) checkLM() error {
	name := or(t.req.LM, t.req.Program.LM)
	_, configured := t.mock.lms.Load(name)
	switch {
	case name != "" && t.cfg.LMs != nil && !configured && !slices.Contains(t.cfg.LMs, name):
		return fault.Newf(fault.InvalidArgument, "LM: the mock has no language model named %q; MockConfig.LMs has: %q", name, t.cfg.LMs)
	case t.cfg.RequireLM && !t.req.Program.Kind.code() && !t.mock.asked.Load():
		return fault.New(fault.LMNotConfigured, "No LM is loaded: call ConfigureLM first")
	}
	return nil
}

// find looks up how the program is answered.
func (t *mockTask) find() error {
	spec := t.req.Program
	for _, key := range t.keys() {
		if key == "" {
			continue
		}
		if t.handler = t.cfg.Handlers[key]; t.handler != nil {
			return nil
		}
		if t.answer, t.set = t.cfg.Answers[key]; t.set {
			return nil
		}
	}
	if spec.Signature == nil {
		return fault.Newf(fault.NotFound, "the mock has no function %q: give it a handler or an answer", spec.Ref)
	}
	return nil
}

// work waits, fails if it was told to, and answers.
func (t *mockTask) work(ctx context.Context) (Response, error) {
	if t.cfg.Delay > 0 {
		if err := delay.Wait(ctx, t.cfg.Delay); err != nil {
			return Response{}, err
		}
	}
	if err := t.trip(); err != nil {
		return Response{}, err
	}
	resp, err := t.result(ctx)
	if err != nil {
		return Response{}, err
	}
	return t.checked(resp)
}

// trip returns the error that this call was chosen to get.
func (t *mockTask) trip() error {
	if err := t.mock.faults.hit("execute_program", t.keys()...); err != nil {
		return err
	}
	if t.cfg.ErrorRate > 0 && t.mock.faults.chance(t.cfg.ErrorRate) {
		return fault.Newf(fault.Unavailable, "the mock fails this call: its ErrorRate is %v", t.cfg.ErrorRate).WithStarted(fault.StartedNo)
	}
	return nil
}

// keys are the names by which the program may be meant.
func (t *mockTask) keys() []string {
	return []string{t.hash, t.req.Program.Name, t.req.Program.Ref, t.req.Program.String()}
}

// checked holds a result against the signature and completes it.
func (t *mockTask) checked(resp Response) (Response, error) {
	output, err := t.req.Program.CheckOutput(resp.Output, names(resp.Attachments)...)
	if err != nil {
		return Response{}, fault.From(err).WithStarted(fault.StartedYes)
	}
	resp.Output, resp.Worker, resp.Attempts = output, mockWorker, 1
	resp.Queue, resp.Run = t.waited, time.Since(t.began)
	return resp, nil
}

func (t *mockTask) record(at time.Time, resp Response, err error) MockRecord {
	return MockRecord{
		ID: t.id, At: at, Took: time.Since(at), Program: t.req.Program.String(), Hash: t.hash, LM: or(t.req.LM, programLM(t.req.Program)),
		Input: t.req.Input, Output: resp.Output, Err: err,
	}
}

func programLM(s *Spec) string {
	if s == nil {
		return ""
	}
	return s.LM
}
