package dspool

import (
	"slices"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/worker"
)

// verdictCount is how many verdicts there are.
const verdictCount = int(worker.Skip) + 1

// counters are what a pool has done since it was made. They are exact, whether
// or not somebody listens to events.
type counters struct {
	calls, redispatched, retried, abandoned atomic.Int64
	// crashes are workers that ended unasked, hung ones among them; retired
	// ones were asked to; stillborn ones never became ready. sources counts
	// starts of what workers are made by.
	crashes, hung, retired, stillborn, restarts, sources atomic.Int64
	reasons                                              reasons // of restarts
	// failures by the position of their code in codes.
	failures []atomic.Int64
	codes    []fault.Code
	// verdicts on workers, from the failures of calls that they had.
	verdicts [verdictCount]atomic.Int64

	queue, run, total, spawn histogram
}

func newCounters() *counters {
	codes := fault.Codes()
	return &counters{codes: codes, failures: make([]atomic.Int64, len(codes))}
}

// failed counts a failed call and returns its error.
func (c *counters) failed(err error) error {
	if i := slices.Index(c.codes, fault.CodeOf(err)); i >= 0 {
		c.failures[i].Add(1)
	}
	return err
}

// ended counts the end of an accepted call.
func (c *counters) ended(t *task, took time.Duration, err error) {
	c.total.observe(took)
	if t.answered {
		c.queue.observe(t.queue)
		c.run.observe(t.run)
	}
	if err != nil {
		_ = c.failed(err)
	}
}

// judged counts what a failure means for its worker.
func (c *counters) judged(err *fault.Error) { c.verdicts[worker.VerdictOf(err)].Add(1) }

// gone counts a worker that has ended.
func (c *counters) gone(code fault.Code) {
	if code == fault.ShuttingDown {
		c.retired.Add(1)
		return
	}
	c.crashes.Add(1)
	if code == fault.WorkerUnresponsive {
		c.hung.Add(1)
	}
}

// again counts a call that goes to another worker.
func (c *counters) again(kind PoolEventKind) {
	if kind == CallRetried {
		c.retried.Add(1)
	} else {
		c.redispatched.Add(1)
	}
}

// errors returns the failures by code, those that occurred.
func (c *counters) errors() (byCode map[fault.Code]int64) {
	byCode = map[fault.Code]int64{}
	for i, code := range c.codes {
		if n := c.failures[i].Load(); n > 0 {
			byCode[code] = n
		}
	}
	return byCode
}
