package dspool

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/internal/scale"
	"github.com/dspool/dspool/internal/supervise"
)

// Defaults of Scale.
const (
	ScaleIntervalDefault       = time.Second
	ScaleWindowDefault         = scale.WindowDefault
	ScaleCooldownDefault       = scale.CooldownDefault
	ScaleGrowAtDefault         = scale.GrowAtDefault
	ScaleShrinkAtDefault       = scale.ShrinkAtDefault
	ScaleWaitMaxDefault        = scale.WaitMaxDefault
	ScaleOverflowLingerDefault = scale.LingerDefault
)

// Scale lets the number of workers follow the load. The zero value keeps it
// fixed at Config.Workers, which is the minimum otherwise.
//
// The size grows when calls have waited, with the places GrowAt full or for longer
// than WaitMax, for a fifth of Cooldown without a break: to what the load needs,
// at most twice as many at once. It shrinks, by at most a half at once, when in
// a whole Window nothing waited so and less than ShrinkAt was used, and never below
// what the highest load of that Window needed. Between two changes lies a
// Cooldown. Workers that are too many finish their calls before they leave.
type Scale struct {
	// Max is the largest size. Defaults to Workers: it does not grow.
	Max int
	// Overflow is how many workers there may be above the size: a call that
	// waits for longer than WaitMax brings one at once, and one that has not been
	// needed for OverflowLinger leaves. Defaults to 0.
	Overflow int
	// Interval is the time between two looks at the load. Defaults to 1 s.
	Interval time.Duration
	// Window is how long the load must have been low. Defaults to 5 min.
	Window time.Duration
	// GrowAt and ShrinkAt are parts of all places, between 0 and 1. Default to 0.9
	// and 0.3.
	GrowAt, ShrinkAt float64
	// WaitMax is how long a call may wait. Defaults to 100 ms.
	WaitMax time.Duration
	// Cooldown is the least time between two changes of the size. Defaults to
	// 10 s.
	Cooldown time.Duration
	// OverflowLinger is how long a worker above the size stays after it was
	// needed. Defaults to 30 s.
	OverflowLinger time.Duration
}

func (s Scale) withDefaults(workers int) Scale {
	s.Max = or(s.Max, workers)
	s.Interval = or(s.Interval, ScaleIntervalDefault)
	s.Window = or(s.Window, ScaleWindowDefault)
	s.GrowAt = or(s.GrowAt, ScaleGrowAtDefault)
	s.ShrinkAt = or(s.ShrinkAt, ScaleShrinkAtDefault)
	s.WaitMax = or(s.WaitMax, ScaleWaitMaxDefault)
	s.Cooldown = or(s.Cooldown, ScaleCooldownDefault)
	s.OverflowLinger = or(s.OverflowLinger, ScaleOverflowLingerDefault)
	return s
}

func (s Scale) check(k *checker, workers int) {
	k.must(s.Max >= workers, "Scale.Max", "must not be less than Workers (%d), got %d", workers, s.Max)
	k.must(s.Overflow >= 0, "Scale.Overflow", "must not be negative, got %d", s.Overflow)
	k.must(s.GrowAt > 0 && s.GrowAt <= 1, "Scale.GrowAt", "must be above 0 and at most 1, got %g", s.GrowAt)
	k.must(s.ShrinkAt > 0 && s.ShrinkAt < s.GrowAt, "Scale.ShrinkAt", "must be above 0 and below GrowAt (%g), got %g", s.GrowAt, s.ShrinkAt)
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"Interval", s.Interval},
		{"Window", s.Window},
		{"WaitMax", s.WaitMax},
		{"Cooldown", s.Cooldown},
		{"OverflowLinger", s.OverflowLinger},
	} {
		k.must(d.value > 0, "Scale."+d.name, "must be positive, got %s", d.value)
	}
	k.must(s.Window >= s.Interval, "Scale.Window", "must not be less than Interval (%s), got %s", s.Interval, s.Window)
}

// dynamic reports whether the number of workers changes at all.
func (s Scale) dynamic(workers int) bool { return s.Max > workers || s.Overflow > 0 }

// ScaleStatus tells how many workers there should be, and between what.
type ScaleStatus struct {
	Min int `json:"min"`
	Max int `json:"max"`
	// Size and Overflow together are Status.Want.
	Size        int `json:"size"`
	Overflow    int `json:"overflow"`
	OverflowMax int `json:"overflow_max"`
}

// A scaler has the number of workers follow the load. One goroutine runs it.
type scaler struct {
	pool   *Pool
	policy *scale.Policy
	now    atomic.Pointer[scale.Decision]
}

// newScaler returns nil if the number of workers is fixed.
func newScaler(p *Pool) *scaler {
	c := p.cfg
	if !c.Scale.dynamic(c.Workers) {
		return nil
	}
	s := &scaler{pool: p, policy: scale.New(scale.Config{
		Min: c.Workers, Max: c.Scale.Max, Overflow: c.Scale.Overflow, PerWorker: c.WorkerConcurrency,
		Window: c.Scale.Window, Cooldown: c.Scale.Cooldown, GrowAt: c.Scale.GrowAt, ShrinkAt: c.Scale.ShrinkAt,
		WaitMax: c.Scale.WaitMax, Linger: c.Scale.OverflowLinger,
	})}
	s.now.Store(&scale.Decision{Size: c.Workers})
	return s
}

// run looks at the load until ctx ends.
func (s *scaler) run(ctx context.Context, boss *supervise.Supervisor) {
	tick := time.NewTicker(s.pool.cfg.Scale.Interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			s.look(time.Now(), boss)
		}
	}
}

// look takes one decision and has it carried out.
func (s *scaler) look(now time.Time, boss *supervise.Supervisor) {
	load := s.pool.desk.Stats()
	d := s.policy.Decide(now, scale.Load{
		Serving: load.Targets, InFlight: load.InFlight, Queued: load.Queued, Oldest: load.Oldest,
	})
	if d.Reason == "" {
		return
	}
	before := s.now.Swap(&d)
	boss.Resize(d.Total())
	s.pool.cfg.Logger.Info("the number of workers changes", "before", before.Total(), "now", d.Total(), "overflow", d.Overflow, "reason", d.Reason)
	s.pool.publish(PoolEvent{Kind: PoolResized, Workers: d.Total(), Reason: d.Reason})
}

// status is nil if the number of workers is fixed.
func (s *scaler) status() *ScaleStatus {
	if s == nil {
		return nil
	}
	now, c := s.now.Load(), s.pool.cfg
	return &ScaleStatus{
		Min: c.Workers, Max: c.Scale.Max, Size: now.Size,
		Overflow: now.Overflow, OverflowMax: c.Scale.Overflow,
	}
}
