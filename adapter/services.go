package adapter

import (
	"context"
	"sync"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// ServiceWaitDefault is how long Services wait for what is starting.
const ServiceWaitDefault = 30 * time.Second

// Services are the adapters over Python that this process has, or is about to
// have. Whoever looks for one waits for what is starting instead of being told
// that there is none. Safe for concurrent use.
type Services struct {
	wait time.Duration

	mu      sync.Mutex
	found   map[Kind]*Local
	coming  map[Kind]int
	failure map[Kind]error
	changed chan struct{} // closed and replaced with every change
}

// NewServices returns a table without services. wait bounds the wait for what
// is starting; 0 is 30 s.
func NewServices(wait time.Duration) *Services {
	if wait <= 0 {
		wait = ServiceWaitDefault
	}
	return &Services{
		wait: wait, found: map[Kind]*Local{}, coming: map[Kind]int{}, failure: map[Kind]error{}, changed: make(chan struct{}),
	}
}

// Announce says that a service of a kind is about to be made: who looks for one
// waits for it. The returned function ends the announcement, with the service
// or with the reason why there is none. It must be called.
func (s *Services) Announce(kind Kind) (done func(*Local, error)) {
	s.change(func() { s.coming[kind]++ })
	var once sync.Once
	return func(a *Local, err error) {
		once.Do(func() {
			s.change(func() {
				s.coming[kind]--
				s.failure[kind] = err
				if a != nil {
					s.found[kind] = a
				}
			})
		})
	}
}

// Add enters a service that there is. Its Backend may still be starting.
func (s *Services) Add(a *Local) { s.Announce(a.kind)(a, nil) }

// Remove takes a service out.
func (s *Services) Remove(kind Kind) { s.change(func() { delete(s.found, kind) }) }

func (s *Services) change(f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f()
	close(s.changed)
	s.changed = make(chan struct{})
}

// Open returns a function for [Registry.Register] that finds the service of a
// kind.
func (s *Services) Open(kind Kind) Open {
	return func(ctx context.Context) (Adapter, error) {
		a, err := s.find(ctx, kind)
		if err != nil {
			return nil, err
		}
		return a, nil
	}
}

// Detect finds the Python to use: the pool if it serves calls, else the single
// process, else whichever of them is starting, once it serves. It waits for
// that no longer than the table's limit. The error is unavailable.
func (s *Services) Detect(ctx context.Context) (*Local, error) { return s.find(ctx, Pool, Port) }

func (s *Services) find(ctx context.Context, kinds ...Kind) (*Local, error) {
	ctx, cancel := context.WithTimeout(ctx, s.wait)
	defer cancel()
	for {
		serving, starting, coming, changed := s.look(kinds)
		switch {
		case serving != nil:
			return serving, nil
		case starting != nil:
			if err := starting.shared.backend.WaitReady(ctx); err != nil && ctx.Err() == nil {
				return nil, err //nolint:wrapcheck // says why it cannot start
			}
		case !coming:
			return nil, s.none(kinds)
		default:
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
		if ctx.Err() != nil {
			return nil, s.late(ctx, kinds)
		}
	}
}

// look finds the first of the kinds that serves, or else the first that is
// starting, or else whether one is announced.
func (s *Services) look(kinds []Kind) (serving, starting *Local, coming bool, changed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, kind := range kinds {
		coming = coming || s.coming[kind] > 0
		a := s.found[kind]
		if a == nil {
			continue
		}
		switch a.shared.backend.Status().Phase {
		case dspool.PoolServing:
			if serving == nil {
				serving = a
			}
		case dspool.PoolStarting:
			if starting == nil {
				starting = a
			}
		case dspool.PoolNew, dspool.PoolDown, dspool.PoolStopping, dspool.PoolHasStopped:
		}
	}
	return serving, starting, coming, s.changed
}

// none is the error when nothing runs and nothing is starting.
func (s *Services) none(kinds []Kind) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := notAvailable(kinds[len(kinds)-1])
	for _, kind := range kinds {
		if why := s.failure[kind]; why != nil {
			err.Cause = why
		}
		if a := s.found[kind]; a != nil {
			st := a.shared.backend.Status()
			err.Message += "; the " + string(kind) + " is " + string(st.Phase)
			if st.Trouble != nil {
				err.Cause = st.Trouble
			}
		}
	}
	return err
}

// late is the error when what is starting takes too long.
func (s *Services) late(ctx context.Context, kinds []Kind) error {
	err := fault.Newf(fault.Unavailable, "the Python bridge (%v) is still starting after %s", kinds, s.wait)
	err.Cause, err.Started, err.RetryAfter = context.Cause(ctx), fault.StartedNo, time.Second
	return err
}
