package breaker

import (
	"sync"
	"sync/atomic"
	"time"
)

// A Circuit is one circuit breaker. Safe for concurrent use. While it is closed
// and all goes well, a call costs a few atomic operations and no lock, unless
// there is a Window.
type Circuit struct {
	cfg    Config
	period atomic.Uint64 // counts the changes; its state is in the low bits
	streak atomic.Int64  // failures in a row while closed

	successes, failures, refused atomic.Int64

	mu       sync.Mutex
	since    time.Time
	until    time.Time // open
	openings int       // in a row, without having been closed
	cause    error
	probes   probes
	changes  [HalfOpen + 1]int64 // to each state
	probed   int64
	window   window
	news     news
}

// probes are what a half-open circuit knows.
type probes struct {
	running, proved, failed int
	last                    time.Time // when one was let through
}

// New returns a closed circuit.
func New(config Config) *Circuit {
	return &Circuit{cfg: config, window: newWindow(config.Window), news: news{tell: config.Changed}}
}

const stateBits = 2

func stateOf(period uint64) State { return State(period & (1<<stateBits - 1)) }

// State returns what the circuit does with calls.
func (c *Circuit) State() State { return stateOf(c.period.Load()) }

// Allow asks for a pass. If there is none, it says when to come back; 0 means
// as soon as one of the probes that run now has ended.
func (c *Circuit) Allow() (Pass, time.Duration, bool) {
	if period := c.period.Load(); stateOf(period) == Closed {
		return Pass{circuit: c, period: period}, 0, true
	}
	pass, after, ok := c.probe(time.Now())
	c.news.deliver()
	if !ok {
		c.refused.Add(1)
	}
	return pass, after, ok
}

// probe gives a pass of a circuit that is not closed.
func (c *Circuit) probe(now time.Time) (Pass, time.Duration, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.State() {
	case Open:
		if now.Before(c.until) {
			return Pass{}, c.until.Sub(now), false
		}
		c.move(HalfOpen, Change{At: now})
	case HalfOpen:
		if c.probes.running >= c.cfg.Probes {
			if now.Sub(c.probes.last) < c.pause() {
				return Pass{}, 0, false
			}
			c.renew() // probes that do not come back do not hold it up for ever
		}
	case Closed:
		return Pass{circuit: c, period: c.period.Load()}, 0, true
	}
	c.probed++
	c.probes.running++
	c.probes.last = now
	return Pass{circuit: c, period: c.period.Load(), probe: true}, 0, true
}

// move takes another state. The caller holds mu, and delivers the news when it
// has given it back.
func (c *Circuit) move(to State, change Change) {
	change.From, change.To = c.State(), to
	c.since, c.probes = change.At, probes{}
	c.changes[to]++
	c.streak.Store(0)
	c.window.clear()
	switch to {
	case Open:
		c.openings++
		if change.Pause == 0 {
			change.Pause = c.pause()
		}
		c.until = change.At.Add(change.Pause)
	case Closed:
		c.openings = 0
	case HalfOpen:
	}
	c.period.Store((c.period.Load()>>stateBits+1)<<stateBits | uint64(to))
	c.news.add(change)
}

// renew begins another round of probes.
func (c *Circuit) renew() {
	c.probes = probes{}
	c.period.Store((c.period.Load()>>stateBits+1)<<stateBits | uint64(HalfOpen))
}

// pause is how long the circuit stays open this time.
func (c *Circuit) pause() time.Duration {
	pause := c.cfg.Pause
	for range c.openings - 1 {
		if pause *= 2; pause >= c.cfg.PauseMax {
			return c.cfg.PauseMax
		}
	}
	return pause
}

// Trip opens the circuit by hand, for the given time or, if that is 0, for its
// own pause. One that is open stays so for that long from now.
func (c *Circuit) Trip(pause time.Duration, cause error) {
	c.mu.Lock()
	c.cause = cause
	c.move(Open, Change{At: time.Now(), Cause: cause, Pause: pause, Manual: true})
	c.mu.Unlock()
	c.news.deliver()
}

// Reset closes the circuit by hand and forgets its failures.
func (c *Circuit) Reset() {
	c.mu.Lock()
	c.streak.Store(0)
	c.window.clear()
	if c.State() != Closed {
		c.move(Closed, Change{At: time.Now(), Manual: true})
	}
	c.mu.Unlock()
	c.news.deliver()
}

// Snapshot returns a view of this moment. A circuit whose pause is over is
// still open: it becomes half-open with the next call.
func (c *Circuit) Snapshot() Snapshot {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := Snapshot{
		State: c.State(), Since: c.since, Streak: int(c.streak.Load()),
		Probing: c.probes.running, Proved: c.probes.proved, Probes: c.probed,
		Opened: c.changes[Open], Closed: c.changes[Closed],
		Successes: c.successes.Load(), Failures: c.failures.Load(), Refused: c.refused.Load(),
		Cause: c.cause,
	}
	if s.State == Open {
		s.Left = max(0, time.Until(c.until))
	}
	return s
}
