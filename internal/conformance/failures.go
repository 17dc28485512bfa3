package conformance

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// failures: they travel as errors, with a code, and say whether user code ran.
func (s *suite) failures(t *testing.T) {
	t.Run("a program that fails", s.programFails)     // CHK-22
	t.Run("a call that cannot be made", s.badRequest) // CHK-22, CHK-27
	t.Run("a caller who left before", s.leftBefore)
	t.Run("neighbours of a failing call", s.neighbours) // CHK-03
}

func (s *suite) programFails(t *testing.T) {
	t.Parallel()
	_, err := s.shared.Call(bounded(t), dspool.Request{
		Program: program(t, "fail"), Input: []byte(`{"code":"program_error","message":"it broke"}`),
	})
	f := want(t, err, fault.ProgramError)
	wantStarted(t, f, fault.StartedYes)
	if !strings.Contains(f.Error(), "it broke") || !f.Remote || f.Worker == "" {
		t.Errorf("error %v, remote %v, worker %q", f, f.Remote, f.Worker)
	}
	if s.Python && !strings.Contains(f.Details["type"], "Broken") {
		t.Errorf("details %v do not name the class", f.Details)
	}
	if fault.Retryable(err) {
		t.Error("a program's own failure is retryable")
	}
}

func (s *suite) badRequest(t *testing.T) {
	t.Parallel()
	unsound := &dspool.Spec{Kind: "magic"}
	tests := map[string]struct {
		req  dspool.Request
		code fault.Code
	}{
		"no program":         {dspool.Request{}, fault.InvalidArgument},
		"an unsound program": {dspool.Request{Program: unsound}, fault.InvalidArgument},
		"an unknown function": {
			dspool.Request{Program: program(t, "no_such_function"), Input: []byte(`{}`)}, fault.NotFound,
		},
		"an unknown language model": {
			dspool.Request{Program: program(t, "echo"), LM: "nowhere", Input: []byte(`{}`)}, fault.InvalidArgument,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := s.shared.Call(bounded(t), tt.req)
			wantStarted(t, want(t, err, tt.code), fault.StartedNo)
		})
	}
}

func (s *suite) leftBefore(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := s.shared.Call(ctx, dspool.Request{Program: program(t, "echo")})
	wantStarted(t, want(t, err, fault.Canceled), fault.StartedNo)

	ctx, cancel = context.WithDeadline(t.Context(), time.Unix(1, 0))
	defer cancel()
	_, err = s.shared.Call(ctx, dspool.Request{Program: program(t, "echo")})
	wantStarted(t, want(t, err, fault.DeadlineExceeded), fault.StartedNo)
}

func (s *suite) neighbours(t *testing.T) {
	t.Parallel()
	var calls []<-chan answer
	for i := range 60 {
		req := dspool.Request{Program: program(t, "echo"), Input: fmt.Appendf(nil, `{"text":%d}`, i)}
		if i%2 == 1 {
			req = dspool.Request{Program: program(t, "fail"), Input: []byte(`{"code":"program_error","message":"odd"}`)}
		}
		calls = append(calls, begin(bounded(t), s.shared, req))
	}
	for i, done := range calls {
		a := get(t, done)
		switch {
		case i%2 == 1:
			want(t, a.err, fault.ProgramError)
		case a.err != nil || string(a.resp.Output) != fmt.Sprint(i):
			t.Errorf("call %d: %s, %v", i, a.resp.Output, a.err)
		}
	}
}
