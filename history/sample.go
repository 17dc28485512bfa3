package history

import (
	"time"

	"github.com/dspool/dspool"
)

// A Sample tells how a pool was doing over one step of time.
type Sample struct {
	// At is the end of the step, Step its length.
	At   time.Time     `json:"at"`
	Step time.Duration `json:"step"`
	// PoolSize is how many workers there were, of which Active ones had calls
	// and Idle ones could take some and had none. QueueDepth is how many calls
	// waited. In a step longer than a second these are averages.
	PoolSize      float64 `json:"pool_size"`
	ActiveWorkers float64 `json:"active_workers"`
	IdleWorkers   float64 `json:"idle_workers"`
	QueueDepth    float64 `json:"queue_depth"`
	// Utilization is calls in flight divided by the capacity, 0 to 1.
	Utilization float64 `json:"utilization"`
	// Throughput is calls that ended per second, ErrorRate the part of them that
	// failed, 0 to 1, refused calls included.
	Throughput float64 `json:"throughput"`
	ErrorRate  float64 `json:"error_rate"`
	// AvgLatency and P99Latency are from acceptance to the end of the calls that
	// ended; P99Wait is how long answered ones waited for their code to begin.
	AvgLatency time.Duration `json:"avg_latency"`
	P99Latency time.Duration `json:"p99_latency"`
	P99Wait    time.Duration `json:"p99_wait"`
	// HealthScore is between 0 and 1; the package comment has the formula.
	HealthScore float64 `json:"health_score"`
}

// A span is what happened between two readings, and can be added to others.
type span struct {
	at                         time.Time
	length                     time.Duration
	size, active, idle, queued float64 // each times seconds, as is
	used, serving              float64
	succeeded, failed          int64
	total, wait                dspool.Distribution
}

// between compares two readings of the same pool.
func between(before, now *dspool.Stats, at time.Time, length time.Duration) span {
	s := span{
		at: at, length: length, succeeded: now.Totals.Succeeded - before.Totals.Succeeded,
		failed: failures(now) - failures(before),
		total:  now.Total.Since(before.Total), wait: now.QueueWait.Since(before.QueueWait),
	}
	weight := length.Seconds()
	for _, w := range now.Workers {
		switch {
		case w.InFlight > 0:
			s.active += weight
		case w.State == dspool.WorkerStateReady:
			s.idle += weight
		}
	}
	s.size = float64(len(now.Workers)) * weight
	s.queued = float64(now.Queue.Length) * weight
	s.used = now.Utilisation * weight
	s.serving = float64(now.Serving) * weight
	return s
}

func failures(st *dspool.Stats) (n int64) {
	for _, count := range st.Totals.Errors {
		n += count
	}
	return n
}

// plus joins two spans that follow each other.
func (s span) plus(next span) span {
	return span{
		at: next.at, length: s.length + next.length,
		size: s.size + next.size, active: s.active + next.active, idle: s.idle + next.idle,
		queued: s.queued + next.queued, used: s.used + next.used, serving: s.serving + next.serving,
		succeeded: s.succeeded + next.succeeded, failed: s.failed + next.failed,
		total: s.total.Plus(next.total), wait: s.wait.Plus(next.wait),
	}
}

// sample sums a span up.
func (s span) sample(waitTarget time.Duration) Sample {
	seconds := s.length.Seconds()
	if seconds <= 0 {
		return Sample{At: s.at}
	}
	out := Sample{
		At: s.at, Step: s.length, PoolSize: s.size / seconds, ActiveWorkers: s.active / seconds,
		IdleWorkers: s.idle / seconds, QueueDepth: s.queued / seconds, Utilization: s.used / seconds,
		Throughput: float64(s.succeeded+s.failed) / seconds,
		AvgLatency: s.total.Mean(), P99Latency: s.total.Quantile(0.99), P99Wait: s.wait.Quantile(0.99),
	}
	if ended := s.succeeded + s.failed; ended > 0 {
		out.ErrorRate = float64(s.failed) / float64(ended)
	}
	if s.serving > 0 {
		out.HealthScore = score(out.Utilization, out.ErrorRate, out.P99Wait, waitTarget)
	}
	return out
}
