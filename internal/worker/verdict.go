package worker

import (
	"errors"

	"github.com/dspool/dspool/fault"
)

// A Verdict says what a failed hand-out or call means for its worker.
type Verdict uint8

const (
	// Keep: the worker did its part; it stays.
	Keep Verdict = iota
	// Remove: the worker cannot be trusted any more and is replaced.
	Remove
	// Skip: the worker is sound but takes no calls now; try another.
	Skip
)

// String returns the verdict's name in lower case.
func (v Verdict) String() string {
	switch v {
	case Keep:
		return "keep"
	case Remove:
		return "remove"
	case Skip:
		return "skip"
	default:
		return "invalid"
	}
}

// VerdictOf judges a worker by the error of one of its calls. Whatever a
// worker answers, except that it shuts down, proves that it works; a failure
// found on this side is judged by its code.
func VerdictOf(err error) Verdict {
	if err == nil {
		return Keep
	}
	var e *fault.Error
	if errors.As(err, &e) && e.Remote && e.Code != fault.ShuttingDown {
		return Keep
	}
	return verdicts(fault.CodeOf(err))
}

// verdicts is the whole table for failures found on this side.
func verdicts(c fault.Code) Verdict {
	switch c {
	case fault.WorkerCrashed, fault.WorkerUnresponsive, fault.Protocol, fault.Internal:
		return Remove
	case fault.ShuttingDown, fault.Unavailable:
		return Skip
	case fault.InvalidArgument, fault.NotFound, fault.Unsupported,
		fault.QueueFull, fault.QueueTimeout, fault.ResourceExhausted,
		fault.DeadlineExceeded, fault.Canceled, fault.SessionLost,
		fault.ProgramError, fault.OutputInvalid,
		fault.LMAuth, fault.LMBilling, fault.LMRateLimit, fault.LMTimeout,
		fault.LMServer, fault.LMTransport, fault.LMInvalidRequest,
		fault.LMContextWindow, fault.LMNotConfigured, fault.LMError:
		return Keep
	default:
		return Remove
	}
}
