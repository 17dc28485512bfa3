package conformance

import (
	"strings"
	"syscall"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// losses: a dead worker is nobody's problem.
func (s *suite) losses(t *testing.T) {
	t.Run("a program that kills its worker", s.crash)               // CHK-27, CHK-36
	t.Run("a program that exits", s.exit)                           // CHK-27, CHK-29
	t.Run("a worker killed from outside during a stream", s.killed) // CHK-36
	t.Run("an idempotent program runs again", s.idempotent)
	t.Run("a call that never started goes on silently", s.redispatched) // CHK-132
	t.Run("the runner outlives every worker", s.outlives)               // CHK-17
}

func (s *suite) crash(t *testing.T) {
	t.Parallel()
	subject := s.Open(t, nil)
	_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "crash")})
	f := want(t, err, fault.WorkerCrashed)
	wantStarted(t, f, fault.StartedYes)
	if f.Details["signal"] != "SIGKILL" || f.Worker == "" || fault.Retryable(err) {
		t.Errorf("details %v, worker %q, retryable %v", f.Details, f.Worker, fault.Retryable(err))
	}
	s.whole(t, subject)
	if n := subject.Status().Totals.Crashes; n != 1 {
		t.Errorf("%d crashes counted, want 1", n)
	}
}

// whole waits for full strength and checks that calls are served.
func (s *suite) whole(t *testing.T, subject Subject) {
	t.Helper()
	until(t, "the subject is at full strength", func() bool {
		st := subject.Status()
		return st.Serving == st.Want
	})
	if out := call(t, subject, "upper", `{"text":"whole"}`).Output; string(out) != `"WHOLE"` {
		t.Errorf("after a loss: %s", out)
	}
}

func (s *suite) exit(t *testing.T) {
	t.Parallel()
	subject := s.Open(t, func(c *dspool.Config) { c.Workers = 1 })
	call(t, subject, "flood_stderr", `{"bytes":300000}`)
	_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "exit"), Input: []byte(`{"code":7}`)})
	f := want(t, err, fault.WorkerCrashed)
	wantStarted(t, f, fault.StartedYes)
	if f.Details["exit"] != "7" || !strings.Contains(f.Details["stderr"], "eeee") {
		t.Errorf("details exit %q, stderr %.60q", f.Details["exit"], f.Details["stderr"])
	}
	s.whole(t, subject)
}

func (s *suite) killed(t *testing.T) {
	t.Parallel()
	subject := s.Open(t, nil)
	var last error
	events := 0
	for ev, err := range subject.Stream(bounded(t), streamOf(t, 1_000_000)) {
		last = err
		if events++; events != 1 {
			continue
		}
		for _, w := range subject.Status().Workers {
			if w.InFlight > 0 {
				kill(t, w.PID)
			}
		}
		_ = ev
	}
	f := want(t, last, fault.WorkerCrashed)
	wantStarted(t, f, fault.StartedYes)
	s.whole(t, subject)
}

func kill(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
}

func (s *suite) idempotent(t *testing.T) {
	t.Parallel()
	subject := s.Open(t, nil)
	again, err := dspool.NewFunc("mock:sleep", dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	call(t, subject, "sleep", `{"ms":1}`)
	done := begin(bounded(t), subject, dspool.Request{Program: again, Input: []byte(`{"ms":400}`)})
	var pid int
	until(t, "the call runs", func() bool {
		for _, w := range subject.Status().Workers {
			if w.InFlight > 0 {
				pid = w.PID
			}
		}
		return pid != 0
	})
	kill(t, pid)
	a := get(t, done)
	if a.err != nil || string(a.resp.Output) != "400" || a.resp.Attempts < 2 {
		t.Errorf("output %s after %d attempts, %v", a.resp.Output, a.resp.Attempts, a.err)
	}
}

func (s *suite) redispatched(t *testing.T) {
	t.Parallel()
	if s.Python {
		t.Skip("Python code that runs has started; the mock can die before that")
	}
	subject := s.Open(t, nil)
	_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "crash_before_start")})
	wantStarted(t, want(t, err, fault.WorkerCrashed), fault.StartedNo)
	st := subject.Status()
	if st.Totals.Redispatched != 3 || st.Totals.Retried != 0 {
		t.Errorf("redispatched %d times, retried %d; want 3 and 0", st.Totals.Redispatched, st.Totals.Retried)
	}
	if !fault.Retryable(err) {
		t.Error("a call that never started is not retryable")
	}
	s.whole(t, subject)
}

func (s *suite) outlives(t *testing.T) {
	t.Parallel()
	subject := s.Open(t, nil)
	for range 6 {
		_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "crash")})
		want(t, err, fault.WorkerCrashed)
	}
	s.whole(t, subject)
	if phase := subject.Status().Phase; phase != dspool.PoolServing {
		t.Errorf("phase %s", phase)
	}
}
