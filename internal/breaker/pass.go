package breaker

import "time"

// A Pass lets one call through. Exactly one of its methods is called when the
// call has ended; a pass that is never settled holds the place of a probe for
// as long as the circuit would stay open.
type Pass struct {
	circuit *Circuit
	period  uint64
	probe   bool
}

// Probe reports whether the call decides about a half-open circuit.
func (p Pass) Probe() bool { return p.probe }

// Success says that it went well.
func (p Pass) Success() {
	c := p.circuit
	c.successes.Add(1)
	if !p.probe && c.cfg.Window <= 0 {
		if c.streak.Load() != 0 && c.period.Load() == p.period {
			c.streak.Store(0)
		}
		return
	}
	c.settle(p, true, nil)
}

// Failure says that it failed, and how.
func (p Pass) Failure(cause error) {
	p.circuit.failures.Add(1)
	p.circuit.settle(p, false, cause)
}

// Down says that it failed in a way that leaves no doubt: the circuit opens at
// once, if it is not open.
func (p Pass) Down(cause error) {
	c := p.circuit
	c.failures.Add(1)
	c.mu.Lock()
	c.cause = cause
	if c.period.Load() == p.period && c.State() != Open {
		c.move(Open, Change{At: time.Now(), Cause: cause})
	}
	c.mu.Unlock()
	c.news.deliver()
}

// Ignore says that the call tells nothing: it was cancelled, or wrong.
func (p Pass) Ignore() {
	if !p.probe {
		return
	}
	c := p.circuit
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.period.Load() == p.period {
		c.probes.running--
	}
}

// Success counts a success that came without a pass.
func (c *Circuit) Success() { c.loose().Success() }

// Failure counts a failure that came without a pass.
func (c *Circuit) Failure(cause error) { c.loose().Failure(cause) }

// loose is a pass for what happened elsewhere: to a half-open circuit it counts
// as a probe that holds no place.
func (c *Circuit) loose() Pass {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := Pass{circuit: c, period: c.period.Load(), probe: c.State() == HalfOpen}
	if p.probe {
		c.probes.running++
	}
	return p
}

// settle counts a result, if it is not of an earlier period.
func (c *Circuit) settle(p Pass, ok bool, cause error) {
	c.mu.Lock()
	if !ok {
		c.cause = cause
	}
	if c.period.Load() == p.period {
		switch stateOf(p.period) {
		case Closed:
			c.count(ok, cause, time.Now())
		case HalfOpen:
			c.judge(ok, cause, time.Now())
		case Open: // loose results of an open circuit change nothing
		}
	}
	c.mu.Unlock()
	c.news.deliver()
}

// count is for a closed circuit.
func (c *Circuit) count(ok bool, cause error, now time.Time) {
	if c.cfg.Window > 0 {
		c.window.add(now, ok)
	}
	if ok {
		c.streak.Store(0)
		return
	}
	if int(c.streak.Add(1)) >= c.cfg.Failures || c.window.full(now, c.cfg.Rate, c.cfg.Minimum) {
		c.move(Open, Change{At: now, Cause: cause})
	}
}

// judge is for a half-open circuit.
func (c *Circuit) judge(ok bool, cause error, now time.Time) {
	c.probes.running--
	if ok {
		if c.probes.proved++; c.probes.proved >= c.cfg.Successes {
			c.move(Closed, Change{At: now})
		}
		return
	}
	if c.probes.failed++; c.probes.failed >= c.cfg.Relapses {
		c.move(Open, Change{At: now, Cause: cause})
	}
}
