package dspool

import (
	"time"

	"github.com/dspool/dspool/fault"
)

// PoolEventKind says what happened in a pool.
type PoolEventKind string

// What can happen. New kinds may be added; a reader ignores what it does not
// know.
const (
	// WorkerStarting: a worker was ordered.
	WorkerStarting PoolEventKind = "worker_starting"
	// WorkerFailed: a worker that was ordered did not become ready. Err says
	// why, with the last lines that it wrote.
	WorkerFailed PoolEventKind = "worker_failed"
	// WorkerReady: a worker takes calls. Took is how long it needed.
	WorkerReady PoolEventKind = "worker_ready"
	// WorkerChanged: a worker moved from one state to another. Took is how long
	// it was in the first.
	WorkerChanged PoolEventKind = "worker_changed"
	// WorkerCrashed: a worker's process ended and nobody had asked for it.
	// Err says how, with the last lines that it wrote.
	WorkerCrashed PoolEventKind = "worker_crashed"
	// WorkerRetired: a worker was taken out of service and is gone.
	WorkerRetired PoolEventKind = "worker_retired"
	// WorkerReplaced: the pool is at full strength again after a loss. Took
	// is the time since the loss, Worker the newcomer.
	WorkerReplaced PoolEventKind = "worker_replaced"
	// WorkerRecycled: a worker that had reached a limit, or was not ready, was
	// replaced and is gone; its calls have finished. Restart says why, Reason
	// with numbers, Took is its age.
	WorkerRecycled PoolEventKind = "worker_recycled"
	// ConditionRaised: a condition holds from now on, see Condition.
	ConditionRaised PoolEventKind = "condition_raised"
	// ConditionCleared: it does not any more.
	ConditionCleared PoolEventKind = "condition_cleared"
	// CallQueued: a call was accepted and asks for a place on a worker, which it
	// may get at once. Every accepted call has one CallQueued and one
	// CallFinished.
	CallQueued PoolEventKind = "call_queued"
	// CallStarted: a call was handed to a worker. Queue is how long it waited
	// for that, Attempts how often it has been handed out by now.
	CallStarted PoolEventKind = "call_started"
	// CallFinished: a call has ended for its caller. Took is the time since it
	// was accepted; Queue and Run are parts of it if it was answered. Code is
	// "" for an answer, and Err then nil.
	CallFinished PoolEventKind = "call_finished"
	// CallRedispatched: a call that had not begun when its worker was lost
	// goes to another one.
	CallRedispatched PoolEventKind = "call_redispatched"
	// CallRetried: a call of an idempotent program is run again.
	CallRetried PoolEventKind = "call_retried"
	// CallAbandoned: a caller left while the worker was still at work; the
	// work is being cancelled.
	CallAbandoned PoolEventKind = "call_abandoned"
	// LMSwitched: a language model, Layer, failed with Code in a call of Program,
	// and the one it falls back to, Next, was asked.
	LMSwitched PoolEventKind = "lm_switched"
	// SessionBound: the session with the key Session is served by Worker from
	// now on. Reason says whether it is new or its worker had left.
	SessionBound PoolEventKind = "session_bound"
	// SessionReleased: Session is bound to Worker no more; or, with an empty
	// Session, none of the Count sessions of a Worker that left is. Calls that
	// find or miss their worker are counted in Status.Affinity.
	SessionReleased PoolEventKind = "session_released"
	// ObjectsLost: Count objects were lost with Worker, and there is no snapshot
	// of them. Reason says why the worker left.
	ObjectsLost PoolEventKind = "objects_lost"
	// ObjectRestoration: a call made the object of Session again, from its
	// snapshot, in Worker. Reason is its class.
	ObjectRestoration PoolEventKind = "object_restored"
	// SessionStarted: the session Session was used for the first time.
	SessionStarted PoolEventKind = "session_started"
	// SessionEnded: somebody ended the session Session. Took is how long it
	// existed.
	SessionEnded PoolEventKind = "session_ended"
	// SessionExpired: the session Session was idle for too long or has become
	// too old; Reason says which. Took is how long it existed.
	SessionExpired PoolEventKind = "session_expired"
	// SessionStoreFailed: the session store took none of the changes of Count
	// sessions, which are tried again; or, with a Session, what it has of that
	// one cannot be used. Err says why.
	SessionStoreFailed PoolEventKind = "session_store_failed"
	// CrashLoopOpened: workers die faster than they should. Err says why, and
	// its RetryAfter when the next try is.
	CrashLoopOpened PoolEventKind = "crash_loop_opened"
	// CrashLoopClosed: workers start again.
	CrashLoopClosed PoolEventKind = "crash_loop_closed"
	// SwapStarted: a new generation of workers is being brought up. Generation
	// is its number.
	SwapStarted PoolEventKind = "swap_started"
	// SwapFinished: Generation serves; the workers before it finish their calls
	// and leave. Took is how long it needed.
	SwapFinished PoolEventKind = "swap_finished"
	// SwapFailed: Generation was given up, and the one before serves on. Err says
	// why.
	SwapFailed PoolEventKind = "swap_failed"
	// GenerationEnded: the last worker of Generation, which another one took
	// over from, is gone, and so is its fork server.
	GenerationEnded PoolEventKind = "generation_ended"
	// WorkerWarmed: a worker has run the requests of Config.Prewarm. Took is how
	// long they needed, Err why they failed.
	WorkerWarmed PoolEventKind = "worker_warmed"
	// PoolWarmed: all Config.Workers workers take calls for the first time. Took is
	// the time since Start; see [Pool.WaitWarm].
	PoolWarmed PoolEventKind = "pool_warmed"
	// PoolResized: there are to be more or fewer workers, Workers of them,
	// because of the load. Reason says what was seen.
	PoolResized PoolEventKind = "pool_resized"
	// EnvironmentProgress: a step of building the Python environment.
	EnvironmentProgress PoolEventKind = "environment_progress"
	// PoolReady: the first worker takes calls. Took is the time since Start.
	PoolReady PoolEventKind = "pool_ready"
	// PoolFailed: the pool cannot start. Err says why.
	PoolFailed PoolEventKind = "pool_failed"
	// PoolStopped: the pool has stopped; the last event there is.
	PoolStopped PoolEventKind = "pool_stopped"
	// OutputCaptured: a line that a worker wrote to its standard output or
	// error; Reason is the line, Stream which of the two.
	OutputCaptured PoolEventKind = "output_captured"
)

// What can happen in a [Retry], [Breaker] or [Fallback]; Name is what it, or the
// circuit, is called.
const (
	// CallRepeated: a Retry makes a call again. Attempts is the number of the
	// attempt that comes, Took the pause before it, Err why the last one failed.
	CallRepeated PoolEventKind = "call_repeated"
	// CallRecovered: a call that a Retry repeated went well. Attempts is the
	// number of the attempt that did, Took the time since the first one began.
	CallRecovered PoolEventKind = "call_recovered"
	// CallGivenUp: a Retry, or a pool, does not repeat a call that it might
	// have repeated. Reason says why, Err is the last failure.
	CallGivenUp PoolEventKind = "call_given_up"
	// CircuitOpened: calls are refused for the time Took. Err is the failure
	// behind it, nil if somebody did it by hand.
	CircuitOpened PoolEventKind = "circuit_opened"
	// CircuitHalfOpened: a few calls are let through to see how it goes.
	CircuitHalfOpened PoolEventKind = "circuit_half_opened"
	// CircuitClosed: calls are let through again.
	CircuitClosed PoolEventKind = "circuit_closed"
	// CircuitSuccess and CircuitFailure: a call counted for, or against, the
	// Runner behind a circuit.
	CircuitSuccess PoolEventKind = "circuit_success"
	CircuitFailure PoolEventKind = "circuit_failure"
	// FallbackEngaged: calls pass over the layer Layer for the time Took and go
	// to the layer Next, "" if there is none. Err says why. It comes again when
	// a call that tried the layer fails.
	FallbackEngaged PoolEventKind = "fallback_engaged"
	// FallbackRestored: calls go to the layer Layer again.
	FallbackRestored PoolEventKind = "fallback_restored"
	// CallCascaded: one call failed in the layer Layer and goes on to the
	// layer Next. Err says why.
	CallCascaded PoolEventKind = "call_cascaded"
)

// A PoolEvent is one thing that happened in a pool. Fields that a kind does
// not mention may be empty.
type PoolEvent struct {
	Kind PoolEventKind
	At   time.Time
	// Worker is the worker's id and PID its process.
	Worker string
	PID    int
	// Generation is the generation of workers that it is about.
	Generation int
	// Workers is how many there are to be.
	Workers int
	// From and To are the states of a worker that moved.
	From, To WorkerState
	// Reason says why, in words.
	Reason string
	// Stream is "stdout" or "stderr" for OutputCaptured.
	Stream string
	// Tenant is whose call or session it is about, "" for none.
	Tenant string
	// Session is a session key, Count how many sessions the event is about.
	Session string
	Count   int
	// Took is a duration that the kind describes.
	Took time.Duration
	// Call numbers the calls of a pool, so that the events of one can be told
	// from those of others; Program names what it runs.
	Call    int64
	Program string
	// Attempts, Queue and Run tell of a call what [Response] tells.
	Attempts   int
	Queue, Run time.Duration
	// Code is how a call failed, "" if it did not.
	Code fault.Code
	// Restart says why a worker that has ended had to be replaced, "" if it
	// need not be.
	Restart RestartReason
	// Condition is what was raised or cleared, nil for other kinds. It is
	// shared: do not change it.
	Condition *Condition
	// Err is the failure behind the event.
	Err *fault.Error
	// Name is what the Retry, circuit or Fallback is called that the event is
	// about, Layer and Next are layers of the Fallback.
	Name, Layer, Next string
	// Severity is how bad Err is at this point, "" if there is no Err or the
	// kind does not say.
	Severity fault.Severity
	// Dropped is how many events this reader lost just before this one,
	// because it read too slowly.
	Dropped int
}

// WorkerState is what a worker is doing.
type WorkerState string

// The states of a worker. Calls go to ready and busy ones only.
const (
	WorkerStateInitializing WorkerState = "initializing"
	WorkerStateReady        WorkerState = "ready"
	WorkerStateBusy         WorkerState = "busy"
	WorkerStateDegraded     WorkerState = "degraded"
	WorkerStateError        WorkerState = "error"
	WorkerStateDraining     WorkerState = "draining"
	WorkerStateTerminating  WorkerState = "terminating"
	WorkerStateTerminated   WorkerState = "terminated"
)

// Output is a line that user code wrote to its standard output or error.
type Output struct {
	// Worker is the id of the worker that wrote it.
	Worker string
	// Stream is "stdout" or "stderr".
	Stream string
	// Line is the text without its line break.
	Line string
	// Dropped is how many lines were lost just before this one, because they
	// came faster than they were read.
	Dropped int
}
