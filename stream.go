package dspool

import (
	"context"
	"encoding/json"
	"iter"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
)

// streamCredit is how many events a worker may be ahead of the reader.
const streamCredit = 32

// Stream runs a program and yields what it produces on the way; the last event
// is of kind [EventResult]. A reader that is slower than the program makes the
// program wait, and nobody else. Leaving the loop cancels the call. The budget
// is that of [Pool.Call] and runs on while the reader is busy.
//
// Each range over the sequence is a call of its own.
func (p *Pool) Stream(ctx context.Context, req Request) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if err := p.enter(); err != nil {
			yield(Event{}, p.counts.failed(err))
			return
		}
		defer p.gate.Leave()
		t := p.accept(&req)
		if err := p.streamed(ctx, &t, yield); err != nil {
			yield(Event{}, err)
		}
	}
}

// streamed is stream, and tells of the end whatever the reader does.
func (p *Pool) streamed(ctx context.Context, t *task, yield func(Event, error) bool) (err error) {
	defer func() { p.ended(t, err) }()
	err = p.stream(ctx, t, yield)
	return err
}

// stream yields events until the end. The error, if any, is still to be
// yielded; there is none for a reader that has left.
func (p *Pool) stream(ctx context.Context, t *task, yield func(Event, error) bool) error {
	if err := p.admit(t); err != nil {
		return err
	}
	if err := p.plan(ctx, t); err != nil {
		return err
	}
	if t.own {
		limited, cancel := context.WithDeadline(ctx, t.ask.Deadline)
		defer cancel()
		ctx, t.own = limited, false
	}
	if t.object != nil {
		defer p.objects.close(t.object)
	}
	t.credit = streamCredit
	for {
		m, err := p.streamAttempt(ctx, t, yield)
		if err == nil {
			return nil
		}
		if !p.retry(ctx, t, m, err) {
			return t.verdict(err)
		}
	}
}

// streamAttempt is streamOnce, observed also if the reader leaves by a panic.
func (p *Pool) streamAttempt(ctx context.Context, t *task, yield func(Event, error) bool) (m *member, err *fault.Error) {
	t.watch.begin(t)
	defer func() { t.watch.end(t, err) }()
	m, err = p.streamOnce(ctx, t, yield)
	return m, err
}

// streamOnce hands the call to one worker and yields what comes.
func (p *Pool) streamOnce(ctx context.Context, t *task, yield func(Event, error) bool) (*member, *fault.Error) {
	s, err := p.seat(ctx, t)
	if err != nil {
		return nil, fault.From(err)
	}
	m := s.Target()
	f := p.launch(t, s)
	pending, err := m.Begin(&f.call)
	if err != nil {
		f.scrub()
		return m, fault.From(refuse(err))
	}
	defer f.part()
	p.handed(t, m, s.Waited())
	// The reader may be busy when its context ends, so somebody else has to
	// tell the worker.
	watch := watchContext(ctx, func() { m.Cancel(pending, whyOf(ctx)) })
	defer watch.end()
	for {
		ev, more, err := pending.Next(ctx)
		switch {
		case err != nil:
			return m, p.abandon(t, m, pending, leftError(ctx, pending.Started(), "while a worker had it"))
		case !more:
			return p.finish(t, m, s, pending, yield)
		}
		t.yielded = true
		if !p.offer(t, m, pending, eventOf(ev), yield) {
			return m, nil
		}
	}
}

// offer yields an event and reports whether the reader stays. The call of one
// that leaves is abandoned, also if it leaves by a panic.
func (p *Pool) offer(t *task, m *member, pending *mux.Pending, ev Event, yield func(Event, error) bool) (stays bool) {
	defer func() {
		if !stays {
			_ = p.abandon(t, m, pending, fault.New(fault.Canceled, "the reader left the stream").WithStarted(fault.StartedYes))
		}
	}()
	return yield(ev, nil)
}

// finish yields the result of a stream.
func (p *Pool) finish(t *task, m *member, s slot, pending *mux.Pending, yield func(Event, error) bool) (*member, *fault.Error) {
	resp, _, err := t.response(m, s.Waited(), pending.Outcome())
	if err != nil {
		return m, err
	}
	yield(Event{Kind: EventResult, Data: resp.Output, Response: &resp}, nil)
	return m, nil
}

// eventOf turns a stream event of the wire into what the reader gets.
func eventOf(ev mux.StreamEvent) Event {
	e := Event{Kind: EventKind(ev.Kind), Data: ev.Data}
	switch e.Kind {
	case EventChunk:
		var chunk struct {
			Field string `json:"field"`
			Text  string `json:"text"`
			Last  bool   `json:"last"`
		}
		if json.Unmarshal(ev.Data, &chunk) == nil {
			e.Field, e.Text, e.Last = chunk.Field, chunk.Text, chunk.Last
		}
	case EventStatus:
		var status struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(ev.Data, &status) == nil {
			e.Text = status.Message
		}
	case EventItem, EventResult:
	}
	return e
}

// whyOf is the reason that a worker is told for a context that ended.
func whyOf(ctx context.Context) string {
	if fault.CodeOf(ctx.Err()) == fault.DeadlineExceeded {
		return "deadline"
	}
	return "canceled"
}

// A contextWatch runs a function when a context ends, and knows when it is not
// going to run any more.
type contextWatch struct {
	stop func() bool
	ran  chan struct{}
}

func watchContext(ctx context.Context, f func()) contextWatch {
	w := contextWatch{ran: make(chan struct{})}
	w.stop = context.AfterFunc(ctx, func() {
		defer close(w.ran)
		f()
	})
	return w
}

// end makes sure that the function does not run, or has run.
func (w contextWatch) end() {
	if !w.stop() {
		<-w.ran
	}
}
