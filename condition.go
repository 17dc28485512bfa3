package dspool

import "time"

// ConditionCode names something about a pool that an operator should know.
type ConditionCode string

// The conditions. New ones may be added.
const (
	// StartFailed: the pool cannot start and does not try again.
	StartFailed ConditionCode = "start_failed"
	// CrashLoop: workers die faster than they should, or cannot be started.
	CrashLoop ConditionCode = "crash_loop"
	// NoWorkers: no worker takes calls; they wait.
	NoWorkers ConditionCode = "no_workers"
	// WorkerDegraded: a worker has failed a check and takes no calls.
	WorkerDegraded ConditionCode = "worker_degraded"
	// LoopLagHigh: a worker's event loop is late: user code holds it up.
	LoopLagHigh ConditionCode = "loop_lag_high"
	// MemoryHigh: a worker uses more memory than Recycle.Memory, or almost
	// Recycle.MemoryMax.
	MemoryHigh ConditionCode = "memory_high"
	// QueueSaturated: nine tenths of the queue's places are taken.
	QueueSaturated ConditionCode = "queue_saturated"
	// SpawnFallback: the fork server cannot be used; workers start slowly and
	// share no memory.
	SpawnFallback ConditionCode = "spawn_fallback"
	// SandboxUnavailable: workers are not kept apart from the host as the
	// configuration asks for.
	SandboxUnavailable ConditionCode = "sandbox_unavailable"
	// SourceRestarted: the fork server ended and was started again a short
	// time ago.
	SourceRestarted ConditionCode = "source_restarted"
	// RecycleFailed: a worker has reached a limit, or is not ready, and cannot
	// be replaced.
	RecycleFailed ConditionCode = "recycle_failed"
	// StoreTrouble: the store of sessions takes no changes.
	StoreTrouble ConditionCode = "store_trouble"
)

// Severity says how bad a condition is.
type Severity string

// The severities, from harmless to bad.
const (
	// SeverityInfo: nothing needs to be done.
	SeverityInfo Severity = "info"
	// SeverityWarning: calls are served, but not as they should be.
	SeverityWarning Severity = "warning"
	// SeverityCritical: calls fail or wait.
	SeverityCritical Severity = "critical"
)

// Severity is how bad the condition is. The order of the table is that in
// which conditions are listed.
func (c ConditionCode) Severity() Severity {
	for _, row := range conditions() {
		if row.code == c {
			return row.severity
		}
	}
	return SeverityWarning
}

type conditionRow struct {
	code     ConditionCode
	severity Severity
}

// conditions is the whole table, the worst first.
func conditions() []conditionRow {
	return []conditionRow{
		{StartFailed, SeverityCritical},
		{CrashLoop, SeverityCritical},
		{NoWorkers, SeverityCritical},
		{QueueSaturated, SeverityWarning},
		{WorkerDegraded, SeverityWarning},
		{MemoryHigh, SeverityWarning},
		{LoopLagHigh, SeverityWarning},
		{RecycleFailed, SeverityWarning},
		{StoreTrouble, SeverityWarning},
		{SpawnFallback, SeverityWarning},
		{SandboxUnavailable, SeverityWarning},
		{SourceRestarted, SeverityInfo},
	}
}

// ConditionCodes returns every code there is, the worst first. The slice is
// the caller's own.
func ConditionCodes() []ConditionCode {
	table := conditions()
	codes := make([]ConditionCode, len(table))
	for i, row := range table {
		codes[i] = row.code
	}
	return codes
}

// A Condition is something that holds for a pool now, or for one of its
// workers.
type Condition struct {
	Code     ConditionCode `json:"code"`
	Severity Severity      `json:"severity"`
	// Worker is the worker that it is about, "" for the whole pool.
	Worker string `json:"worker,omitempty"`
	// Text says what is the matter, for people.
	Text string `json:"text"`
	// Since is when it began.
	Since time.Time `json:"since"`
}
