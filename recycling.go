package dspool

import (
	"fmt"
	"time"

	"github.com/dspool/dspool/internal/health"
	"github.com/dspool/dspool/internal/worker"
)

// inspect replaces a worker that has reached a limit.
func (w *ward) inspect(m *member, now time.Time) {
	use := m.use(now)
	if cause := m.limits.Reached(use); cause != health.None {
		w.replace(m, RestartReason(cause), limitText(cause, use))
	}
	w.replaced(m)
}

// limitText says what a worker has reached.
func limitText(cause health.Cause, use health.Use) string {
	switch cause {
	case health.ByCalls:
		return fmt.Sprintf("it has served %d calls", use.Calls)
	case health.ByErrors:
		return fmt.Sprintf("%d calls in a row failed on it", use.Errors)
	case health.ByAge:
		return fmt.Sprintf("it is %s old", use.Age.Round(time.Millisecond))
	case health.ByIdle:
		return fmt.Sprintf("it has had nothing to do for %s", use.Idle.Round(time.Millisecond))
	case health.ByMemory:
		return fmt.Sprintf("it uses %s of memory", mebibytes(use.Memory))
	case health.None:
	}
	return string(cause)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

// replace has a worker exchanged for a fresh one, once at a time.
func (w *ward) replace(m *member, cause RestartReason, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told != nil || m.State().Final() {
		return
	}
	m.ends(cause)
	m.told = w.pool.crew.replace(m.Worker, text)
}

// replaced looks what became of the order to replace a worker. One that failed
// is given again at the next look.
func (w *ward) replaced(m *member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case err := <-m.told: // nil: never
		m.told = nil
		if err == nil {
			w.pool.board.clear(RecycleFailed, m.ID())
			return
		}
		m.ends("")
		w.pool.board.raise(RecycleFailed, m.ID(), "it could not be replaced: "+err.Error())
	default:
	}
}

// discharge takes note of a worker's end and tells why it had to be replaced,
// "" if it had not.
func (w *ward) discharge(m *member, exit worker.Exit) RestartReason {
	why := m.endedBy(exit)
	if why == "" {
		return ""
	}
	w.pool.counts.reasons.add(why)
	if exit.Expected() {
		w.pool.publish(PoolEvent{
			Kind: WorkerRecycled, Worker: m.ID(), PID: m.PID(), Reason: exit.Reason, Restart: why,
			Took: time.Since(m.Started()),
		})
	}
	return why
}
