package dspool

import (
	"time"

	"github.com/dspool/dspool/internal/health"
)

// RecycleJitterDefault is the default of Recycle.Jitter.
const RecycleJitterDefault = 0.1

// Recycle says when a worker has done enough and a fresh one takes its place:
// for Python code that leaks, or grows old badly. The fresh one is up before the
// old one stops taking calls, and the old one finishes those that it has: no
// call is lost or killed, and the pool keeps its size. All limits are off unless
// they are set.
type Recycle struct {
	// Calls is after how many calls. It is no exact number: those that are in
	// flight, and those that come until the fresh worker is up, are still
	// served.
	Calls int
	// Age is after which time, Idle after which time without a call since the
	// last one; a worker that has served none is not idle.
	Age, Idle time.Duration
	// Memory is from how many bytes of resident memory on, as ps shows it. Of
	// forked workers that includes what they share with the fork server, about
	// 100 MB with DSPy.
	Memory int64
	// MemoryMax is from how many bytes on a worker is killed on the spot, to
	// save the machine. This one does not spare calls: they get
	// worker_crashed, with the reason.
	MemoryMax int64
	// Errors is after how many failed calls in a row. Only failures count that
	// may come from the worker's own state: program_error, output_invalid,
	// internal, protocol, resource_exhausted.
	Errors int
	// Jitter makes Calls, Age and Idle lower for each worker by a random part,
	// at most this share, so that workers that began together are not all
	// replaced together. Defaults to 0.1, -1 is none.
	Jitter float64
}

func (r Recycle) withDefaults() Recycle {
	r.Jitter = or(r.Jitter, RecycleJitterDefault)
	return r
}

func (r Recycle) check(k *checker, h Health) {
	k.must(r.Calls >= 0, "Recycle.Calls", "must not be negative, got %d", r.Calls)
	k.must(r.Age >= 0, "Recycle.Age", "must not be negative, got %s", r.Age)
	k.must(r.Idle >= 0, "Recycle.Idle", "must not be negative, got %s", r.Idle)
	k.must(r.Memory >= 0, "Recycle.Memory", "must not be negative, got %d", r.Memory)
	k.must(r.MemoryMax >= 0, "Recycle.MemoryMax", "must not be negative, got %d", r.MemoryMax)
	k.must(r.MemoryMax == 0 || r.MemoryMax > r.Memory, "Recycle.MemoryMax", "must be more than Memory (%d bytes), got %d", r.Memory, r.MemoryMax)
	k.must(r.Errors >= 0, "Recycle.Errors", "must not be negative, got %d", r.Errors)
	k.must(r.Jitter == -1 || r.Jitter > 0 && r.Jitter < 1, "Recycle.Jitter", "must be -1 (none) or between 0 and 1, got %g", r.Jitter)
	k.must(r.Memory == 0 && r.MemoryMax == 0 || h.Interval != -1, "Recycle.Memory", "needs checks, which tell the memory: Health.Interval must not be -1")
}

// limits are those of one worker; random is in [0, 1).
func (r Recycle) limits(random float64) health.Limits {
	all := health.Limits{Calls: int64(r.Calls), Errors: int64(r.Errors), Age: r.Age, Idle: r.Idle, Memory: r.Memory}
	return all.Spread(max(r.Jitter, 0), random)
}
