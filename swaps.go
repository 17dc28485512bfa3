package dspool

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/worker"
)

// swaps lets one swap after the other happen, and knows what they have changed.
type swaps struct {
	turn chan struct{} // holds one while a swap is under way

	mu    sync.Mutex
	cfg   Config // of the generation that serves
	count int    // of generations so far
	now   *SwapStatus
}

func newSwaps(cfg Config) *swaps {
	return &swaps{turn: make(chan struct{}, 1), cfg: cfg, count: 1}
}

// close waits for the swap under way and lets no other begin.
func (s *swaps) close() { s.turn <- struct{}{} }

// config is how the generation that serves is configured.
func (s *swaps) config() Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cfg
}

// begin enters the next swap and returns the number of its generation.
func (s *swaps) begin() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.count++
	s.now = &SwapStatus{Generation: s.count, StartedAt: time.Now()}
	return s.count
}

// end leaves the swap under way. What succeeded is what the next one builds on.
func (s *swaps) end(cfg Config, succeeded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = nil
	if succeeded {
		s.cfg = cfg
	}
}

// status returns a copy of the swap under way, nil if there is none.
func (s *swaps) status() *SwapStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.now == nil {
		return nil
	}
	st := *s.now
	return &st
}

// swap waits for its turn and for a supervisor, and makes the change.
func (c *crew) swap(ctx context.Context, change Change) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.life, func() { cancel(c.pool.refusal()) })()
	select {
	case c.swaps.turn <- struct{}{}:
	case <-c.pool.stopping:
		return c.pool.refusal()
	case <-ctx.Done():
		return c.left(ctx, "before it was this swap's turn")
	}
	defer func() { <-c.swaps.turn }()
	select {
	case <-c.hired:
	case <-c.ended:
		return c.unavailable()
	case <-ctx.Done():
		return c.left(ctx, "before the first workers were ordered")
	}
	return c.change(ctx, change)
}

// left is the error of a swap whose context ended.
func (c *crew) left(ctx context.Context, when string) *fault.Error {
	if c.pool.closing() {
		return c.pool.refusal()
	}
	return leftError(ctx, fault.StartedNo, when)
}

// unavailable is why there is no supervisor and will be none.
func (c *crew) unavailable() *fault.Error {
	if c.pool.closing() {
		return c.pool.refusal()
	}
	c.pool.roster.mu.Lock()
	defer c.pool.roster.mu.Unlock()
	return c.pool.roster.trouble
}

// change makes one swap, and tells of it.
func (c *crew) change(ctx context.Context, change Change) error {
	cfg := change.apply(c.swaps.config())
	if err := cfg.checkChange(); err != nil {
		return err
	}
	ev := PoolEvent{Kind: SwapStarted, Generation: c.swaps.begin()}
	began := time.Now()
	c.pool.publish(ev)
	err := c.bringUp(ctx, cfg, ev.Generation)
	c.swaps.end(cfg, err == nil)
	ev.Took = time.Since(began)
	if err == nil {
		ev.Kind = SwapFinished
		c.pool.cfg.Logger.Info("a new generation of workers serves", "generation", ev.Generation, "after", ev.Took)
		c.pool.publish(ev)
		return nil
	}
	ev.Kind, ev.Err, ev.Reason = SwapFailed, err, err.Message
	c.pool.cfg.Logger.Error("a new generation of workers was given up", "generation", ev.Generation, "error", err)
	c.pool.publish(ev)
	return err
}

// bringUp has a new generation take over.
func (c *crew) bringUp(ctx context.Context, cfg Config, generation int) *fault.Error {
	w, err := c.workerConfig(ctx, cfg)
	if err == nil {
		err = c.boss.Load().Swap(ctx, c.source(w, generation))
	}
	switch {
	case err == nil:
		return nil
	case c.pool.closing() || fault.CodeOf(err) == fault.ShuttingDown:
		return c.unavailable()
	default:
		return fault.From(err).WithStarted(fault.StartedNo)
	}
}

// checkChange returns everything that is wrong with a change.
func (c Config) checkChange() error {
	k := &checker{path: "Change"}
	c.checkWorkers(k)
	c.checkSandbox(k)
	if len(k.errs) == 0 {
		return nil
	}
	return fault.Wrap(fault.InvalidArgument, errors.Join(k.errs...), "the change is not usable").WithStarted(fault.StartedNo)
}

// over tells of a generation that is gone.
func (c *crew) over(source worker.Source) {
	if a, ours := source.(*announced); ours {
		c.pool.publish(PoolEvent{Kind: GenerationEnded, Generation: a.generation})
	}
}

// describe fills in what the crew knows.
func (c *crew) describe(st *Status) {
	st.Swap, st.Scale = c.swaps.status(), c.scaler.status()
	boss := c.boss.Load()
	if boss == nil {
		return
	}
	now := boss.Condition()
	st.Want = now.Size
	if st.Swap != nil {
		st.Swap.Ready, st.Swap.Want = now.Next, now.Size
	}
}
