package mux

import "github.com/dspool/dspool/fault"

// Started tells a caller who leaves whether the call's user code has begun. It
// is yes or unknown, never no: what has not begun yet may begin before the
// worker hears of the cancellation.
func (p *Pending) Started() fault.Started {
	select {
	case <-p.done:
		if p.outcome.Err == nil {
			return fault.StartedYes
		}
		return p.outcome.Err.Started
	default:
	}
	c := p.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.find(p.id) == p && c.startedOf(p.id) == fault.StartedYes {
		return fault.StartedYes
	}
	return fault.StartedUnknown
}
