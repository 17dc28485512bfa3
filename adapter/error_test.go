package adapter_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/fault"
)

// CHK-71, CHK-72, CHK-73
func TestTheTableOfErrors(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	none := [3]time.Duration{-1, -1, -1} // never recoverable
	for name, tt := range map[string]struct {
		err      error
		kind     adapter.ErrorType
		says     string
		delays   [3]time.Duration
		class    adapter.ErrorClass
		strategy adapter.Strategy
	}{
		"a deadline":              {fault.New(fault.DeadlineExceeded, "x"), adapter.Timeout, "Operation timed out", [3]time.Duration{100 * ms, 500 * ms, 5000 * ms}, adapter.ClassTimeout, adapter.RetryAtOnce},
		"a context's deadline":    {context.DeadlineExceeded, adapter.Timeout, "Operation timed out", [3]time.Duration{100 * ms, 500 * ms, 5000 * ms}, adapter.ClassTimeout, adapter.RetryAtOnce},
		"a queue":                 {fault.New(fault.QueueTimeout, "x"), adapter.Timeout, "Operation timed out", [3]time.Duration{100 * ms, 500 * ms, 5000 * ms}, adapter.ClassTimeout, adapter.RetryAtOnce},
		"nothing there":           {fault.New(fault.Unavailable, "x"), adapter.ConnectionFailed, "Failed to connect to adapter backend", [3]time.Duration{-1, 1000 * ms, 10_000 * ms}, adapter.ClassConnection, adapter.RetryWithBackoff},
		"bad input":               {fault.New(fault.InvalidArgument, "input.x: no"), adapter.ValidationFailed, "input.x: no", none, adapter.ClassValidation, adapter.ImmediateFailure},
		"no such program":         {fault.New(fault.NotFound, "no p"), adapter.ProgramNotFound, "no p", none, adapter.ClassValidation, adapter.ImmediateFailure},
		"a crash before":          {fault.New(fault.WorkerCrashed, "gone").WithStarted(fault.StartedNo), adapter.BridgeError, "gone", [3]time.Duration{-1, -1, 10_000 * ms}, adapter.ClassExecution, adapter.LogAndContinue},
		"a crash after the start": {fault.New(fault.WorkerCrashed, "gone").WithStarted(fault.StartedYes), adapter.BridgeError, "gone", none, adapter.ClassExecution, adapter.LogAndContinue},
		"a program's own error":   {fault.New(fault.ProgramError, "boom").WithStarted(fault.StartedYes), adapter.BridgeError, "boom", none, adapter.ClassExecution, adapter.LogAndContinue},
		"no model":                {fault.New(fault.LMNotConfigured, "No LM"), adapter.ConfigurationError, "No LM", none, adapter.ClassConfiguration, adapter.ImmediateFailure},
		"a full queue":            {fault.New(fault.QueueFull, "full"), adapter.ResourceError, "full", [3]time.Duration{-1, 1000 * ms, 10_000 * ms}, adapter.ClassResource, adapter.Failover},
		"plain text":              {errors.New("hm"), adapter.Unknown, "hm", none, adapter.ClassUnknown, adapter.LogAndContinue},
		"a bug":                   {fault.New(fault.Internal, "hm"), adapter.Unexpected, "hm", none, adapter.ClassUnknown, adapter.LogAndContinue},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for i, layer := range []adapter.Layer{adapter.Layer1, adapter.Layer2, adapter.Layer3} {
				e := adapter.Wrap(tt.err, layer, map[string]string{"program_id": "p"})
				if e.Type != tt.kind || e.Message != tt.says || e.Class != tt.class || e.Strategy != tt.strategy || e.Context["program_id"] != "p" {
					t.Errorf("%s: %+v", layer, e)
				}
				if want := tt.delays[i]; e.Recoverable != (want >= 0) || e.RetryAfter != max(want, 0) {
					t.Errorf("%s: recoverable %v after %s, want %s", layer, e.Recoverable, e.RetryAfter, want)
				}
				if want := string(tt.kind) + ": " + tt.says + " [" + string(layer) + "]"; e.Error() != want {
					t.Errorf("%q, want %q", e.Error(), want)
				}
				if !errors.Is(e, tt.err) {
					t.Error("the cause is lost")
				}
			}
		})
	}
}

// CHK-73
func TestErrorsAreEnriched(t *testing.T) {
	t.Parallel()
	if adapter.Wrap(nil, adapter.Layer1, nil) != nil {
		t.Error("no error became one")
	}
	first := adapter.Wrap(fault.New(fault.NotFound, "no p"), adapter.Layer3, nil)
	again := adapter.Wrap(errors.Join(first), adapter.Layer1, map[string]string{"k": "v"}).WithOperation("mock", "execute")
	if again.Type != adapter.ProgramNotFound || again.Layer != adapter.Layer3 || again.Context["k"] != "v" || first.Context["k"] != "" {
		t.Errorf("%+v from %+v", again, first)
	}
	if again.Adapter != "mock" || again.Operation != "execute" || again.At.IsZero() {
		t.Errorf("%+v", again)
	}
	late := fault.New(fault.Unavailable, "later")
	late.RetryAfter = time.Minute
	if e := adapter.Wrap(late, adapter.Layer3, nil); e.RetryAfter != time.Minute {
		t.Errorf("RetryAfter %s: the failure asked for a minute", e.RetryAfter)
	}
	err := adapter.Guard(adapter.Layer1, func() error { panic("at the disco") })
	var e *adapter.Error
	if !errors.As(err, &e) || e.Type != adapter.UnexpectedError || e.Message != "at the disco" {
		t.Errorf("a panic became %v", err)
	}
}
