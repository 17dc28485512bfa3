package health

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// A Monitor checks workers. Its methods may be called concurrently.
type Monitor struct {
	cfg    Config
	quit   context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	stopped bool
	watches sync.WaitGroup // added to under mu, and not after the stop
}

// New returns a Monitor that watches nobody yet.
func New(cfg Config) *Monitor {
	if cfg.Random == nil {
		cfg.Random = rand.Float64
	}
	quit, cancel := context.WithCancel(context.Background())
	return &Monitor{cfg: cfg, quit: quit, cancel: cancel}
}

// Watch checks a worker from now on until it is gone. The first check begins
// within one interval.
func (m *Monitor) Watch(s Subject) *Watch {
	w := &Watch{cfg: m.cfg, subject: s, judge: judge{cfg: m.cfg}}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped || m.cfg.Interval <= 0 {
		return w
	}
	m.watches.Go(func() { w.run(m.quit) })
	return w
}

// Stop ends all watches and waits for them.
func (m *Monitor) Stop() {
	m.mu.Lock()
	m.stopped = true
	m.mu.Unlock()
	m.cancel()
	m.watches.Wait()
}

// A Watch is one worker being watched.
type Watch struct {
	cfg     Config
	subject Subject

	mu    sync.Mutex
	judge judge
	over  bool // it was given up
}

// run checks the worker until it is gone.
func (w *Watch) run(quit context.Context) {
	ctx, cancel := context.WithCancel(quit)
	defer cancel()
	timer := time.NewTimer(time.Duration(float64(w.cfg.Interval) * w.cfg.Random()))
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-w.subject.Done():
			return
		case <-ctx.Done():
			return
		}
		began := time.Now()
		w.Check(ctx)
		timer.Reset(max(w.cfg.pause(w.Failing())-time.Since(began), 0))
	}
}

// Failing reports whether the last check failed.
func (w *Watch) Failing() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.judge.badSince.IsZero()
}

// Check checks the worker now and does what follows from it. A check that was
// cut short by the end of ctx, or by that of the worker, says nothing about
// it, and nothing follows.
func (w *Watch) Check(ctx context.Context) Result {
	limited, cancel := context.WithTimeout(ctx, w.cfg.Timeout)
	defer cancel()
	r := check(limited, w.subject)
	if ctx.Err() == nil && !(w.subject.Leaving() && r.Err != nil && !isLate(r.Err)) {
		w.conclude(r)
	}
	return r
}

// conclude hands a result on and acts on it. The lock keeps the actions in the
// order of their reasons.
func (w *Watch) conclude(r Result) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return
	}
	w.subject.Checked(r)
	act, reason := w.judge.take(r, w.subject)
	switch act {
	case nothing:
	case degrade:
		w.subject.Degrade(reason)
	case restore:
		w.subject.Restore(reason)
	case replace:
		w.subject.Replace(reason)
	case giveUp:
		w.over = true
		w.subject.GiveUp(reason)
	}
}
