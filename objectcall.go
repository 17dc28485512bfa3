package dspool

import (
	"context"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
)

// seat gets a call its turn on the object, and a place on the worker where the
// object is or is to be.
func (t *objectTable) seat(ctx context.Context, c *task) (slot, *fault.Error) {
	for {
		s, again, err := t.trySeat(ctx, c)
		if !again {
			return s, err
		}
	}
}

// trySeat is one try of seat; again says that the object has moved meanwhile.
func (t *objectTable) trySeat(ctx context.Context, c *task) (s slot, again bool, err *fault.Error) {
	if err := c.object.await(ctx, c); err != nil {
		return s, false, err
	}
	next, err := c.object.route(c.req.Program, c.req.Init)
	if err == nil {
		s, again, err = t.place(ctx, c, next)
	}
	if again || err != nil {
		c.object.leave()
	}
	return s, again, err
}

func (t *objectTable) place(ctx context.Context, c *task, next route) (slot, bool, *fault.Error) {
	ask := c.ask
	ask.Only = next.worker
	if ask.Affinity == dispatch.Hint {
		ask.Affinity = dispatch.Queue // an object is nowhere else
	}
	if next.worker != "" {
		ask.Avoid = "" // there is no other
	}
	s, err := t.pool.desk.Acquire(ctx, ask)
	if err != nil {
		f := fault.From(err)
		return slot{}, f == t.forsaken, f
	}
	m := s.Target()
	if err := c.keeps(m); err != nil {
		s.Release()
		return slot{}, false, err
	}
	if !c.object.board(m, next) {
		s.Release()
		return slot{}, true, nil
	}
	c.route = next
	t.hold(c.object)
	return s, false, nil
}

// keeps refuses a worker that cannot keep the call's object.
func (t *task) keeps(m *member) *fault.Error {
	var what string
	hello := m.Hello()
	switch {
	case !hello.Has(featureObjects):
		what = "keeps no objects"
	case t.req.Tenant != "" && !hello.Has(featureTenants):
		what = "does not keep the objects of tenants apart"
	default:
		return nil
	}
	return fault.New(fault.Unsupported, "the worker "+what).WithStarted(fault.StartedNo).WithWorker(m.ID())
}

// await waits for a call's turn on the object, at most for its budget.
func (o *object) await(ctx context.Context, c *task) *fault.Error {
	w := o.enter(c.req.Program.concurrent())
	switch {
	case w == nil:
		return nil
	case c.ask.Affinity == dispatch.FailFast, w.ahead >= off(o.table.pool.cfg.QueueSize):
		o.quit(w)
		return fault.Newf(fault.QueueFull,
			"calls of one object run one after the other; %d are before this one, and it may not wait: come back later", w.ahead+1).
			WithStarted(fault.StartedNo)
	}
	var expired <-chan time.Time
	if c.own {
		timer := time.NewTimer(time.Until(c.ask.Deadline))
		defer timer.Stop()
		expired = timer.C
	}
	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
		o.quit(w)
		return leftError(ctx, fault.StartedNo, "while it waited for an earlier call of the same object")
	case <-expired:
		o.quit(w)
		return fault.New(fault.DeadlineExceeded, "the call's time budget ran out while it waited for an earlier call of the same object").
			WithStarted(fault.StartedNo)
	}
}
