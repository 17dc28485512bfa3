package dspool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
)

// starter and stopper are what a Runner has that is started and stopped.
type (
	starter interface {
		Start(ctx context.Context) error
	}
	stopper interface {
		Stop(ctx context.Context) error
	}
)

// Start starts the layers that can be started, one after the other. A layer
// whose start fails is left out, with an event; Start fails if there is no
// other. A second Start does nothing; Start after Stop fails.
func (f *Fallback) Start(ctx context.Context) error {
	return f.cycle.Start(func() error {
		var errs []error
		for _, l := range f.layers {
			if err := l.start(ctx); err != nil {
				errs = append(errs, err)
			}
		}
		if len(errs) < len(f.layers) {
			return nil
		}
		return fault.Wrap(fault.Unavailable, errors.Join(errs...), "no layer could be started").WithStarted(fault.StartedNo)
	})
}

func (l *layer) start(ctx context.Context) error {
	s, can := l.runner.(starter)
	if !can {
		return nil
	}
	err := s.Start(ctx)
	if err == nil {
		l.unstarted.Store(nil)
		return nil
	}
	f := l.fallback
	cause := fault.From(err)
	l.unstarted.Store(cause)
	if f.events.Heard() {
		f.events.Publish(PoolEvent{
			Kind: FallbackEngaged, At: time.Now(), Name: f.cfg.Name, Layer: l.name, Next: f.below(l.index),
			Err: cause, Code: cause.Code, Reason: "it could not be started: " + cause.Message, Severity: fault.SeverityCritical,
		})
	}
	return fmt.Errorf("%s: %w", l.name, err)
}

// Stop stops the layers that can be stopped, all at once, and returns when
// they have. Events end. It may be called any number of times and before
// Start.
func (f *Fallback) Stop(ctx context.Context) error {
	return f.cycle.Stop(ctx, func(ctx context.Context, _ bool) error {
		defer f.events.Close()
		errs := make([]error, len(f.layers))
		var stops sync.WaitGroup
		for i, l := range f.layers {
			if s, can := l.runner.(stopper); can {
				stops.Go(func() { errs[i] = s.Stop(ctx) })
			}
		}
		stops.Wait()
		return errors.Join(errs...)
	})
}
