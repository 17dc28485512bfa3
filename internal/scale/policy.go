package scale

import (
	"fmt"
	"math"
	"time"
)

// Defaults of [Config].
const (
	WindowDefault   = 5 * time.Minute
	CooldownDefault = 10 * time.Second
	GrowAtDefault   = 0.9
	ShrinkAtDefault = 0.3
	WaitMaxDefault  = 100 * time.Millisecond
	LingerDefault   = 30 * time.Second
)

// lasting is the part of a Cooldown for which pressure must last before the
// size grows: what is over sooner is for the queue, or for overflow.
const lasting = 5

// A Config says between what, and when, the size changes.
type Config struct {
	// Min and Max bound the size, Overflow what may be added to it.
	Min, Max, Overflow int
	// PerWorker is how many calls a worker takes at once.
	PerWorker int
	// Window is how long the load must have been low before the size shrinks.
	Window time.Duration
	// Cooldown is the least time between two changes of the size.
	Cooldown time.Duration
	// The size grows while calls wait and utilisation is GrowAt or more, and
	// shrinks when the window's mean is below ShrinkAt.
	GrowAt, ShrinkAt float64
	// WaitMax is how long a call may wait until there is one worker more.
	WaitMax time.Duration
	// Linger is how long a worker above the size stays unneeded.
	Linger time.Duration
}

// A Load is what a moment looks like.
type Load struct {
	// Serving workers take calls, InFlight calls are with them.
	Serving, InFlight int
	// Queued calls wait, the first of them for Oldest.
	Queued int
	Oldest time.Duration
}

// A Decision is how many workers there should be.
type Decision struct {
	Size, Overflow int
	// Reason says why it is not what it was, "" if nothing changes.
	Reason string
}

// Total is all workers together.
func (d Decision) Total() int { return d.Size + d.Overflow }

// A Policy takes decisions. It is not for concurrent use.
type Policy struct {
	cfg     Config
	now     Decision
	history history

	pressedFrom time.Time // zero: calls do not wait too long now
	pressedAt   time.Time // the last time that they did
	changedAt   time.Time // the size
	easyFrom    time.Time // zero: the overflow is needed now
}

// New returns a policy that begins with the smallest size.
func New(cfg Config) *Policy {
	return &Policy{cfg: cfg, now: Decision{Size: cfg.Min}, history: newHistory(cfg.Window)}
}

// Decide looks at the load and says how many workers there should be from now
// on. It is to be called at regular times.
func (p *Policy) Decide(now time.Time, load Load) Decision {
	p.history.add(now, load.InFlight+load.Queued)
	p.press(now, load)
	p.ease(now, load)
	p.now.Reason = ""
	complete := load.Serving >= p.now.Total() // else help is on its way
	switch {
	case complete && p.mayGrow(now):
		p.grow(now, load)
	case complete && p.now.Overflow < p.cfg.Overflow && load.Oldest > p.cfg.WaitMax:
		p.now.Overflow++
		p.easyFrom = time.Time{}
		p.now.Reason = fmt.Sprintf("a call has waited for %v", load.Oldest.Round(time.Millisecond))
	case p.now.Overflow > 0 && p.lasted(p.easyFrom, now, p.cfg.Linger):
		p.now.Overflow--
		p.easyFrom = now
		p.now.Reason = fmt.Sprintf("not needed for %v", p.cfg.Linger)
	case p.mayShrink(now):
		p.shrink(now)
	}
	return p.now
}

// press notes whether calls wait for want of workers.
func (p *Policy) press(now time.Time, load Load) {
	full := float64(load.InFlight) >= p.cfg.GrowAt*p.room(load.Serving)
	if load.Queued == 0 || !full && load.Oldest <= p.cfg.WaitMax {
		p.pressedFrom = time.Time{}
		return
	}
	p.pressedAt = now
	if p.pressedFrom.IsZero() {
		p.pressedFrom = now
	}
}

// ease notes whether one worker less would do.
func (p *Policy) ease(now time.Time, load Load) {
	switch {
	case load.Queued > 0, float64(load.InFlight) > p.cfg.GrowAt*p.room(p.now.Total()-1):
		p.easyFrom = time.Time{}
	case p.easyFrom.IsZero():
		p.easyFrom = now
	}
}

// room is how many calls n workers take.
func (p *Policy) room(n int) float64 { return float64(n * p.cfg.PerWorker) }

// needed is how many workers it takes for that many calls, with some air.
func (p *Policy) needed(calls int) int {
	return int(math.Ceil(float64(calls) / (p.cfg.GrowAt * float64(p.cfg.PerWorker))))
}

func (p *Policy) lasted(from, now time.Time, d time.Duration) bool {
	return !from.IsZero() && now.Sub(from) >= d
}

func (p *Policy) rested(now time.Time) bool {
	return p.changedAt.IsZero() || now.Sub(p.changedAt) >= p.cfg.Cooldown
}

func (p *Policy) mayGrow(now time.Time) bool {
	return p.now.Size < p.cfg.Max && p.rested(now) && p.lasted(p.pressedFrom, now, p.cfg.Cooldown/lasting)
}

// grow goes to what the load needs, at most twice the size at once. Overflow
// that is there already becomes part of the size.
func (p *Policy) grow(now time.Time, load Load) {
	before := p.now.Size
	want := max(before+1, min(p.needed(load.InFlight+load.Queued), 2*before))
	p.now.Size = min(want, p.cfg.Max)
	p.now.Overflow = max(0, p.now.Overflow-(p.now.Size-before))
	p.changedAt = now
	p.now.Reason = fmt.Sprintf("%d calls wait, the first for %v, and %d run", load.Queued, load.Oldest.Round(time.Millisecond), load.InFlight)
}

func (p *Policy) mayShrink(now time.Time) bool {
	quiet := p.pressedAt.IsZero() || now.Sub(p.pressedAt) >= p.cfg.Window
	return p.now.Size > p.cfg.Min && quiet && p.rested(now) && p.history.full(now) && p.history.mean() < p.cfg.ShrinkAt*p.room(p.now.Size)
}

// shrink goes to what the window's highest load needed, at most to half the
// size at once.
func (p *Policy) shrink(now time.Time) {
	target := max(p.cfg.Min, p.needed(p.history.peak()), (p.now.Size+1)/2)
	if target >= p.now.Size {
		return
	}
	used := p.history.mean() / p.room(p.now.Size)
	p.now.Reason = fmt.Sprintf("%.0f %% used in the last %v", 100*used, p.cfg.Window)
	p.now.Size, p.changedAt = target, now
}
