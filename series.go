package dspool

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/delay"
)

// A series is one call whose first attempt has failed, on its way through the
// next ones. Its caller's goroutine owns it; what Status shows of it is guarded
// by the Retry's mu.
type series struct {
	retry    *Retry
	req      *Request
	ctx      context.Context //nolint:containedctx // of the attempts of this call
	end      context.CancelCauseFunc
	unlimit  context.CancelFunc
	began    time.Time
	failures int
	pause    time.Duration
	started  fault.Started // of an attempt that is known, or may, have begun
	ran      bool

	id   string // "" until the first repetition
	next time.Time
	last *fault.Error
	// shown is the number of failures as Status may read it.
	shown int
}

func newSeries(ctx context.Context, r *Retry, req *Request, began time.Time) *series {
	return &series{retry: r, req: req, ctx: ctx, began: began}
}

// repeat decides about the next attempt and waits for it. It returns nil if the
// call is to be made again, and otherwise the error that its caller gets.
func (s *series) repeat(err error) error {
	f := fault.From(err)
	s.failures++
	idempotent := s.req.Program != nil && s.req.Program.Idempotent
	if s.ctx.Err() != nil || !f.Repeatable(idempotent) {
		return s.verdict(err, f)
	}
	pause := s.retry.cfg.pause(f, s.failures, s.pause)
	if why := s.refuse(f, pause); why != "" {
		s.tell(CallGivenUp, s.failures, f, 0, why)
		return s.giveUp(f, why)
	}
	if !f.Retryable() && s.started != fault.StartedYes {
		s.ran, s.started = true, f.Started
	}
	s.retry.counts.repeated.Add(1)
	s.pause = pause
	s.tell(CallRepeated, s.failures+1, f, pause, f.Message)
	return s.wait(f, pause)
}

// refuse says why there is no further attempt, "" if there is one.
func (s *series) refuse(f *fault.Error, pause time.Duration) string {
	r := s.retry
	if s.failures > min(r.cfg.Attempts-1, f.Class().Retries) {
		r.counts.exhausted.Add(1)
		return fmt.Sprintf("given up after attempt %d", s.failures)
	}
	if left, limited := s.left(); limited && pause >= left {
		r.counts.late.Add(1)
		return fmt.Sprintf("not repeated: the pause of %s does not fit into the %s that are left of the call's time budget",
			pause.Round(time.Millisecond), max(left, 0).Round(time.Millisecond))
	}
	if !r.bucket.take(r.counts.calls.Load()) {
		return "not repeated: the retry budget is spent"
	}
	if !r.enter(s, f, time.Now().Add(pause)) {
		r.counts.crowded.Add(1)
		return fmt.Sprintf("not repeated: %d calls are being repeated already", r.cfg.Limit)
	}
	return ""
}

// left is what is left of the call's time budget.
func (s *series) left() (left time.Duration, limited bool) {
	if deadline, ok := s.ctx.Deadline(); ok {
		return time.Until(deadline), true
	}
	if s.retry.cfg.Timeout > 0 {
		return s.retry.cfg.Timeout - time.Since(s.began), true
	}
	return 0, false
}

// open makes the context of the repetitions, which can be cancelled by id.
func (s *series) open() {
	_, given := s.ctx.Deadline()
	s.ctx, s.end = context.WithCancelCause(s.ctx)
	if !given && s.retry.cfg.Timeout > 0 {
		s.ctx, s.unlimit = context.WithDeadline(s.ctx, s.began.Add(s.retry.cfg.Timeout))
	}
}

// close ends the series.
func (s *series) close() {
	if s.id != "" {
		s.retry.leave(s)
		s.end(nil)
	}
	if s.unlimit != nil {
		s.unlimit()
	}
}

// wait lets the pause pass.
func (s *series) wait(f *fault.Error, pause time.Duration) error {
	if delay.Wait(s.ctx, pause) == nil {
		return nil
	}
	left := leftError(s.ctx, f.Started, "while it waited to be repeated")
	var own *fault.Error
	if errors.As(context.Cause(s.ctx), &own) { // by its id
		left = own.WithStarted(f.Started)
	}
	left.Message += "; the last attempt had failed with " + f.Error()
	return s.verdict(left, left)
}

// verdict is an error as its caller gets it: an attempt that never began does
// not undo an earlier one that did.
func (s *series) verdict(err error, f *fault.Error) error {
	if !s.ran || f.Started == fault.StartedYes {
		return err
	}
	f = f.WithStarted(s.started)
	f.Message += "; an earlier attempt failed while it ran"
	return f
}

// giveUp is the last error of a call that might have been repeated.
func (s *series) giveUp(f *fault.Error, why string) error {
	c := *f
	c.Message += "; " + why
	return s.verdict(&c, &c)
}

// recovered takes note that a repetition went well.
func (s *series) recovered() {
	s.retry.counts.recovered.Add(1)
	s.tell(CallRecovered, s.failures+1, nil, time.Since(s.began), "")
}

// tell publishes what happens, if anybody listens.
func (s *series) tell(kind PoolEventKind, attempt int, f *fault.Error, took time.Duration, reason string) {
	if !s.retry.events.Heard() {
		return
	}
	ev := PoolEvent{
		Kind: kind, At: time.Now(), Name: s.retry.cfg.Name, Program: s.req.Program.String(),
		Attempts: attempt, Took: took, Reason: reason, Err: f,
	}
	if f != nil {
		ev.Code, ev.Severity = f.Code, f.Class().SeverityAt(s.failures, false)
	}
	s.retry.events.Publish(ev)
}
