package dspool

import (
	"log/slog"
	"strings"
)

// DottedName is the event's name as telemetry systems like it:
// pool.worker.terminate, pool.operation.stop. Several kinds may share one. A
// kind that is not in the table is called "pool." and its own name.
func (e PoolEvent) DottedName() string {
	if e.Kind == CallFinished && e.Code != "" {
		return "pool.operation.exception"
	}
	if known := eventName(e.Kind); known.name != "" {
		return known.name
	}
	return "pool." + strings.ReplaceAll(string(e.Kind), "_", ".")
}

// Level is how much an operator has to know of the event.
func (e PoolEvent) Level() slog.Level { return eventName(e.Kind).level }

// A namedEvent is an entry of the table; the zero value is none.
type namedEvent struct {
	name  string
	level slog.Level
}

// eventName looks a kind up. A new kind is entered below.
func eventName(kind PoolEventKind) namedEvent {
	for _, table := range [](func(PoolEventKind) namedEvent){poolEventName, workerEventName, callEventName, runnerEventName} {
		if known := table(kind); known.name != "" {
			return known
		}
	}
	return namedEvent{}
}

// poolEventName has the kinds of events about the pool as a whole.
func poolEventName(kind PoolEventKind) namedEvent {
	switch kind {
	case EnvironmentProgress:
		return namedEvent{"pool.warmup", slog.LevelDebug}
	case PoolWarmed:
		return namedEvent{"pool.warmup.stop", slog.LevelInfo}
	case PoolReady:
		return namedEvent{"pool.init", slog.LevelInfo}
	case PoolStopped:
		return namedEvent{"pool.terminate", slog.LevelInfo}
	case PoolFailed, CrashLoopOpened:
		return namedEvent{"pool.error", slog.LevelError}
	case CrashLoopClosed, WorkerReplaced:
		return namedEvent{"pool.recovery", slog.LevelInfo}
	case PoolResized:
		return namedEvent{"pool.resize", slog.LevelInfo}
	case SwapStarted:
		return namedEvent{"pool.swap.start", slog.LevelInfo}
	case SwapFinished:
		return namedEvent{"pool.swap.stop", slog.LevelInfo}
	case SwapFailed:
		return namedEvent{"pool.swap.error", slog.LevelWarn}
	case GenerationEnded:
		return namedEvent{"pool.swap.drained", slog.LevelInfo}
	default:
		return namedEvent{}
	}
}

// workerEventName has the kinds of events about workers and what is wrong with
// them.
func workerEventName(kind PoolEventKind) namedEvent {
	switch kind {
	case WorkerStarting:
		return namedEvent{"pool.worker.init", slog.LevelDebug}
	case WorkerWarmed:
		return namedEvent{"pool.worker.warmup", slog.LevelDebug}
	case WorkerReady:
		return namedEvent{"pool.worker.ready", slog.LevelInfo}
	case WorkerFailed:
		return namedEvent{"pool.worker.error", slog.LevelWarn}
	case WorkerChanged:
		return namedEvent{"pool.worker.transition", slog.LevelDebug}
	case WorkerCrashed:
		return namedEvent{"pool.worker.terminate", slog.LevelWarn}
	case WorkerRetired:
		return namedEvent{"pool.worker.terminate", slog.LevelInfo}
	case WorkerRecycled:
		return namedEvent{"pool.worker.recycle", slog.LevelInfo}
	case ConditionRaised:
		return namedEvent{"pool.worker.health_check", slog.LevelWarn}
	case ConditionCleared:
		return namedEvent{"pool.worker.health_check", slog.LevelInfo}
	case OutputCaptured:
		return namedEvent{"pool.worker.output", slog.LevelDebug}
	default:
		return namedEvent{}
	}
}

// callEventName has the kinds of events about calls and sessions.
func callEventName(kind PoolEventKind) namedEvent {
	switch kind {
	case CallQueued:
		return namedEvent{"pool.operation.start", slog.LevelDebug}
	case CallStarted:
		return namedEvent{"pool.worker.checkout", slog.LevelDebug}
	case CallFinished:
		return namedEvent{"pool.operation.stop", slog.LevelDebug}
	case CallRedispatched:
		return namedEvent{"pool.operation.redispatch", slog.LevelInfo}
	case CallRetried:
		return namedEvent{"pool.operation.retry", slog.LevelInfo}
	case LMSwitched:
		return namedEvent{"pool.lm.failover", slog.LevelWarn}
	case CallAbandoned:
		return namedEvent{"pool.operation.abandon", slog.LevelDebug}
	case SessionBound, SessionReleased:
		return namedEvent{"pool.session.affinity", slog.LevelDebug}
	case ObjectsLost:
		return namedEvent{"pool.session.lost", slog.LevelWarn}
	case ObjectRestoration:
		return namedEvent{"pool.session.restore", slog.LevelInfo}
	case SessionStarted:
		return namedEvent{"pool.session.start", slog.LevelDebug}
	case SessionEnded:
		return namedEvent{"pool.session.stop", slog.LevelDebug}
	case SessionExpired:
		return namedEvent{"pool.session.expire", slog.LevelDebug}
	case SessionStoreFailed:
		return namedEvent{"pool.session.error", slog.LevelWarn}
	default:
		return namedEvent{}
	}
}

// runnerEventName has the kinds of events about what wraps a Runner.
func runnerEventName(kind PoolEventKind) namedEvent {
	switch kind {
	case CallRepeated:
		return namedEvent{"retry.attempt", slog.LevelInfo}
	case CallRecovered:
		return namedEvent{"retry.success", slog.LevelInfo}
	case CallGivenUp:
		return namedEvent{"retry.failure", slog.LevelWarn}
	case CircuitOpened:
		return namedEvent{"circuit_breaker.open", slog.LevelWarn}
	case CircuitHalfOpened:
		return namedEvent{"circuit_breaker.half_open", slog.LevelInfo}
	case CircuitClosed:
		return namedEvent{"circuit_breaker.close", slog.LevelInfo}
	case CircuitSuccess:
		return namedEvent{"circuit_breaker.success", slog.LevelDebug}
	case CircuitFailure:
		return namedEvent{"circuit_breaker.failure", slog.LevelDebug}
	case FallbackEngaged:
		return namedEvent{"fallback.engage", slog.LevelWarn}
	case FallbackRestored:
		return namedEvent{"fallback.restore", slog.LevelInfo}
	case CallCascaded:
		return namedEvent{"fallback.cascade", slog.LevelInfo}
	default:
		return namedEvent{}
	}
}
