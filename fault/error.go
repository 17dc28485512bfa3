package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Error is the one error type of dspool. Every failure that a Runner returns
// is an *Error or wraps one; [CodeOf] finds it. Fields are read-only once the
// error has been returned, so an Error may be shared between goroutines.
//
// No field ever holds a secret: keys and authorization headers are removed
// where the error is made.
type Error struct {
	// Code says what kind of failure this is. Never empty.
	Code Code
	// Message says what happened, where, and what to do about it.
	Message string
	// Cause is the error underneath, or nil.
	Cause error
	// Worker is the id of the worker involved, or "".
	Worker string
	// RetryAfter is how long the caller should wait before it tries again.
	// Zero means that nothing is known.
	RetryAfter time.Duration
	// Started tells whether the user's code had begun to run.
	Started Started
	// Remote is true when the failure was reported by the worker, false when
	// this process made it.
	Remote bool
	// Details holds what the code promises beyond the message: for a
	// ProgramError "type" and "traceback", for a crash "exit", "signal" and
	// "stderr". Nil when there is nothing to add.
	Details map[string]string
}

// New returns an Error with the given code and message.
func New(code Code, message string) *Error {
	return &Error{Code: code, Message: message}
}

// Newf is [New] with a format string.
func Newf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Wrap returns an Error with the given code, message and cause.
func Wrap(code Code, cause error, message string) *Error {
	return &Error{Code: code, Message: message, Cause: cause}
}

// Error returns "code: message", followed by the cause and the worker's id
// where there are any.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(string(e.Code))
	if e.Message != "" {
		b.WriteString(": ")
		b.WriteString(e.Message)
	}
	if e.Cause != nil {
		b.WriteString(": ")
		b.WriteString(e.Cause.Error())
	}
	if e.Worker != "" {
		b.WriteString(" (worker ")
		b.WriteString(e.Worker)
		b.WriteString(")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Cause }

// Is lets errors.Is compare with the context package's sentinels, so that code
// that knows nothing of dspool still recognises a deadline and a cancellation,
// and with another *Error of the same code and no message.
func (e *Error) Is(target error) bool {
	switch target {
	case context.DeadlineExceeded:
		return e.Code == DeadlineExceeded
	case context.Canceled:
		return e.Code == Canceled
	}
	var t *Error
	return errors.As(target, &t) && t.Message == "" && t.Code == e.Code
}

// Retryable reports whether the same call may be made again without running
// user code twice, and with a chance of success. It is false for a started
// call even when the failure itself was a passing one: whether such a call may
// be repeated is for its owner to say, see [Error.Repeatable].
func (e *Error) Retryable() bool {
	switch e.Code {
	case QueueFull, QueueTimeout, Unavailable:
		return e.Started != StartedYes
	default:
		return transient(e.Code) && e.Started == StartedNo
	}
}

// Transient reports whether the failure may well not come back if the call is
// made again, whatever it did the first time. For idempotent programs this is
// the whole question.
func (e *Error) Transient() bool { return transient(e.Code) }

// Class returns what follows from the error's code. A failure of one session,
// which names it in the detail [DetailSession], says nothing about the Runner
// and concerns no other one.
func (e *Error) Class() Class {
	c := ClassOf(e.Code)
	if e.Details[DetailSession] != "" {
		c.Verdict, c.Cascade = VerdictNothing, CascadeNever
	}
	return c
}

// Repeatable reports whether a call that ended with e may be made again when
// its program is idempotent, or is not.
func (e *Error) Repeatable(idempotent bool) bool {
	return e.Retryable() || idempotent && e.Transient()
}

// WithWorker returns a copy of e that names a worker.
func (e *Error) WithWorker(id string) *Error {
	c := *e
	c.Worker = id
	return &c
}

// WithStarted returns a copy of e that tells whether user code had begun.
func (e *Error) WithStarted(s Started) *Error {
	c := *e
	c.Started = s
	return &c
}

// CodeOf returns the code of the first *Error in err's tree. Context errors
// map to their codes, any other error is Internal, nil is "".
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	switch {
	case errors.As(err, &e):
		return e.Code
	case errors.Is(err, context.DeadlineExceeded):
		return DeadlineExceeded
	case errors.Is(err, context.Canceled):
		return Canceled
	default:
		return Internal
	}
}

// From returns the first *Error in err's tree, or makes one with the code that
// [CodeOf] finds. From(nil) is nil.
func From(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Code: CodeOf(err), Message: err.Error(), Cause: err}
}

// Retryable reports whether err is an *Error for which [Error.Retryable] holds.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Retryable()
}
