package dspool

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/internal/feed"
)

// A Retry is a [Runner] over a Runner that repeats calls which failed for a
// passing reason. It repeats only what cannot do harm: a call of which not one
// instruction ran, or whose program is declared idempotent; a stream only while
// nothing of it was yielded. How often and after what pause follows from the
// error matrix (docs/ERRORS.md), from the error's own RetryAfter, and from the
// configuration.
//
// A repetition never waits beyond the call's time budget: if there is no room
// for the pause the call fails at once, with its last error, which says so. All
// calls together spend a [RetryBudget], so that repetitions die out when
// everything fails. Response.Attempts counts the attempts of both this and the
// Runner.
//
// All methods are safe for concurrent use.
type Retry struct {
	cfg    RetryConfig
	runner Runner
	bucket *bucket
	events feed.Feed[PoolEvent]
	counts retryCounts

	mu       sync.Mutex
	numbered int64
	running  map[string]*series
}

// retryCounts are what a Retry has done since it was made.
type retryCounts struct {
	calls, failed, series, repeated, recovered atomic.Int64
	exhausted, late, crowded, canceled         atomic.Int64
}

var _ Runner = (*Retry)(nil)

// NewRetry puts repetitions before a Runner.
func NewRetry(runner Runner, config RetryConfig) (*Retry, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if runner == nil {
		return nil, missingRunner("NewRetry")
	}
	c := config.withDefaults()
	return &Retry{cfg: c, runner: runner, bucket: newBucket(c.Budget), running: map[string]*series{}}, nil
}

// Call runs a program, more than once if it must and may.
func (r *Retry) Call(ctx context.Context, req Request) (Response, error) {
	r.counts.calls.Add(1)
	began := time.Now()
	resp, err := r.runner.Call(ctx, req)
	if err == nil {
		return resp, nil
	}
	return r.call(ctx, req, began, err)
}

// call goes on after the first attempt has failed.
func (r *Retry) call(ctx context.Context, req Request, began time.Time, err error) (Response, error) {
	s := newSeries(ctx, r, &req, began)
	defer s.close()
	for {
		if last := s.repeat(err); last != nil {
			r.counts.failed.Add(1)
			return Response{}, last
		}
		var resp Response
		if resp, err = r.runner.Call(s.ctx, req); err == nil {
			s.recovered()
			resp.Attempts += s.failures
			return resp, nil
		}
	}
}

// Stream runs a program and yields what it produces. Once anything has been
// yielded it is not repeated.
func (r *Retry) Stream(ctx context.Context, req Request) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		r.counts.calls.Add(1)
		s := newSeries(ctx, r, &req, time.Now())
		defer s.close()
		for {
			end := s.stream(yield)
			if end.err == nil {
				return
			}
			if !end.yielded {
				if end.err = s.repeat(end.err); end.err == nil {
					continue
				}
			}
			r.counts.failed.Add(1)
			yield(Event{}, end.err)
			return
		}
	}
}

// streamEnd is how one attempt of a stream ended. There is no error if it
// went well or the reader left.
type streamEnd struct {
	err     error
	yielded bool
}

// stream makes one attempt. Its error is still to be yielded.
func (s *series) stream(yield func(Event, error) bool) (end streamEnd) {
	for ev, err := range s.retry.runner.Stream(s.ctx, *s.req) {
		if err != nil {
			return streamEnd{err: err, yielded: end.yielded}
		}
		if s.failures > 0 {
			if !end.yielded {
				s.recovered()
			}
			ev = ev.after(s.failures)
		}
		end.yielded = true
		if !yield(ev, nil) {
			return streamEnd{}
		}
	}
	return streamEnd{}
}

// after adds attempts that had failed before to the result of a stream.
func (ev Event) after(failures int) Event {
	if ev.Response != nil {
		resp := *ev.Response
		resp.Attempts += failures
		ev.Response = &resp
	}
	return ev
}

// Events returns what happens from now on, as [Pool.Events] does. It ends when
// ctx ends or the loop is left.
func (r *Retry) Events(ctx context.Context) iter.Seq[PoolEvent] { return readEvents(ctx, &r.events) }
