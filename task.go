package dspool

import (
	"context"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
)

const (
	// attemptsMax is how often a call is handed to a worker that is then lost
	// before the call begins, or while it runs if it is idempotent.
	attemptsMax = 4
	// refusalsMax is how often a call may find a worker gone between the
	// choice and the hand-out.
	refusalsMax = 32
	// leaveGrace is how long a worker that refused a call may take to be known
	// as gone.
	leaveGrace = 250 * time.Millisecond
)

// A task is one call on its way through the pool. It lives on the caller's
// stack.
type task struct {
	req        *Request
	number     int64     // of the call, among those of its pool
	arrived    time.Time // when it was accepted
	definition []byte
	program    string // hash
	lm         string // hash, "" for none
	errand     *errand
	tenant     *tenantState // nil without a tenant; in it until the call ends
	input      []byte
	ask        dispatch.Ask
	object     *object       // nil unless the call is for one
	route      route         // and how it reaches it
	own        bool          // the deadline is the pool's, not the context's
	credit     int           // > 0: a stream
	yielded    bool          // the caller has seen an event of the stream
	retried    bool          // an earlier hand-out may have begun,
	began      fault.Started // and this is what is known of that
	spent      bool          // it would have been run again, but for the retry budget
	attempts   int
	refusals   int
	worker     string // the one that has it, or had it last
	answered   bool   // it has a result,
	queue, run time.Duration
	watch      attemptWatch // of Request.Observe
}

// plan checks a request and works out everything that does not depend on the
// worker that it will get.
func (p *Pool) plan(ctx context.Context, t *task) error {
	if err := ctx.Err(); err != nil {
		return leftError(ctx, fault.StartedNo, "before it was given to a worker")
	}
	var err error
	req := t.req
	if t.definition, t.program, err = req.Program.Definition(); err != nil {
		return refuse(err)
	}
	if t.lm, err = p.lms.choose(req, t.rules()); err != nil {
		return err
	}
	if t.input, err = req.Program.CheckInput(req.Input, names(req.Attachments)...); err != nil {
		return refuse(err)
	}
	if len(t.input) == 0 {
		t.input = []byte("{}")
	}
	t.ask = dispatch.Ask{Exclusive: req.Program.Exclusive, Share: t.tenant.turn()}
	t.ask.Deadline, t.own = p.deadline(ctx, t.arrived)
	if req.Session != "" {
		err = req.bind(&t.ask, p.cfg.Affinity.Mode)
	}
	if err == nil && req.Program.Kind == KindObject {
		t.object, err = p.objects.open(req)
	}
	return err
}

// deadline is the earlier one of the context's and the pool's; own tells that
// it is the pool's. Queue wait and run spend the same budget.
func (p *Pool) deadline(ctx context.Context, now time.Time) (at time.Time, own bool) {
	given, ok := ctx.Deadline()
	if p.cfg.CallTimeout <= 0 {
		return given, false
	}
	limit := now.Add(p.cfg.CallTimeout)
	if ok && given.Before(limit) {
		return given, false
	}
	return limit, true
}

// names returns the names of attachments, nil for none.
func names(attachments map[string][]byte) []string {
	if len(attachments) == 0 {
		return nil
	}
	list := make([]string, 0, len(attachments))
	for name := range attachments {
		list = append(list, name)
	}
	return list
}

// again decides whether a failed call is handed to another worker, and what
// that is called. Nothing runs twice unless its program is declared
// idempotent, and no stream starts over once its reader has seen a part.
func (t *task) again(err *fault.Error) (kind PoolEventKind, yes bool) {
	never := err.Started == fault.StartedNo
	switch {
	case t.yielded:
		return "", false
	case refusal(err):
		t.refusals++
		return CallRedispatched, never && t.refusals <= refusalsMax
	case err.Remote || !lost(err.Code) || t.attempts >= attemptsMax:
		return "", false
	case never:
		return CallRedispatched, true
	default:
		return CallRetried, t.req.Program.Idempotent
	}
}

// verdict is the error that the caller of a failed call gets: a hand-out that
// never started does not undo an earlier one that did.
func (t *task) verdict(err *fault.Error) *fault.Error {
	if t.spent {
		c := *err
		c.Message += "; not run again: the pool's retry budget is spent"
		err = &c
	}
	if !t.retried || err.Started == fault.StartedYes {
		return err
	}
	err = err.WithStarted(t.began)
	err.Message += "; an earlier attempt was lost while it ran"
	return err
}

// refusal reports whether a worker did not take the call: it was gone, or
// about to go, when the call reached it.
func refusal(err *fault.Error) bool {
	return err.Code == fault.ShuttingDown || err.Code == fault.Unavailable && !err.Remote
}

// lost reports whether a code says that the call's worker is gone.
func lost(c fault.Code) bool {
	return c == fault.WorkerCrashed || c == fault.WorkerUnresponsive || c == fault.Protocol
}

// refuse marks an error of a call that was never handed out.
func refuse(err error) error {
	f := fault.From(err)
	if f.Started == fault.StartedNo {
		return f
	}
	return f.WithStarted(fault.StartedNo)
}

// leftError is the error of a caller whose context ended.
func leftError(ctx context.Context, started fault.Started, when string) *fault.Error {
	err := fault.Newf(fault.Canceled, "the caller gave the call up %s", when)
	if fault.CodeOf(ctx.Err()) == fault.DeadlineExceeded {
		err = fault.Newf(fault.DeadlineExceeded, "the call's time budget ran out %s", when)
	}
	err.Cause, err.Started = context.Cause(ctx), started
	return err
}
