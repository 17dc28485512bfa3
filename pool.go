package dspool

import (
	"context"
	"iter"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/catalog"
	"github.com/dspool/dspool/internal/dispatch"
	"github.com/dspool/dspool/internal/feed"
	"github.com/dspool/dspool/internal/lifecycle"
	"github.com/dspool/dspool/lm"
)

const (
	// definitionsMax is how many definitions a pool keeps beyond those in use.
	definitionsMax = 4096
	// eventsMax is how many events wait for a reader before it loses some.
	eventsMax = 1024
)

// A Pool runs programs on supervised Python workers. It is a [Runner]. All
// methods are safe for concurrent use and may be called in any order.
type Pool struct {
	cfg      Config
	desk     *dispatch.Dispatcher[*member]
	defs     *catalog.Catalog
	lms      *lmTable
	egress   *lm.Egress
	tenants  *tenantTable
	events   feed.Feed[PoolEvent]
	counts   *counters
	repeats  *bucket
	roster   *roster
	board    *board
	ward     *ward
	warmer   *warmer
	objects  *objectTable
	flights  sync.Pool
	sessions *Sessions

	cycle    lifecycle.Cycle
	gate     *lifecycle.Gate
	started  atomic.Bool
	stop     sync.Once
	stopping chan struct{} // closed by the first Stop
	crew     *crew
}

var _ Runner = (*Pool)(nil)

// New checks the configuration and allocates a pool. It does no I/O and starts
// no goroutine; a pool that is never started need not be stopped.
func New(config Config) (*Pool, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	c := config.WithDefaults()
	p := &Pool{
		cfg: c, defs: catalog.New(definitionsMax), counts: newCounters(), repeats: newBucket(c.RetryBudget),
		gate: lifecycle.NewGate(), stopping: make(chan struct{}),
	}
	var err error
	var budgets *lm.Budgets
	if p.egress, budgets, err = c.Egress.open(); err != nil {
		return nil, err
	}
	if p.lms, err = newLMTable(c, p.defs, p.egress); err != nil {
		return nil, err
	}
	if p.tenants, err = newTenantTable(c, p.lms, budgets); err != nil {
		return nil, err
	}
	p.desk = dispatch.New[*member](dispatch.Config{
		QueueSize: off(c.QueueSize), QueueTimeout: off(c.QueueTimeout),
		BindingTTL: c.Affinity.TTL, Bindings: c.Affinity.Bindings, OnBinding: p.rebound,
	})
	p.board = newBoard(p)
	if p.sessions, err = newSessions(p, c.Sessions, &p.events); err != nil {
		return nil, err
	}
	p.roster = newRoster(p)
	p.objects = newObjectTable(p)
	if p.warmer, err = newWarmer(p); err != nil {
		return nil, err
	}
	p.crew = newCrew(p)
	if p.ward, err = newWard(p); err != nil {
		return nil, err
	}
	return p, nil
}

// Start brings the pool up. It returns at once: calls are accepted from now on
// and wait, while the Python environment and the workers come up in the
// background; only a session store is read before. [Pool.Events] shows how it goes on, [Pool.Ready] tells when the
// first worker takes calls, [Pool.WaitReady] also why it never will.
//
// A second Start does nothing; Start after Stop fails. The end of ctx after
// Start has returned does not matter to the pool: stop it with [Pool.Stop].
func (p *Pool) Start(ctx context.Context) error {
	return p.cycle.Start(func() error {
		if err := ctx.Err(); err != nil {
			return leftError(ctx, fault.StartedNo, "before the pool started")
		}
		if err := p.sessions.Start(ctx); err != nil {
			return err
		}
		p.roster.begin()
		p.ward.start()
		p.crew.start(context.WithoutCancel(ctx))
		p.started.Store(true)
		return nil
	})
}

// Ready is closed when the first worker takes calls. Full strength follows;
// [Pool.Status] shows it.
func (p *Pool) Ready() <-chan struct{} { return p.roster.ready }

// WaitReady waits until the first worker takes calls. It fails with the reason
// when the pool cannot start (the environment cannot be made, a preload module
// fails, workers crash in a loop), with shutting_down after Stop, and when ctx
// ends. With Config.Lazy it starts the workers.
func (p *Pool) WaitReady(ctx context.Context) error {
	p.crew.want()
	return p.roster.await(ctx, p.roster.ready, "before a worker was ready")
}

// Stop ends the pool: new calls are refused with shutting_down, accepted ones
// may finish until ctx ends, then they are cut off and fail with shutting_down.
// When it returns, every process and goroutine of the pool is gone. The error
// is deadline_exceeded or canceled if calls were cut off.
//
// Without a deadline in ctx, Config.DrainTimeout is the limit. Stop may be
// called any number of times, concurrently and before Start: all calls wait for
// the same end, and the one with the least patience decides.
func (p *Pool) Stop(ctx context.Context) error {
	p.gate.Close()
	p.stop.Do(func() { close(p.stopping) })
	if _, limited := ctx.Deadline(); !limited {
		bounded, cancel := context.WithTimeout(ctx, p.cfg.DrainTimeout)
		defer cancel()
		ctx = bounded
	}
	return p.cycle.Stop(ctx, p.end)
}

// end runs once.
func (p *Pool) end(ctx context.Context, began bool) error {
	defer p.events.Close()
	err := p.drain(ctx)
	p.desk.Close(p.refusal())
	p.objects.sweeps.stop()
	if began {
		p.crew.stop(ctx)
		p.ward.stop()
	}
	p.egress.Close()
	if unsaved := p.sessions.Stop(ctx); err == nil {
		err = unsaved
	}
	p.publish(PoolEvent{Kind: PoolStopped})
	return err
}

// drain waits for accepted calls.
func (p *Pool) drain(ctx context.Context) error {
	select {
	case <-p.gate.Empty():
		return nil
	default:
	}
	select {
	case <-p.gate.Empty():
		return nil
	case <-ctx.Done():
		return fault.Wrap(fault.CodeOf(context.Cause(ctx)), context.Cause(ctx), "the pool stopped before all calls had finished: those left were cut off")
	}
}

// Events returns what happens in the pool from now on, as an endless sequence
// that can be read once. It ends when ctx ends, when the loop is left, and
// when the pool has stopped. A reader that is too slow loses the oldest events
// and finds their number in PoolEvent.Dropped; the pool never waits for it.
func (p *Pool) Events(ctx context.Context) iter.Seq[PoolEvent] {
	return readEvents(ctx, &p.events)
}

// EventsOf is Events for some kinds only: however many others there are, such as
// those of calls under load, they do not push these out.
func (p *Pool) EventsOf(ctx context.Context, kinds ...PoolEventKind) iter.Seq[PoolEvent] {
	return readEvents(ctx, &p.events, kinds...)
}

// readEvents subscribes to events of these kinds, or to all.
func readEvents(ctx context.Context, events *feed.Feed[PoolEvent], kinds ...PoolEventKind) iter.Seq[PoolEvent] {
	var wanted func(PoolEvent) bool
	if len(kinds) > 0 {
		kinds = slices.Clone(kinds)
		wanted = func(ev PoolEvent) bool { return slices.Contains(kinds, ev.Kind) }
	}
	items := events.SubscribeTo(ctx, eventsMax, wanted)
	return func(yield func(PoolEvent) bool) {
		for item := range items {
			item.Event.Dropped = item.Dropped
			if !yield(item.Event) {
				return
			}
		}
	}
}

// publish tells everybody who listens.
func (p *Pool) publish(ev PoolEvent) {
	if !p.events.Heard() {
		return
	}
	if ev.At.IsZero() {
		ev.At = time.Now()
	}
	p.events.Publish(ev)
}

// enter lets a call in, or says why not. Who gets in must leave the gate.
func (p *Pool) enter() error {
	if !p.gate.Enter() {
		return p.refusal()
	}
	if !p.started.Load() {
		p.gate.Leave()
		return fault.New(fault.Unavailable, "the pool has not been started: call Start first").WithStarted(fault.StartedNo)
	}
	if p.cfg.Lazy {
		p.crew.want()
	}
	return nil
}

func (p *Pool) refusal() *fault.Error {
	return fault.New(fault.ShuttingDown, "the pool is stopping or has stopped and takes no calls").WithStarted(fault.StartedNo)
}

// phase tells where the pool stands.
func (p *Pool) phase(st *Status) PoolPhase {
	switch p.cycle.Phase() {
	case lifecycle.New:
		return PoolNew
	case lifecycle.Stopping:
		return PoolStopping
	case lifecycle.Stopped:
		return PoolHasStopped
	case lifecycle.Started:
	}
	switch {
	case st.Serving > 0:
		return PoolServing
	case st.Trouble != nil:
		return PoolDown
	default:
		return PoolStarting
	}
}
