package fault

// A Code says what kind of failure an [Error] is. Codes are stable: they
// travel on the wire, in HTTP answers and in metrics labels by these strings.
type Code string

// Codes, grouped by who has to act. Whether a call may be repeated does not
// follow from the code alone but from code and [Started]: see [Retryable].
const (
	// The caller has to change the request.

	// InvalidArgument means the request breaks a rule that can be checked
	// before it runs: a wrong type, a missing or unknown field, a value out
	// of range. The message names the field's path.
	InvalidArgument Code = "invalid_argument"
	// NotFound means that the module, class, function, program or session
	// named in the request does not exist.
	NotFound Code = "not_found"
	// Unsupported means that the request is sound but this Runner, worker or
	// protocol version cannot serve it.
	Unsupported Code = "unsupported"

	// The caller may come back later.

	// QueueFull means that the pool's queue was at its limit on arrival.
	QueueFull Code = "queue_full"
	// QueueTimeout means that the call waited in the queue for as long as the
	// configuration allows and was never handed to a worker.
	QueueTimeout Code = "queue_timeout"
	// ResourceExhausted means that a limit was hit: frame size, memory,
	// descriptors, processes, a quota.
	ResourceExhausted Code = "resource_exhausted"
	// Unavailable means that nothing can serve the call right now: no worker
	// could be started, a circuit is open, the Runner has not started.
	Unavailable Code = "unavailable"
	// ShuttingDown means that the Runner is stopping or has stopped.
	ShuttingDown Code = "shutting_down"

	// The caller's own clock or will ended the call.

	// DeadlineExceeded means that the call's time budget ran out.
	DeadlineExceeded Code = "deadline_exceeded"
	// Canceled means that the caller gave the call up.
	Canceled Code = "canceled"

	// A worker or the connection to it failed.

	// WorkerCrashed means that the worker process ended during the call.
	WorkerCrashed Code = "worker_crashed"
	// WorkerUnresponsive means that the worker did not react within its
	// grace time and was killed.
	WorkerUnresponsive Code = "worker_unresponsive"
	// SessionLost means that the object which the session had in a worker is
	// gone, because that worker died or was retired, and that it is not made
	// anew by itself. The call did not run.
	SessionLost Code = "session_lost"
	// Protocol means that a peer sent bytes that break the wire protocol.
	Protocol Code = "protocol"
	// Internal means a bug in dspool itself.
	Internal Code = "internal"

	// The program ran and failed.

	// ProgramError means that the user's program raised. Type, message and a
	// short traceback of the user's own frames are in the error's details.
	ProgramError Code = "program_error"
	// OutputInvalid means that the program, or the LM behind it, answered with
	// values that break the signature. The message names the field's path.
	OutputInvalid Code = "output_invalid"

	// The language model's provider failed. Names follow DSPy's LMError tree.

	LMAuth           Code = "lm_auth"
	LMBilling        Code = "lm_billing"
	LMRateLimit      Code = "lm_rate_limit"
	LMTimeout        Code = "lm_timeout"
	LMServer         Code = "lm_server"
	LMTransport      Code = "lm_transport"
	LMInvalidRequest Code = "lm_invalid_request"
	LMContextWindow  Code = "lm_context_window"
	LMNotConfigured  Code = "lm_not_configured"
	LMError          Code = "lm_error"
)

// Codes returns every code there is, in the order in which they are declared.
// The slice is the caller's own.
func Codes() []Code {
	return []Code{
		InvalidArgument, NotFound, Unsupported,
		QueueFull, QueueTimeout, ResourceExhausted, Unavailable, ShuttingDown,
		DeadlineExceeded, Canceled,
		WorkerCrashed, WorkerUnresponsive, SessionLost, Protocol, Internal,
		ProgramError, OutputInvalid,
		LMAuth, LMBilling, LMRateLimit, LMTimeout, LMServer, LMTransport,
		LMInvalidRequest, LMContextWindow, LMNotConfigured, LMError,
	}
}

// Started tells whether the user's code had begun to run when a call failed.
type Started string

const (
	// StartedUnknown is the zero value: nobody could tell. Treat as StartedYes
	// where a second run would do harm.
	StartedUnknown Started = ""
	// StartedNo means that not one instruction of the user's code ran: the
	// call can be repeated without any risk.
	StartedNo Started = "no"
	// StartedYes means that the user's code began; how far it came is unknown.
	StartedYes Started = "yes"
)

// transient reports whether a failure may well not come back if the same call
// is made again.
func transient(c Code) bool { return ClassOf(c).Retries > 0 }
