package adapter

import (
	"slices"
	"time"
)

// An ErrorType is a kind of failure in the words of the contract.
type ErrorType string

// The types of failures.
const (
	Timeout            ErrorType = "timeout"
	ConnectionFailed   ErrorType = "connection_failed"
	ValidationFailed   ErrorType = "validation_failed"
	ProgramNotFound    ErrorType = "program_not_found"
	BridgeError        ErrorType = "bridge_error"
	ConfigurationError ErrorType = "configuration_error"
	ResourceError      ErrorType = "resource_error"
	// Unknown is an error that is plain text.
	Unknown ErrorType = "unknown"
	// Unexpected is any other failure, UnexpectedError a panic.
	Unexpected      ErrorType = "unexpected"
	UnexpectedError ErrorType = "unexpected_error"
	// AllFailed is what remains when no adapter of several served.
	AllFailed ErrorType = "all_adapters_failed"
)

// An ErrorClass groups types by what is to be done.
type ErrorClass string

// The classes.
const (
	ClassConfiguration ErrorClass = "configuration"
	ClassConnection    ErrorClass = "connection"
	ClassTimeout       ErrorClass = "timeout"
	ClassValidation    ErrorClass = "validation"
	ClassExecution     ErrorClass = "execution"
	ClassResource      ErrorClass = "resource"
	ClassUnknown       ErrorClass = "unknown"
)

// A Strategy says what to do about a failure.
type Strategy string

// The strategies.
const (
	ImmediateFailure Strategy = "immediate_failure"
	RetryWithBackoff Strategy = "retry_with_backoff"
	RetryAtOnce      Strategy = "retry"
	LogAndContinue   Strategy = "log_and_continue"
	Failover         Strategy = "failover"
)

// Strategy is what to do about failures of the class.
func (c ErrorClass) Strategy() Strategy {
	switch c {
	case ClassConfiguration, ClassValidation:
		return ImmediateFailure
	case ClassConnection:
		return RetryWithBackoff
	case ClassTimeout:
		return RetryAtOnce
	case ClassResource:
		return Failover
	case ClassExecution, ClassUnknown:
	}
	return LogAndContinue
}

// An errorRule is a row of the table of errors. Delays are those of the layers
// 1, 2 and 3; recovery in a layer that is not listed is none.
type errorRule struct {
	class   ErrorClass
	message string // "": the failure's own
	layers  []Layer
	delays  [3]time.Duration
}

// rule is the table of errors.
func (t ErrorType) rule() errorRule {
	const ms = time.Millisecond
	slow := [3]time.Duration{100 * ms, 1000 * ms, 10_000 * ms}
	switch t {
	case Timeout:
		return errorRule{
			ClassTimeout, "Operation timed out",
			[]Layer{Layer1, Layer2, Layer3, Production},
			[3]time.Duration{100 * ms, 500 * ms, 5000 * ms},
		}
	case ConnectionFailed:
		return errorRule{ClassConnection, "Failed to connect to adapter backend", []Layer{Layer2, Layer3, Production}, slow}
	case BridgeError:
		return errorRule{ClassExecution, "", []Layer{Layer3, Production}, slow}
	case ResourceError:
		return errorRule{ClassResource, "", []Layer{Layer2, Layer3, Production}, slow}
	case ValidationFailed, ProgramNotFound:
		return errorRule{class: ClassValidation}
	case ConfigurationError:
		return errorRule{class: ClassConfiguration}
	case Unknown, Unexpected, UnexpectedError, AllFailed:
	}
	return errorRule{class: ClassUnknown}
}

func (r errorRule) recovers(layer Layer) bool { return slices.Contains(r.layers, layer) }

// delay is how long to wait in a layer before the next try.
func (r errorRule) delay(layer Layer) time.Duration {
	switch layer {
	case Layer1:
		return r.delays[0]
	case Layer2:
		return r.delays[1]
	case Layer3, Production:
	}
	return r.delays[2]
}
