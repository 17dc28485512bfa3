package fault

// Category says which part of the system a code speaks of.
type Category string

// The categories.
const (
	// CategoryRequest: the caller's request or will.
	CategoryRequest Category = "request"
	// CategoryInitialization: nothing is there that could serve.
	CategoryInitialization Category = "initialization"
	// CategoryConnection: a worker process ended.
	CategoryConnection Category = "connection"
	// CategoryCommunication: a peer broke the wire protocol.
	CategoryCommunication Category = "communication"
	// CategoryTimeout: a limit of time was hit.
	CategoryTimeout Category = "timeout"
	// CategoryResource: a limit of another kind was hit.
	CategoryResource Category = "resource"
	// CategoryHealthCheck: a worker does not react.
	CategoryHealthCheck Category = "health_check"
	// CategorySession: state that lived in a worker.
	CategorySession Category = "session"
	// CategoryProgram: the user's program ran and failed.
	CategoryProgram Category = "program"
	// CategoryLM: the provider of the language model.
	CategoryLM Category = "lm"
	// CategorySystem: dspool itself.
	CategorySystem Category = "system"
)

// Severity says how bad a failure is for the service as a whole.
type Severity string

// The severities, from the least.
const (
	SeverityMinor    Severity = "minor"
	SeverityMajor    Severity = "major"
	SeverityCritical Severity = "critical"
)

// Strategy says what to do about a failure.
type Strategy string

// The strategies. Where a repetition is part of one, [Error.Retryable] still
// decides whether this very call may be repeated.
const (
	// StrategyNone: hand the error to the caller.
	StrategyNone Strategy = "none"
	// StrategyImmediate: repeat almost at once.
	StrategyImmediate Strategy = "immediate"
	// StrategyBackoff: repeat after a pause that grows.
	StrategyBackoff Strategy = "backoff"
	// StrategyCircuitBreak: repeat after a pause, and stop asking for a while
	// if it goes on.
	StrategyCircuitBreak Strategy = "circuit_break"
	// StrategyFailover: ask somebody else.
	StrategyFailover Strategy = "failover"
	// StrategyAbandon: give up; neither a repetition nor anybody else helps.
	StrategyAbandon Strategy = "abandon"
)

// Pace says how the pause before a repetition grows.
type Pace string

// The paces.
const (
	PaceNone        Pace = "none"
	PaceLinear      Pace = "linear"
	PaceExponential Pace = "exponential"
)

// Verdict says what a failure tells about the Runner that returned it. A
// circuit breaker counts by it.
type Verdict string

// The verdicts.
const (
	// VerdictNothing: the failure is the caller's, or says nothing.
	VerdictNothing Verdict = "nothing"
	// VerdictSound: the Runner did its work; what failed was the program.
	VerdictSound Verdict = "sound"
	// VerdictFailed: the Runner could not do its work.
	VerdictFailed Verdict = "failed"
	// VerdictDown: the Runner says itself that it serves nobody. It counts as
	// VerdictFailed does, and one is enough to pass the Runner over.
	VerdictDown Verdict = "down"
)

// Cascade says whether another Runner may be asked after a failure, as long as
// the call has not begun or its program is idempotent.
type Cascade string

// The rules of cascading.
const (
	// CascadeNever: another Runner would answer the same, or has no time left.
	CascadeNever Cascade = "never"
	// CascadeAlways: another Runner may well serve the call.
	CascadeAlways Cascade = "always"
	// CascadeOverload: only if a busy Runner's calls may go elsewhere.
	CascadeOverload Cascade = "overload"
	// CascadeProvider: only if the other Runner asks another provider.
	CascadeProvider Cascade = "provider"
)

// A Class is what follows from a code: one line of the error matrix. It is the
// same for every error of the code; [ClassOf] looks it up.
type Class struct {
	Category Category
	Severity Severity
	Strategy Strategy
	// Retries is how often a call may be repeated for this reason, at most. 0
	// means that the failure does not go away by itself.
	Retries int
	// Pace is how the pauses between the repetitions grow.
	Pace Pace
	// Verdict is what a circuit breaker makes of it.
	Verdict Verdict
	// Cascade is what a chain of fallbacks makes of it.
	Cascade Cascade
}

// DetailSession is the detail that names the session which a failure is about,
// if it is about that session alone.
const DetailSession = "session"

// raiseAfter is the attempt after which a failure is worse than it looks.
const raiseAfter = 3

// SeverityAt returns the severity of a failure in context: one step worse than
// the class's own from the fourth attempt on, and when every worker or layer
// is affected.
func (c Class) SeverityAt(attempt int, everybody bool) Severity {
	if attempt <= raiseAfter && !everybody {
		return c.Severity
	}
	if c.Severity == SeverityMinor {
		return SeverityMajor
	}
	return SeverityCritical
}
