package dspool

import (
	"context"
	"sync"
	"time"

	"github.com/dspool/dspool/internal/health"
	"github.com/dspool/dspool/internal/worker"
)

// HealthStatus is the health of a worker, or of a pool, in one word.
type HealthStatus string

// The states of health.
const (
	// HealthStatusUnknown: not checked yet.
	HealthStatusUnknown HealthStatus = "unknown"
	// HealthStatusHealthy: everything is as it should be.
	HealthStatusHealthy HealthStatus = "healthy"
	// HealthStatusDegraded: calls are served, but not by all workers, or a condition that
	// is a warning holds. Of a worker: its last check failed.
	HealthStatusDegraded HealthStatus = "degraded"
	// HealthStatusUnhealthy: calls are not served.
	HealthStatusUnhealthy HealthStatus = "unhealthy"
)

// A HealthReport is what [Pool.Health] found.
type HealthReport struct {
	Status HealthStatus `json:"status"`
	// Healthy of Total workers answered. Total is how many there should be:
	// one that is being replaced is missing.
	Healthy int `json:"healthy_workers"`
	Total   int `json:"total_workers"`
	// Workers are the results of those that exist, by age.
	Workers []WorkerHealth `json:"workers"`
	// Conditions are those that hold, the worst first.
	Conditions []Condition `json:"conditions"`
	// At is when the check began, Took how long it was.
	At   time.Time     `json:"at"`
	Took time.Duration `json:"took"`
}

// WorkerHealth is the result of checking one worker.
type WorkerHealth struct {
	ID     string       `json:"id"`
	PID    int          `json:"pid"`
	State  WorkerState  `json:"state"`
	Status HealthStatus `json:"status"`
	// Took is how long the answers took, Lag how late the worker's event loop
	// was, RSS its resident memory in bytes.
	Took time.Duration `json:"took"`
	Lag  time.Duration `json:"lag"`
	RSS  int64         `json:"rss"`
	// Error says why the check failed, "" if it passed.
	Error string `json:"error,omitempty"`
}

// HealthChecks counts checks of workers, those of [Pool.Health] among them.
type HealthChecks struct {
	// Total were made, Failures of them failed, InARow of them since the last
	// one that passed.
	Total    int64 `json:"total"`
	Failures int64 `json:"failures"`
	InARow   int   `json:"in_a_row"`
	// SuccessRate is in percent, 100 if there were no checks.
	SuccessRate float64 `json:"success_rate"`
	// Average is the time that the last hundred checks took that passed.
	Average time.Duration `json:"average"`
	// LastAt is when the last check ended, LastError how the last failure
	// was, "" if there was none.
	LastAt    time.Time `json:"last_at"`
	LastError string    `json:"last_error,omitempty"`
}

func checksOf(t health.Tally) HealthChecks {
	return HealthChecks{
		Total: t.Checks, Failures: t.Failures, InARow: t.Row, SuccessRate: t.SuccessRate(),
		Average: t.Average, LastAt: t.LastAt, LastError: t.LastError,
	}
}

// Health checks every worker now, all at the same time, and reports. Each is
// really pinged and called; the report comes after Config.Health.Timeout at
// the latest, or when ctx ends. What the checks find has the same consequences
// as with those that the pool makes by itself. It works in every phase, and
// starts nothing.
func (p *Pool) Health(ctx context.Context) HealthReport {
	r := HealthReport{At: time.Now()}
	members := p.roster.all()
	r.Workers = make([]WorkerHealth, len(members))
	var checks sync.WaitGroup
	for i, m := range members {
		checks.Go(func() { r.Workers[i] = m.checkup(ctx) })
	}
	checks.Wait()
	st := p.status()
	r.Total, r.Conditions = st.Want, st.Conditions
	for _, w := range r.Workers {
		if w.Status == HealthStatusHealthy {
			r.Healthy++
		}
	}
	r.Total = max(r.Total, r.Healthy) // a replacement is up before its predecessor leaves
	r.Status = r.judge(p.resting(st.Phase))
	r.Took = time.Since(r.At)
	return r
}

// resting reports whether the pool has no workers because nobody has asked for
// one.
func (p *Pool) resting(phase PoolPhase) bool {
	return phase == PoolStarting && p.cfg.Lazy && !p.crew.needed()
}

// judge sums the report up.
func (r *HealthReport) judge(resting bool) HealthStatus {
	switch {
	case resting:
		return HealthStatusHealthy
	case r.Healthy == 0:
		return HealthStatusUnhealthy
	case r.Healthy < r.Total:
		return HealthStatusDegraded
	}
	for _, c := range r.Conditions {
		if c.Severity != SeverityInfo {
			return HealthStatusDegraded
		}
	}
	return HealthStatusHealthy
}

// checkup checks one worker.
func (m *member) checkup(ctx context.Context) WorkerHealth {
	h := WorkerHealth{ID: m.ID(), PID: m.PID(), Status: HealthStatusUnhealthy}
	if watch := m.watch.Load(); watch != nil {
		r := watch.Check(ctx)
		h.Took, h.Lag, h.RSS = r.Took, r.Pulse.Lag, r.Pulse.RSS
		if r.Err != nil {
			h.Error = r.Err.Error()
		} else if m.State().Takes() {
			h.Status = HealthStatusHealthy
		}
	}
	if m.State() == worker.Degraded {
		h.Status = HealthStatusDegraded
	}
	h.State = WorkerState(m.State().String())
	return h
}

// Health checks the process now, as [Pool.Health] does.
func (s *Single) Health(ctx context.Context) HealthReport { return s.pool.Health(ctx) }
