package adapter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/dspool/dspool/fault"
)

// An Error is a failure as an adapter's caller sees it: what kind it is in the
// words of the contract, whether to try again and when, and what else to do.
// The failure itself is its cause. It is read-only.
type Error struct {
	Type    ErrorType
	Message string
	// Context tells what was being done: program_id, adapter_type and so on.
	Context map[string]string
	// Recoverable means that a repetition may succeed and runs nothing twice.
	Recoverable bool
	// RetryAfter is how long to wait before it. 0: no delay.
	RetryAfter time.Duration
	Layer      Layer
	Class      ErrorClass
	Strategy   Strategy
	Cause      error

	// Adapter, Operation and At say where and when, where that is known.
	Adapter, Operation string
	At                 time.Time
}

// Error returns "type: message [layer]".
func (e *Error) Error() string { return fmt.Sprintf("%s: %s [%s]", e.Type, e.Message, e.Layer) }

// Unwrap returns the failure itself.
func (e *Error) Unwrap() error { return e.Cause }

// WithOperation returns a copy that says which adapter did what, and when.
func (e *Error) WithOperation(adapter, operation string) *Error {
	c := *e
	c.Adapter, c.Operation, c.At = adapter, operation, time.Now()
	return &c
}

// Wrap turns a failure into an *Error for a layer. An *Error in err's tree keeps
// its type and gains the context. Wrap(nil, ...) is nil.
func Wrap(err error, layer Layer, about map[string]string) *Error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		c := *known
		c.Context = maps.Clone(known.Context)
		if c.Context == nil && about != nil {
			c.Context = map[string]string{}
		}
		maps.Copy(c.Context, about)
		return &c
	}
	kind := typeOf(err)
	rule := kind.rule()
	e := &Error{
		Type: kind, Message: rule.message, Context: maps.Clone(about), Layer: layer, Cause: err,
		Class: rule.class, Strategy: rule.class.Strategy(),
		Recoverable: rule.recovers(layer) && !began(err),
	}
	if e.Message == "" {
		e.Message = text(err)
	}
	if e.Recoverable {
		e.RetryAfter = max(rule.delay(layer), fault.From(err).RetryAfter)
	}
	return e
}

// began reports whether the user's code had begun when the call failed: then a
// repetition would run it twice.
func began(err error) bool { return fault.From(err).Started == fault.StartedYes }

// text is what an error says, without its code where it has one.
func text(err error) string {
	var f *fault.Error
	if errors.As(err, &f) && f.Message != "" {
		return f.Message
	}
	return err.Error()
}

// Guard runs f and turns a panic into an *Error of the type unexpected_error.
func Guard(layer Layer, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &Error{
				Type: UnexpectedError, Message: fmt.Sprint(r), Layer: layer, Class: ClassUnknown,
				Strategy: ClassUnknown.Strategy(), Cause: fault.Newf(fault.Internal, "panic: %v", r),
			}
		}
	}()
	return f()
}

// typeOf finds the type of a failure.
func typeOf(err error) ErrorType {
	var f *fault.Error
	if !errors.As(err, &f) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, context.Canceled) {
		return Unknown
	}
	switch fault.CodeOf(err) {
	case fault.DeadlineExceeded, fault.QueueTimeout, fault.LMTimeout:
		return Timeout
	case fault.Unavailable, fault.ShuttingDown:
		return ConnectionFailed
	case fault.InvalidArgument, fault.OutputInvalid:
		return ValidationFailed
	case fault.NotFound:
		return ProgramNotFound
	case fault.LMNotConfigured, fault.LMAuth, fault.LMBilling, fault.Unsupported:
		return ConfigurationError
	case fault.QueueFull, fault.ResourceExhausted:
		return ResourceError
	case fault.WorkerCrashed, fault.WorkerUnresponsive, fault.Protocol, fault.SessionLost, fault.ProgramError,
		fault.LMRateLimit, fault.LMServer, fault.LMTransport, fault.LMInvalidRequest, fault.LMContextWindow, fault.LMError:
		return BridgeError
	case fault.Canceled, fault.Internal:
	}
	return Unexpected
}
