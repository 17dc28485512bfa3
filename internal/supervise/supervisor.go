package supervise

import (
	"context"
	"sync"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/worker"
)

// A Supervisor keeps workers. Its methods may be called concurrently and in
// any order. One goroutine takes all decisions.
type Supervisor struct {
	cfg    Config
	source worker.Source

	demand chan struct{} // closed by the first Demand
	ready  chan struct{} // closed with the first worker that is up
	halt   chan struct{} // closed by the first Stop
	done   chan struct{} // closed when all is over
	once   sync.Once

	patience context.Context // ends when nobody waits for a gentle stop any more
	hurry    context.CancelFunc

	mu        sync.Mutex
	started   bool
	stopped   bool
	condition Condition
	workers   []*worker.Worker
	asked     []func(*loop)
	mail      chan struct{} // has room for one: there is something in asked
}

// New returns a supervisor of workers from source. It does no I/O.
func New(cfg Config, source worker.Source) *Supervisor {
	s := &Supervisor{
		cfg: cfg.withDefaults(), source: source,
		demand: make(chan struct{}), ready: make(chan struct{}),
		halt: make(chan struct{}), done: make(chan struct{}), mail: make(chan struct{}, 1),
	}
	s.patience, s.hurry = context.WithCancel(context.Background())
	s.condition.Size = s.cfg.Size
	return s
}

// Start begins to start workers and returns at once. Starting twice does
// nothing; after Stop it fails. The end of ctx does not matter afterwards.
func (s *Supervisor) Start(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return fault.New(fault.ShuttingDown, "the supervisor of workers has been stopped")
	case s.started:
		return nil
	}
	s.started = true
	if !s.cfg.Lazy {
		s.Demand()
	}
	go newLoop(s, context.WithoutCancel(ctx)).run()
	return nil
}

// Demand says that workers are needed. Only the first time matters, and only
// with Config.Lazy. It costs next to nothing and may be called on every call.
func (s *Supervisor) Demand() {
	s.once.Do(func() { close(s.demand) })
}

// Ready is closed when the first worker is up. It may never be: see Done.
func (s *Supervisor) Ready() <-chan struct{} { return s.ready }

// Done is closed when everything has been stopped.
func (s *Supervisor) Done() <-chan struct{} { return s.done }

// Stop stops every worker gently until ctx ends, and hard after that, then the
// source, and returns when all are gone. All calls wait for the same end; the
// one with the shortest ctx decides. The error is that of ctx, if it had to
// hurry.
func (s *Supervisor) Stop(ctx context.Context) error {
	s.begin()
	defer context.AfterFunc(ctx, s.hurry)()
	<-s.done
	if ctx.Err() != nil {
		return fault.From(ctx.Err())
	}
	return nil
}

// begin starts the stop, once. A supervisor that was never started has nothing
// to stop but its source.
func (s *Supervisor) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return
	}
	s.stopped = true
	close(s.halt)
	if !s.started {
		_ = s.source.Stop(context.Background())
		s.condition.Phase = Stopped
		s.hurry()
		close(s.done)
	}
}

// ask has the loop decide something soon. It reports false if there is no loop
// to do so. It may be called from anywhere, the loop itself included.
func (s *Supervisor) ask(decide func(*loop)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.started || s.stopped {
		return false
	}
	s.asked = append(s.asked, decide)
	select {
	case s.mail <- struct{}{}:
	default:
	}
	return true
}

// Workers returns those that take calls or are on their way out, oldest first.
func (s *Supervisor) Workers() []*worker.Worker {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]*worker.Worker(nil), s.workers...)
}

// Condition tells how the supervisor stands.
func (s *Supervisor) Condition() Condition {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.condition
}
