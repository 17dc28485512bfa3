package conformance

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// affinity: calls of one session come to one worker. One test after the other,
// on a subject of their own.
func (s *suite) affinity(t *testing.T) {
	subject := s.Open(t, func(c *dspool.Config) { c.Affinity.Mode = dspool.AffinityStrictQueue })
	for _, test := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"a session stays with its worker", staysAtHome},                        // CHK-49, CHK-122
		{"short-lived callers leave workers and bindings alone", shortCallers},  // CHK-18
		{"a session is bound anew when its worker is gone", s.boundAnew},        // CHK-122
		{"a session key that cannot be one", badSessions},                       // CHK-48
		{"a strict session waits for its worker, another mode not", busyWorker}, // CHK-122
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, subject) }) //nolint:paralleltest // they share the subject
	}
}

// inSession makes a call in a session.
func inSession(t testing.TB, ctx context.Context, r dspool.Runner, session, name, input string) dspool.Response {
	t.Helper()
	resp, err := r.Call(ctx, dspool.Request{Program: program(t, name), Input: []byte(input), Session: session})
	if err != nil {
		t.Fatalf("%s in session %q: %v", name, session, err)
	}
	return resp
}

func staysAtHome(t *testing.T, subject Subject) {
	before := subject.Status().Affinity
	home := map[string]string{}
	for range 40 {
		for i := range 4 {
			key := fmt.Sprint("home-", i)
			at := string(inSession(t, bounded(t), subject, key, "pid", "").Output)
			if known := home[key]; known != "" && known != at {
				t.Fatalf("session %s was with process %s and is with %s", key, known, at)
			}
			home[key] = at
		}
	}
	st := subject.Status().Affinity
	hits, misses := st.Hits-before.Hits, st.Misses-before.Misses
	if st.Bindings-before.Bindings != 4 || misses != 4 || float64(hits)/float64(hits+misses) <= 0.95 {
		t.Errorf("before %+v, after %+v", before, st)
	}
}

// The callers end, are cancelled, or panic; none of it reaches the worker.
func shortCallers(t *testing.T, subject Subject) {
	keep := inSession(t, bounded(t), subject, "kept", "pid", "")
	workers := pids(subject)
	for i := range 50 {
		done := make(chan answer, 1)
		go func() {
			defer func() { _ = recover() }()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			resp, err := subject.Call(ctx, dspool.Request{Program: program(t, "pid"), Session: "kept"})
			done <- answer{resp, err}
			if i%2 == 0 {
				panic("the caller crashes") //nolint:forbidigo // as a user's own code may
			}
		}()
		a := get(t, done)
		if at := a.resp.Output; a.err != nil || string(at) != string(keep.Output) {
			t.Fatalf("caller %d found the session with process %s, it was with %s; %v", i, at, keep.Output, a.err)
		}
	}
	if now := pids(subject); now != workers {
		t.Errorf("workers %s before, %s after", workers, now)
	}
}

func pids(subject Subject) string {
	var b strings.Builder
	for _, w := range subject.Status().Workers {
		fmt.Fprint(&b, w.PID, " ")
	}
	return b.String()
}

func (s *suite) boundAnew(t *testing.T, subject Subject) {
	s.needsProcesses(t)
	rebinds := subject.Status().Affinity.Rebinds
	first := inSession(t, bounded(t), subject, "orphan", "pid", "")
	_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "crash"), Session: "orphan"})
	wantStarted(t, want(t, err, fault.WorkerCrashed), fault.StartedYes)
	second := inSession(t, bounded(t), subject, "orphan", "pid", "")
	third := inSession(t, bounded(t), subject, "orphan", "pid", "")
	if string(first.Output) == string(second.Output) || string(second.Output) != string(third.Output) {
		t.Errorf("the session was with %s, then with %s and %s", first.Output, second.Output, third.Output)
	}
	if n := subject.Status().Affinity.Rebinds - rebinds; n < 1 {
		t.Errorf("%d sessions were bound anew", n)
	}
	whole(t, subject)
}

func badSessions(t *testing.T, subject Subject) {
	for name, key := range map[string]string{
		"10 kB": strings.Repeat("k", 10_000), "control characters": "a\x00b", "a line break": "a\n", "not UTF-8": "\xff",
	} {
		_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "echo"), Session: key})
		f := want(t, err, fault.InvalidArgument)
		if wantStarted(t, f, fault.StartedNo); f.Details["path"] != "Session" || !strings.HasPrefix(f.Message, "Session: ") {
			t.Errorf("%s: %v %v", name, f.Message, f.Details)
		}
	}
	_, err := subject.Call(bounded(t), dspool.Request{Program: program(t, "echo"), Session: "s", Affinity: "glue"})
	if f := want(t, err, fault.InvalidArgument); f.Details["path"] != "Affinity" {
		t.Errorf("an unknown mode: %v", f)
	}
}

func busyWorker(t *testing.T, subject Subject) {
	home := inSession(t, bounded(t), subject, "busy", "pid", "").Output
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	before := subject.Status().InFlight
	whole, err := dspool.NewFunc("mock:heed", dspool.Exclusive())
	if err != nil {
		t.Fatal(err)
	}
	held := begin(ctx, subject, dspool.Request{Program: whole, Session: "busy"})
	until(t, "the worker is taken", func() bool { return subject.Status().InFlight == before+1 })

	waits := begin(bounded(t), subject, dspool.Request{Program: program(t, "pid"), Session: "busy"})
	until(t, "the strict call waits", func() bool { return subject.Status().Queue.Length == 1 })
	_, err = subject.Call(bounded(t), dspool.Request{
		Program: program(t, "pid"), Session: "busy", Affinity: dspool.AffinityStrictFailFast,
	})
	if f := want(t, err, fault.QueueFull); f.RetryAfter <= 0 {
		t.Errorf("no time to come back: %v", f)
	}
	if subject.Status().Want > 1 {
		elsewhere, err := subject.Call(bounded(t), dspool.Request{
			Program: program(t, "pid"), Session: "busy", Affinity: dspool.AffinityHint,
		})
		if err != nil || string(elsewhere.Output) == string(home) {
			t.Errorf("a hint was taken as an order: %s, %v", elsewhere.Output, err)
		}
	}
	cancel()
	want(t, get(t, held).err, fault.Canceled)
	if a := get(t, waits); a.err != nil || string(a.resp.Output) != string(home) {
		t.Errorf("the session was with %s and is with %s, %v", home, a.resp.Output, a.err)
	}
}
