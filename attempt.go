package dspool

import (
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// An Attempt is one try to run a call: the wait for a worker's place and, if it
// got one, the work. [Request.Observe] gets it. It belongs to the receiver.
type Attempt struct {
	// Number counts the attempts of the call, from 1.
	Number int
	// Worker is the id of the worker that had the call and PID its process, ""
	// and 0 if none did.
	Worker string
	PID    int
	// Queued is when the attempt began to wait for a place, Handed when a
	// worker took the call, zero if none did, and Ended when it was over.
	Queued, Handed, Ended time.Time
	// Err is why it failed, nil if it did not. A call may go on after that with
	// another attempt.
	Err *fault.Error
	// Spans are what the worker did, if [Request.Trace] has the sampled flag: at
	// most 128. There are none if the caller left before the worker answered,
	// and of a worker that was lost.
	Spans []Span
}

// A Span is one step of a call in its worker.
type Span struct {
	// Name is queue, run, module, adapter.format, adapter.parse, lm, tool, or
	// what a later worker adds.
	Name string
	// Parent is the index of the span around it, which comes earlier; -1: the
	// attempt.
	Parent int
	// Start is by the clock of this machine.
	Start    time.Time
	Duration time.Duration
	// Err is the class of the Python exception that ended it, "" for none.
	Err string
	// Attributes are few and short: class, model, name. Prompts and answers are
	// not among them.
	Attributes map[string]string
}

// An attemptWatch puts an Attempt together. For a call that nobody observes it
// does nothing.
type attemptWatch struct {
	number         int
	queued, handed time.Time
	member         *member
	spans          []byte
}

func (w *attemptWatch) begin(t *task) {
	if t.req.Observe != nil {
		*w = attemptWatch{number: w.number + 1, queued: time.Now()}
	}
}

func (w *attemptWatch) hand(t *task, m *member) {
	if t.req.Observe != nil {
		w.member, w.handed = m, time.Now()
	}
}

func (w *attemptWatch) end(t *task, err *fault.Error) {
	if t.req.Observe == nil {
		return
	}
	a := Attempt{Number: w.number, Queued: w.queued, Handed: w.handed, Ended: time.Now(), Err: err, Spans: spansOf(w.spans)}
	if w.member != nil {
		a.Worker, a.PID = w.member.ID(), w.member.PID()
	}
	t.req.Observe(a)
}

// spansOf reads what the worker sent. A call does not fail because its worker's
// spans cannot be read.
func spansOf(sent []byte) []Span {
	list, err := wire.DecodeSpans(sent)
	if err != nil || len(list) == 0 {
		return nil
	}
	spans := make([]Span, len(list))
	for i, s := range list {
		spans[i] = Span{Name: s.Name, Parent: s.Parent, Start: s.Start, Duration: s.Duration, Err: s.Err, Attributes: s.Attrs}
	}
	return spans
}
