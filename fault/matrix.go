package fault

// ClassOf returns the class of a code. A code that this version does not know,
// such as one of a newer worker, is classed as [Internal] is.
//
// This is the error matrix: all that repeats, breaks circuits or falls back
// decides by it and by [Started], nothing by a list of its own.
// docs/ERRORS.md is the same table with the reasons.
func ClassOf(code Code) Class { //nolint:cyclop,funlen // a table
	switch code {
	case InvalidArgument, NotFound, Canceled:
		return Class{CategoryRequest, SeverityMinor, StrategyNone, 0, PaceNone, VerdictNothing, CascadeNever}
	case Unsupported:
		return Class{CategoryRequest, SeverityMinor, StrategyFailover, 0, PaceNone, VerdictNothing, CascadeAlways}
	case QueueFull:
		return Class{CategoryResource, SeverityMajor, StrategyBackoff, 3, PaceExponential, VerdictNothing, CascadeOverload}
	case QueueTimeout:
		return Class{CategoryTimeout, SeverityMajor, StrategyBackoff, 2, PaceExponential, VerdictFailed, CascadeOverload}
	case ResourceExhausted:
		return Class{CategoryResource, SeverityCritical, StrategyBackoff, 1, PaceExponential, VerdictNothing, CascadeNever}
	case Unavailable:
		return Class{CategoryInitialization, SeverityCritical, StrategyCircuitBreak, 3, PaceExponential, VerdictDown, CascadeAlways}
	case ShuttingDown:
		return Class{CategorySystem, SeverityMajor, StrategyFailover, 0, PaceNone, VerdictDown, CascadeAlways}
	case DeadlineExceeded:
		return Class{CategoryTimeout, SeverityMajor, StrategyNone, 0, PaceNone, VerdictFailed, CascadeNever}
	case WorkerCrashed:
		return Class{CategoryConnection, SeverityMajor, StrategyBackoff, 5, PaceExponential, VerdictFailed, CascadeAlways}
	case WorkerUnresponsive:
		return Class{CategoryHealthCheck, SeverityMinor, StrategyBackoff, 3, PaceLinear, VerdictFailed, CascadeAlways}
	case SessionLost:
		return Class{CategorySession, SeverityMajor, StrategyNone, 0, PaceNone, VerdictNothing, CascadeNever}
	case Protocol:
		return Class{CategoryCommunication, SeverityMajor, StrategyImmediate, 3, PaceLinear, VerdictFailed, CascadeAlways}
	case ProgramError, OutputInvalid:
		return Class{CategoryProgram, SeverityMajor, StrategyNone, 0, PaceNone, VerdictSound, CascadeNever}
	case LMRateLimit:
		return Class{CategoryLM, SeverityMinor, StrategyBackoff, 3, PaceExponential, VerdictNothing, CascadeProvider}
	case LMTimeout:
		return Class{CategoryLM, SeverityMajor, StrategyBackoff, 2, PaceExponential, VerdictFailed, CascadeProvider}
	case LMServer, LMTransport:
		return Class{CategoryLM, SeverityMajor, StrategyCircuitBreak, 3, PaceExponential, VerdictFailed, CascadeProvider}
	case LMError:
		return Class{CategoryLM, SeverityMajor, StrategyNone, 0, PaceNone, VerdictFailed, CascadeProvider}
	case LMAuth, LMBilling, LMNotConfigured:
		return Class{CategoryLM, SeverityCritical, StrategyAbandon, 0, PaceNone, VerdictNothing, CascadeProvider}
	case LMInvalidRequest, LMContextWindow:
		return Class{CategoryLM, SeverityMinor, StrategyNone, 0, PaceNone, VerdictSound, CascadeNever}
	case Internal:
	}
	return Class{CategorySystem, SeverityCritical, StrategyAbandon, 0, PaceNone, VerdictFailed, CascadeNever}
}
