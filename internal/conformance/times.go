package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// times: a caller who leaves is free at once, the worker when the work has
// stopped.
func (s *suite) times(t *testing.T) {
	t.Run("a deadline", s.deadline)
	t.Run("the pool's own limit", s.callTimeout)
	t.Run("a call that ignores cancellation", s.cancelIgnored)
	t.Run("waiting and running spend one budget", s.oneBudget)
}

// soon is how long a caller may be held up, on a busy machine.
const soon = 2 * time.Second

func (s *suite) deadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := s.shared.Call(ctx, dspool.Request{Program: program(t, "heed")})
	want(t, err, fault.DeadlineExceeded)
	if took := time.Since(began); took < 90*time.Millisecond || took > soon {
		t.Errorf("returned after %s, the deadline was 100 ms", took)
	}
}

func (s *suite) callTimeout(t *testing.T) {
	t.Parallel()
	subject := s.Open(t, func(c *dspool.Config) { c.CallTimeout, c.Workers = 500*time.Millisecond, 1 })
	until(t, "the worker serves", func() bool { return subject.Status().Serving == 1 })
	began := time.Now()
	_, err := subject.Call(t.Context(), dspool.Request{Program: program(t, "heed")})
	f := want(t, err, fault.DeadlineExceeded)
	if took := time.Since(began); took < 490*time.Millisecond || took > 500*time.Millisecond+soon {
		t.Errorf("returned after %s, the limit was 500 ms", took)
	}
	if f.Started == fault.StartedNo {
		t.Error("a call that ran for its whole budget says that it never started")
	}
	for _, err := range subject.Stream(t.Context(), dspool.Request{Program: program(t, "heed")}) {
		want(t, err, fault.DeadlineExceeded)
	}
}

func (s *suite) cancelIgnored(t *testing.T) {
	t.Parallel()
	s.needsProcesses(t)
	const grace = 500 * time.Millisecond
	subject := s.Open(t, func(c *dspool.Config) { c.Workers, c.WorkerConcurrency, c.CancelGrace = 1, 1, grace })
	worker := call(t, subject, "pid", "").Output
	left := hang(t, subject)
	if n := subject.Status().InFlight; n != 1 {
		t.Errorf("%d calls in flight while the work goes on, want 1", n)
	}
	next := call(t, subject, "pid", "").Output // waits for the replacement
	if took := time.Since(left); took < grace-50*time.Millisecond {
		t.Errorf("the next call ran after %s, before the grace time was over", took)
	}
	if string(next) == string(worker) {
		t.Error("a worker that ignores cancellation is still in use")
	}
}

// hang leaves a call that ignores its cancellation, once it has really begun,
// and returns when its deadline was.
func hang(t testing.TB, subject Subject) time.Time {
	t.Helper()
	for patience := 100 * time.Millisecond; ; patience *= 2 {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		deadline, _ := ctx.Deadline()
		_, err := subject.Call(ctx, dspool.Request{Program: program(t, "hang")})
		cancel()
		f := want(t, err, fault.DeadlineExceeded)
		if held := time.Since(deadline); held > soon {
			t.Errorf("the caller was held up for %s", held)
		}
		if f.Started == fault.StartedYes {
			return deadline
		}
		if patience > limit {
			t.Fatal("a call never begins")
		}
	}
}

func (s *suite) oneBudget(t *testing.T) {
	t.Parallel()
	subject, first, second := s.crowd(t, 1000, func(c *dspool.Config) { c.QueueSize = 8 })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	_, err := subject.Call(ctx, dspool.Request{Program: program(t, "echo")})
	wantStarted(t, want(t, err, fault.DeadlineExceeded), fault.StartedNo)
	get(t, first)
	if a := get(t, second); a.err != nil || a.resp.Queue < 100*time.Millisecond {
		t.Errorf("a call that waited for another of 1 s says Queue = %s (%v)", a.resp.Queue, a.err)
	}
}
