package bench

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// A caller makes one call and says whether it was right.
type caller func(ctx context.Context) error

// throughput lets callers call as fast as they are answered, for about the
// given time, and returns calls per second. The first error ends it.
func throughput(ctx context.Context, callers int, during time.Duration, call caller) (float64, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, during, errMeasured)
	defer cancel()
	var (
		calls atomic.Int64
		first atomic.Pointer[error]
		wg    sync.WaitGroup
	)
	began := time.Now()
	for range callers {
		wg.Go(func() {
			n, err := loop(ctx, call)
			calls.Add(n)
			if err != nil {
				first.CompareAndSwap(nil, &err)
				cancel()
			}
		})
	}
	wg.Wait()
	took := time.Since(began)
	if err := first.Load(); err != nil {
		return 0, *err
	}
	return float64(calls.Load()) / took.Seconds(), nil
}

// loop calls until ctx ends. The calls themselves run under a context of their
// own, so that the end of the measurement cancels none.
func loop(ctx context.Context, call caller) (int64, error) {
	var n int64
	inner := context.WithoutCancel(ctx)
	for ctx.Err() == nil {
		if err := call(inner); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// latency makes calls one after the other and returns how long each took.
func latency(ctx context.Context, calls int, call caller) (sample, error) {
	taken := make(sample, 0, calls)
	for range calls {
		began := time.Now()
		if err := call(ctx); err != nil {
			return nil, err
		}
		taken = append(taken, time.Since(began))
	}
	return taken, nil
}

// each runs call n times at once and returns the first error.
func each(ctx context.Context, n int, call func(ctx context.Context, i int) error) error {
	errs := make(chan error, n)
	for i := range n {
		go func() { errs <- call(ctx, i) }()
	}
	var first error
	for range n {
		if err := <-errs; err != nil && first == nil {
			first = fmt.Errorf("of %d calls at once: %w", n, err)
		}
	}
	return first
}
