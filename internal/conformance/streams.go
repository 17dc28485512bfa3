package conformance

import (
	"fmt"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// streams: in order, with a result at the end, and nobody waits for a slow
// reader but its own program.
func (s *suite) streams(t *testing.T) {
	t.Run("events come in order and the result last", s.inOrder)
	t.Run("a program that yields nothing", s.resultOnly)
	t.Run("a call without a reader of events", s.unread)
	t.Run("a slow reader stalls only itself", s.slowReader)
	t.Run("a stream that fails", s.brokenStream)
}

func streamOf(t testing.TB, n int) dspool.Request {
	t.Helper()
	return dspool.Request{Program: program(t, "stream"), Input: fmt.Appendf(nil, `{"n":%d}`, n)}
}

func (s *suite) inOrder(t *testing.T) {
	t.Parallel()
	const n = 1000
	next, ended := 0, false
	for ev, err := range s.shared.Stream(bounded(t), streamOf(t, n)) {
		switch {
		case err != nil:
			t.Fatal(err)
		case ended:
			t.Fatalf("an event after the result: %+v", ev)
		case ev.Kind == dspool.EventResult:
			ended = true
			if ev.Response == nil || ev.Response.Worker == "" {
				t.Errorf("the result carries %+v", ev.Response)
			}
		case ev.Kind != dspool.EventItem || string(ev.Data) != fmt.Sprint(next):
			t.Fatalf("event %d is %s %s", next, ev.Kind, ev.Data)
		default:
			next++
		}
	}
	if next != n || !ended {
		t.Errorf("%d events, result %v; want %d and a result", next, ended, n)
	}
}

func (s *suite) resultOnly(t *testing.T) {
	t.Parallel()
	var kinds []dspool.EventKind
	for ev, err := range s.shared.Stream(bounded(t), dspool.Request{Program: program(t, "upper"), Input: []byte(`{"text":"a"}`)}) {
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, ev.Kind)
		if string(ev.Data) != `"A"` {
			t.Errorf("data %s", ev.Data)
		}
	}
	if len(kinds) != 1 || kinds[0] != dspool.EventResult {
		t.Errorf("events %v, want one result", kinds)
	}
}

func (s *suite) unread(t *testing.T) {
	t.Parallel()
	if out := call(t, s.shared, "stream", `{"n":500}`).Output; len(out) == 0 {
		t.Error("no output")
	}
}

func (s *suite) slowReader(t *testing.T) {
	t.Parallel()
	got := 0
	for ev, err := range s.shared.Stream(bounded(t), streamOf(t, 2000)) {
		if err != nil {
			t.Fatal(err)
		}
		if got == 3 { // the reader is busy; everybody else is served
			for i := range 200 {
				input := fmt.Sprintf(`{"text":%d}`, i)
				if out := call(t, s.shared, "echo", input).Output; string(out) != fmt.Sprint(i) {
					t.Fatalf("echo %d gave %s", i, out)
				}
			}
		}
		if ev.Kind == dspool.EventItem {
			got++
		}
	}
	if got != 2000 {
		t.Errorf("%d events, want 2000", got)
	}
}

func (s *suite) brokenStream(t *testing.T) {
	t.Parallel()
	req := dspool.Request{Program: program(t, "fail"), Input: []byte(`{"code":"program_error","message":"no"}`)}
	errs := 0
	for _, err := range s.shared.Stream(bounded(t), req) {
		want(t, err, fault.ProgramError)
		errs++
	}
	if errs != 1 {
		t.Errorf("%d errors, want one", errs)
	}
}
