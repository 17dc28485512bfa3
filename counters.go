package dspool

import (
	"sync/atomic"

	"github.com/dspool/dspool/fault"
)

// counters are what a pool has done since it was made.
type counters struct {
	calls, redispatched, retried, abandoned, crashes, restarts atomic.Int64
	// failures by the position of their code in codes.
	failures []atomic.Int64
	codes    []fault.Code
}

func newCounters() *counters {
	codes := fault.Codes()
	return &counters{codes: codes, failures: make([]atomic.Int64, len(codes))}
}

// failed counts a failed call and returns its error.
func (c *counters) failed(err error) error {
	code := fault.CodeOf(err)
	for i, known := range c.codes {
		if known == code {
			c.failures[i].Add(1)
			break
		}
	}
	return err
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
