package bench

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

const (
	recoveryTarget  = 100
	recoveryCallers = 64
	recoveryWorkers = 2
)

// spawn measures how long one more worker takes until it has answered its
// first prediction: the only worker is killed, and the clock runs from there.
// That includes noticing the loss, which a mere spawn would not.
func (b *bencher) spawn(ctx context.Context) (figures []Figure, err error) {
	lm, model, err := practice()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lm.Close()) }()
	pool, err := b.pool(ctx, dspool.Config{Workers: 1, LM: model, Restart: tireless()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop(pool)) }()
	request, err := prediction(2)
	if err != nil {
		return nil, err
	}
	var taken sample
	for range b.times(15) {
		took, err := answerAfterLoss(ctx, pool, request)
		if err != nil {
			return nil, err
		}
		taken = append(taken, took)
	}
	return []Figure{{
		Name: "spawn_p50_ms", Value: millis(taken.quantile(0.5)), Unit: "ms", Target: spawnTarget,
		Compared: "nothing: worker lost until the new one has answered a prediction",
		Raw:      map[string]float64{"max_ms": millis(taken.quantile(1)), "times": float64(len(taken))},
	}}, nil
}

func answerAfterLoss(ctx context.Context, pool *dspool.Pool, request dspool.Request) (time.Duration, error) {
	if err := serving(ctx, pool, 1); err != nil {
		return 0, err
	}
	victim, err := oldestServing(pool)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := kill(victim.PID); err != nil {
		return 0, err
	}
	for {
		response, err := pool.Call(ctx, request)
		switch {
		case fault.CodeOf(err) == fault.WorkerCrashed:
			continue // the old worker had taken it before it was gone
		case err != nil:
			return 0, fmt.Errorf("after a kill: %w", err)
		case response.Worker != victim.ID:
			return time.Since(began), nil
		}
	}
}

// recovery kills a worker under load, again and again, and measures how long
// the pool is below full strength each time.
func (b *bencher) recovery(ctx context.Context) (figures []Figure, err error) {
	pool, err := b.pool(ctx, dspool.Config{Workers: recoveryWorkers, Restart: tireless()})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop(pool)) }()
	storm := b.storm(ctx, pool)
	var taken sample
	for range b.times(30) {
		took, killErr := lossUntilWhole(ctx, pool)
		if killErr != nil {
			return nil, errors.Join(killErr, storm.end())
		}
		taken = append(taken, took)
	}
	if err := storm.end(); err != nil {
		return nil, err
	}
	return []Figure{{
		Name: "recovery_p99_ms", Value: millis(taken.quantile(0.99)), Unit: "ms", Target: recoveryTarget,
		Compared: "nothing: SIGKILL until full strength, 64 callers",
		Raw: map[string]float64{
			"p50_ms": millis(taken.quantile(0.5)), "times": float64(len(taken)),
			"ok": float64(storm.ok), "typed_errors": float64(storm.typed),
		},
	}}, nil
}

// A loadStorm is callers that call all the time and count how it ends.
type loadStorm struct {
	cancel context.CancelFunc
	wg     sync.WaitGroup
	mu     sync.Mutex
	ok     int64
	typed  int64
	wrong  error
}

func (b *bencher) storm(ctx context.Context, pool *dspool.Pool) *loadStorm {
	ctx, cancel := context.WithCancel(ctx)
	s := &loadStorm{cancel: cancel}
	input, output := echoInput(echoBytesSmall)
	spec, err := dspool.NewFunc("bench_functions:echo")
	if err != nil {
		s.wrong = err
		return s
	}
	request := dspool.Request{Program: spec, Input: input}
	for range recoveryCallers {
		s.wg.Go(func() {
			for ctx.Err() == nil {
				response, err := pool.Call(context.WithoutCancel(ctx), request)
				s.count(string(response.Output) == string(output), err)
			}
		})
	}
	return s
}

func (s *loadStorm) count(right bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case fault.CodeOf(err) == fault.WorkerCrashed:
		s.typed++
	case err != nil:
		s.wrong = errors.Join(s.wrong, err)
	case !right:
		s.wrong = errors.Join(s.wrong, errors.New("a wrong answer under a crash"))
	default:
		s.ok++
	}
}

func (s *loadStorm) end() error {
	s.cancel()
	s.wg.Wait()
	return s.wrong
}

func lossUntilWhole(ctx context.Context, pool *dspool.Pool) (time.Duration, error) {
	if err := serving(ctx, pool, recoveryWorkers); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	events := pool.EventsOf(ctx, dspool.WorkerReplaced)
	victim, err := oldestServing(pool)
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := kill(victim.PID); err != nil {
		return 0, err
	}
	for event := range events {
		return event.At.Sub(began), nil
	}
	return 0, errors.New("the pool did not recover in time")
}

// oldestServing returns a worker that takes calls: the list also has those that
// are on their way out, whose process may be gone.
func oldestServing(pool *dspool.Pool) (dspool.WorkerStatus, error) {
	for _, w := range pool.Status().Workers {
		if w.State == dspool.WorkerStateReady || w.State == dspool.WorkerStateBusy {
			return w, nil
		}
	}
	return dspool.WorkerStatus{}, errors.New("no worker takes calls")
}

// serving waits until n workers take calls.
func serving(ctx context.Context, pool *dspool.Pool, n int) error {
	ctx, cancel := context.WithTimeout(ctx, stopTimeout)
	defer cancel()
	events := pool.Events(ctx)
	if pool.Status().Serving >= n {
		return nil
	}
	for range events {
		if pool.Status().Serving >= n {
			return nil
		}
	}
	return fmt.Errorf("the pool did not get %d workers in time", n)
}

// tireless never takes the kills of a measurement for a crash loop.
func tireless() dspool.Restart {
	return dspool.Restart{Failures: 1 << 20}
}

func kill(pid int) error {
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("kill worker %d: %w", pid, err)
	}
	return nil
}
