package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// limits: what is too much is refused with a code, and nothing is lost.
func (s *suite) limits(t *testing.T) {
	t.Run("messages beyond the frame limit", s.oversize)
	t.Run("tenants that cannot be", s.badTenants)
	t.Run("a full queue", s.fullQueue)           // CHK-27
	t.Run("a queue that is too slow", s.tooSlow) // CHK-27
}

func (s *suite) oversize(t *testing.T) {
	t.Parallel()
	s.needsProcesses(t)
	const frame = 1 << 20
	subject := s.Open(t, func(c *dspool.Config) { c.FrameLimit, c.Workers = frame, 1 })
	before := call(t, subject, "pid", "").Output

	big := `{"text":"` + strings.Repeat("x", frame) + `"}`
	_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "echo"), Input: []byte(big)})
	f := fault.From(err)
	if f == nil || f.Code != fault.ResourceExhausted && f.Code != fault.InvalidArgument {
		t.Fatalf("a request beyond the frame limit: %v", err)
	}
	wantStarted(t, f, fault.StartedNo)

	if !s.Python {
		_, err = subject.Call(bounded(t), dspool.Request{Program: program(t, "oversize")})
		wantStarted(t, want(t, err, fault.ResourceExhausted), fault.StartedYes)
	}
	if after := call(t, subject, "pid", "").Output; string(after) != string(before) {
		t.Errorf("process %s became %s: an oversize message cost a worker", before, after)
	}
}

// crowd fills a subject that takes one call at a time and lets one wait, with
// calls of ms milliseconds.
func (s *suite) crowd(t *testing.T, ms int, change func(*dspool.Config)) (subject Subject, first, second <-chan answer) {
	t.Helper()
	subject = s.Open(t, func(c *dspool.Config) {
		c.Workers, c.WorkerConcurrency, c.QueueSize = 1, 1, 1
		change(c)
	})
	until(t, "the worker serves", func() bool { return subject.Status().Serving == 1 })
	long := dspool.Request{Program: program(t, "sleep"), Input: fmt.Appendf(nil, `{"ms":%d}`, ms)}
	first = begin(bounded(t), subject, long)
	until(t, "the first call runs", func() bool { return subject.Status().InFlight == 1 })
	second = begin(bounded(t), subject, long)
	until(t, "the second call waits, or has waited too long", func() bool {
		status := subject.Status()
		return status.Queue.Length == 1 || status.Totals.Errors[fault.QueueTimeout] == 1
	})
	return subject, first, second
}

func (s *suite) fullQueue(t *testing.T) {
	t.Parallel()
	subject, first, second := s.crowd(t, 400, func(*dspool.Config) {})
	_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "echo")})
	f := want(t, err, fault.QueueFull)
	wantStarted(t, f, fault.StartedNo)
	if f.RetryAfter <= 0 || !fault.Retryable(err) {
		t.Errorf("RetryAfter %s, retryable %v", f.RetryAfter, fault.Retryable(err))
	}
	for i, done := range []<-chan answer{first, second} {
		if a := get(t, done); a.err != nil {
			t.Errorf("call %d: %v", i, a.err)
		}
	}
	if n := subject.Status().Totals.Errors[fault.QueueFull]; n != 1 {
		t.Errorf("%d calls counted as queue_full, want 1", n)
	}
}

func (s *suite) tooSlow(t *testing.T) {
	t.Parallel()
	_, first, second := s.crowd(t, 400, func(c *dspool.Config) { c.QueueTimeout = 50 * time.Millisecond })
	f := want(t, get(t, second).err, fault.QueueTimeout)
	wantStarted(t, f, fault.StartedNo)
	if a := get(t, first); a.err != nil || string(a.resp.Output) != fmt.Sprint(400) {
		t.Errorf("the call that ran: %s, %v", a.resp.Output, a.err)
	}
}
