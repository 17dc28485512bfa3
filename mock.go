package dspool

import (
	"cmp"
	"context"
	"iter"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
	"github.com/dspool/dspool/internal/lifecycle"
)

// mockWorker is the id of the one worker that a Mock claims to have.
const mockWorker = "mock"

// A Mock is a [Runner] without Python and without processes: it answers in
// microseconds, with values that fit the program's signature. It checks what a
// pool checks, queues as a pool queues, and can be told to be slow, to fail and
// to answer as a test or a demonstration needs it. All methods are safe for
// concurrent use.
//
// It takes calls from [NewMock] on. Programs that are the user's own Python
// fail with not_found unless they have a handler, an answer, or a signature to
// make a result from.
type Mock struct {
	cfg    atomic.Pointer[MockConfig]
	desk   *dispatch.Dispatcher[seatName]
	faults mockFaults
	scenes mockScenes
	log    mockLog
	counts *counters
	lms    sync.Map // of LM by name
	asked  atomic.Bool
	varied atomic.Uint64

	ready    chan struct{}
	since    time.Time
	cycle    lifecycle.Cycle
	gate     *lifecycle.Gate
	running  sync.WaitGroup  // handlers
	ctx      context.Context //nolint:containedctx // ends what handlers do, at the stop
	shutdown context.CancelFunc
}

var _ Runner = (*Mock)(nil)

// seatName is the target of the Mock's dispatcher.
type seatName string

// ID returns the name.
func (s seatName) ID() string { return string(s) }

// NewMock checks the configuration and returns a Mock that takes calls at once.
func NewMock(config MockConfig) (*Mock, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	c := config.WithDefaults().clone()
	m := &Mock{
		desk:   dispatch.New[seatName](dispatch.Config{QueueSize: off(c.QueueSize), QueueTimeout: off(c.QueueTimeout)}),
		counts: newCounters(), gate: lifecycle.NewGate(), ready: make(chan struct{}), since: time.Now(),
	}
	m.ctx, m.shutdown = context.WithCancel(context.Background())
	m.cfg.Store(&c)
	m.faults.seed(c.Seed)
	m.log.limit(off(c.Log))
	m.desk.Add(mockWorker, c.Concurrency)
	close(m.ready)
	return m, nil
}

// Start does nothing but fail after Stop: a Mock takes calls from [NewMock] on.
func (m *Mock) Start(context.Context) error { return m.cycle.Start(func() error { return nil }) }

// Ready is closed from the beginning.
func (m *Mock) Ready() <-chan struct{} { return m.ready }

// WaitReady returns at once: nil, or shutting_down after Stop.
func (m *Mock) WaitReady(context.Context) error {
	if m.cycle.Phase() >= lifecycle.Stopping {
		return mockRefusal()
	}
	return nil
}

// Stop refuses new calls and waits for those that run, until ctx ends: then
// handlers find their contexts ended, and their callers get shutting_down. It
// waits for handlers that heed this; one that does not is left behind after two
// seconds, and the error says so. A Mock that has no handlers need not be
// stopped.
func (m *Mock) Stop(ctx context.Context) error {
	m.gate.Close()
	return m.cycle.Stop(ctx, func(ctx context.Context, _ bool) error {
		m.desk.Close(mockRefusal())
		var cut error
		select {
		case <-m.gate.Empty():
		case <-ctx.Done():
			cut = fault.Wrap(fault.CodeOf(context.Cause(ctx)), context.Cause(ctx), "the mock stopped before all calls had finished: those left were cut off")
		}
		m.shutdown()
		return cmp.Or(m.waitHandlers(), cut)
	})
}

// handlerGrace is how long handlers may take to end once they are told to.
const handlerGrace = 2 * time.Second

// waitHandlers waits for the handlers that their callers have left.
func (m *Mock) waitHandlers() error {
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.running.Wait()
	}()
	timer := time.NewTimer(handlerGrace)
	defer timer.Stop()
	select {
	case <-done:
		return nil
	case <-timer.C:
		return fault.New(fault.DeadlineExceeded, "a handler of the mock ignores that its context has ended")
	}
}

func mockRefusal() *fault.Error {
	return fault.New(fault.ShuttingDown, "the mock is stopping or has stopped and takes no calls").WithStarted(fault.StartedNo)
}

// Call answers a call. It returns as soon as ctx ends, even while a handler
// runs on.
func (m *Mock) Call(ctx context.Context, req Request) (Response, error) {
	resp, err := m.serve(ctx, &req, nil)
	if err != nil {
		return Response{}, err
	}
	return resp, nil
}

// Stream answers a call and yields what it produces on the way: the words of
// each text output as chunks, or what a handler emits.
func (m *Mock) Stream(ctx context.Context, req Request) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		r := &mockReader{yield: yield}
		resp, err := m.serve(ctx, &req, r)
		switch {
		case r.left:
		case err != nil:
			yield(Event{}, err)
		default:
			yield(Event{Kind: EventResult, Data: resp.Output, Response: &resp}, nil)
		}
	}
}

// Status describes the Mock as a pool with one worker, which is this process.
func (m *Mock) Status() Status {
	load, c := m.desk.Stats(), m.cfg.Load()
	st := Status{
		Phase: PoolServing, StartedAt: m.since, Want: 1, Serving: 1,
		InFlight: load.InFlight, Capacity: load.Capacity, Utilisation: float64(load.InFlight) / float64(load.Capacity),
		Queue:    QueueStatus{Length: load.Queued, Limit: off(c.QueueSize), Age: load.Oldest},
		Affinity: affinityStatus(load.Affinity),
		Totals: Totals{
			Calls: m.counts.calls.Load(), Errors: m.counts.errors(), Abandoned: m.counts.abandoned.Load(),
		},
		Workers: []WorkerStatus{{
			ID: mockWorker, PID: os.Getpid(), State: WorkerStateReady, StartedAt: m.since,
			InFlight: load.InFlight, Calls: m.log.ended.Load(),
		}},
	}
	if load.InFlight > 0 {
		st.Workers[0].State = WorkerStateBusy
	}
	switch m.cycle.Phase() {
	case lifecycle.Stopping:
		st.Phase = PoolStopping
	case lifecycle.Stopped:
		st.Phase, st.Serving, st.Workers = PoolHasStopped, 0, nil
	case lifecycle.New, lifecycle.Started:
	}
	return st
}

// Configure changes the configuration for calls from now on: change gets a copy
// of the present one. The result has to be valid; Concurrency, QueueSize and
// QueueTimeout cannot be changed any more.
func (m *Mock) Configure(change func(*MockConfig)) error {
	now := m.cfg.Load()
	next := now.clone()
	change(&next)
	next = next.WithDefaults()
	if err := next.Validate(); err != nil {
		return err
	}
	if next.Concurrency != now.Concurrency || next.QueueSize != now.QueueSize || next.QueueTimeout != now.QueueTimeout {
		return fault.New(fault.InvalidArgument, "MockConfig: Concurrency, QueueSize and QueueTimeout stay as they were made")
	}
	if !m.cfg.CompareAndSwap(now, &next) {
		return m.Configure(change)
	}
	m.log.limit(off(next.Log))
	return nil
}

// ConfigureLM makes a language model known by its name, as [Pool.ConfigureLM]
// does. It is never asked.
func (m *Mock) ConfigureLM(name string, lm LM) error {
	if err := lm.Validate(); err != nil {
		return err
	}
	m.lms.Store(name, lm)
	m.asked.Store(true)
	return nil
}

// ForgetLM takes away a language model that ConfigureLM was given.
func (m *Mock) ForgetLM(name string) { m.lms.Delete(name) }

// LM returns a language model that ConfigureLM was given.
func (m *Mock) LM(name string) (LM, bool) {
	v, _ := m.lms.Load(name)
	lm, ok := v.(LM)
	return lm, ok
}
