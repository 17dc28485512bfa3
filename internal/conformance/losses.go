package conformance

import (
	"strings"
	"syscall"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// losses: a dead worker is nobody's problem. One test after the other, on a
// subject that has to be whole after each.
func (s *suite) losses(t *testing.T) {
	t.Run("a program that exits", s.exit) // CHK-27, CHK-29
	subject := s.Open(t, nil)
	for _, test := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"a program that kills its worker", crash},               // CHK-27, CHK-36
		{"a worker killed from outside during a stream", killed}, // CHK-36
		{"an idempotent program runs again", idempotent},
		{"a call that never started goes on silently", s.redispatched}, // CHK-132
		{"the runner outlives every worker", outlives},                 // CHK-17
	} {
		t.Run(test.name, func(t *testing.T) { //nolint:paralleltest // they share the subject
			test.run(t, subject)
			whole(t, subject)
		})
	}
}

func crash(t *testing.T, subject Subject) {
	_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "crash")})
	f := want(t, err, fault.WorkerCrashed)
	wantStarted(t, f, fault.StartedYes)
	if f.Details["signal"] != "SIGKILL" || f.Worker == "" || fault.Retryable(err) {
		t.Errorf("details %v, worker %q, retryable %v", f.Details, f.Worker, fault.Retryable(err))
	}
	until(t, "the crash is counted", func() bool { return subject.Status().Totals.Crashes == 1 })
}

// whole waits for full strength and checks that calls are served.
func whole(t *testing.T, subject Subject) {
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
	whole(t, subject)
}

func killed(t *testing.T, subject Subject) {
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
}

func kill(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
}

func idempotent(t *testing.T, subject Subject) {
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

func (s *suite) redispatched(t *testing.T, subject Subject) {
	if s.Python {
		t.Skip("Python code that runs has started; the mock can die before that")
	}
	before := subject.Status().Totals
	_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "crash_before_start")})
	wantStarted(t, want(t, err, fault.WorkerCrashed), fault.StartedNo)
	after := subject.Status().Totals
	if n := after.Redispatched - before.Redispatched; n != 3 || after.Retried != before.Retried {
		t.Errorf("redispatched %d times, want 3; retried %d times, then %d", n, before.Retried, after.Retried)
	}
	if !fault.Retryable(err) {
		t.Error("a call that never started is not retryable")
	}
}

func outlives(t *testing.T, subject Subject) {
	for range 6 {
		_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "crash")})
		want(t, err, fault.WorkerCrashed)
	}
	whole(t, subject)
	if phase := subject.Status().Phase; phase != dspool.PoolServing {
		t.Errorf("phase %s", phase)
	}
}
