package fault_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/dspool/dspool/fault"
)

func TestErrorSaysCodeMessageCauseAndWorker(t *testing.T) {
	t.Parallel()
	err := fault.Wrap(fault.WorkerCrashed, io.EOF, "the worker ended").WithWorker("w-3")
	const want = "worker_crashed: the worker ended: EOF (worker w-3)"
	if got := err.Error(); got != want {
		t.Errorf("Error() = %q, want %q", got, want)
	}
	if !errors.Is(err, io.EOF) {
		t.Error("the cause is not reachable through errors.Is")
	}
}

func TestIsMatchesContextErrorsAndCodes(t *testing.T) {
	t.Parallel()
	deadline := fmt.Errorf("call: %w", fault.New(fault.DeadlineExceeded, "budget of 1s spent"))
	tests := []struct {
		name   string
		err    error
		target error
		want   bool
	}{
		{"deadline is context.DeadlineExceeded", deadline, context.DeadlineExceeded, true},
		{"deadline is not context.Canceled", deadline, context.Canceled, false},
		{"canceled is context.Canceled", fault.New(fault.Canceled, "x"), context.Canceled, true},
		{"same code without message matches", deadline, &fault.Error{Code: fault.DeadlineExceeded}, true},
		{"other code does not match", deadline, &fault.Error{Code: fault.Internal}, false},
		{"a target with a message is another error", deadline, fault.New(fault.DeadlineExceeded, "else"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := errors.Is(tt.err, tt.target); got != tt.want {
				t.Errorf("errors.Is = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestCodeOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		err  error
		want fault.Code
	}{
		{"nil", nil, ""},
		{"own error", fault.New(fault.QueueFull, "x"), fault.QueueFull},
		{"wrapped", fmt.Errorf("a: %w", fault.New(fault.LMAuth, "x")), fault.LMAuth},
		{"context deadline", context.DeadlineExceeded, fault.DeadlineExceeded},
		{"context canceled", fmt.Errorf("a: %w", context.Canceled), fault.Canceled},
		{"foreign", io.EOF, fault.Internal},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := fault.CodeOf(tt.err); got != tt.want {
				t.Errorf("CodeOf = %q, want %q", got, tt.want)
			}
		})
	}
}

// A call may be repeated without asking its owner only when not one
// instruction of it ran, or when the failure came before any worker was asked.
func TestRetryableFollowsFromCodeAndStarted(t *testing.T) {
	t.Parallel()
	retryable := map[fault.Code][3]bool{ // by Started: unknown, no, yes
		fault.QueueFull:          {true, true, false},
		fault.QueueTimeout:       {true, true, false},
		fault.Unavailable:        {true, true, false},
		fault.ResourceExhausted:  {false, true, false},
		fault.WorkerCrashed:      {false, true, false},
		fault.WorkerUnresponsive: {false, true, false},
		fault.Protocol:           {false, true, false},
		fault.LMRateLimit:        {false, true, false},
		fault.LMTimeout:          {false, true, false},
		fault.LMServer:           {false, true, false},
		fault.LMTransport:        {false, true, false},
	}
	for _, code := range fault.Codes() {
		for i, started := range []fault.Started{fault.StartedUnknown, fault.StartedNo, fault.StartedYes} {
			err := fmt.Errorf("call: %w", fault.New(code, "x").WithStarted(started))
			if got, want := fault.Retryable(err), retryable[code][i]; got != want {
				t.Errorf("Retryable(%s, started %q) = %v, want %v", code, started, got, want)
			}
		}
	}
	if fault.Retryable(io.EOF) {
		t.Error("a foreign error was called retryable")
	}
}

func TestTransientIgnoresStarted(t *testing.T) {
	t.Parallel()
	if !fault.New(fault.WorkerCrashed, "x").WithStarted(fault.StartedYes).Transient() {
		t.Error("a crash is transient for an idempotent program")
	}
	if fault.New(fault.InvalidArgument, "x").Transient() {
		t.Error("a bad argument does not go away by itself")
	}
}

func TestCodesAreUniqueAndStable(t *testing.T) {
	t.Parallel()
	seen := map[fault.Code]bool{}
	for _, code := range fault.Codes() {
		if code == "" || seen[code] {
			t.Errorf("code %q is empty or declared twice", code)
		}
		seen[code] = true
	}
	if len(seen) != 27 {
		t.Errorf("%d codes, want 27: add the new one to Codes, the docs and this count", len(seen))
	}
}

func TestWithLeavesTheOriginalAlone(t *testing.T) {
	t.Parallel()
	original := fault.New(fault.Internal, "x")
	_ = original.WithWorker("w-1").WithStarted(fault.StartedYes)
	if original.Worker != "" || original.Started != fault.StartedUnknown {
		t.Errorf("original changed: %+v", original)
	}
}

func TestFrom(t *testing.T) {
	t.Parallel()
	if fault.From(nil) != nil {
		t.Error("From(nil) is not nil")
	}
	own := fault.New(fault.NotFound, "x")
	if fault.From(fmt.Errorf("a: %w", own)) != own {
		t.Error("From does not find the error inside")
	}
	if got := fault.From(io.EOF); got.Code != fault.Internal || !errors.Is(got, io.EOF) {
		t.Errorf("From(EOF) = %v", got)
	}
}
