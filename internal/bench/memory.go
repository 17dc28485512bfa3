package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"

	"github.com/dspool/dspool"
)

const (
	memoryTarget  = 3
	memoryWorkers = 8
	memoryCalls   = 100 // per worker

	inFlightTarget = 1.2
	inFlightCalls  = 10_000
)

// memory compares a fork server and eight workers with one process that does
// the same alone.
func (b *bencher) memory(ctx context.Context) (figures []Figure, err error) {
	lm, model, err := practice()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, lm.Close()) }()
	many, err := b.residents(ctx, dspool.Config{Workers: memoryWorkers, LM: model})
	if err != nil {
		return nil, err
	}
	one, err := b.residents(ctx, dspool.Config{Workers: 1, Start: dspool.Spawn, LM: model})
	if err != nil {
		return nil, err
	}
	return []Figure{{
		Name: "memory_ratio", Value: float64(many) / float64(one), Unit: "ratio", Target: memoryTarget,
		Compared: "PSS of one such process alone, 100 calls each",
		Raw:      map[string]float64{"pool_mib": mebibytes(many), "one_mib": mebibytes(one)},
	}}, nil
}

func mebibytes(n int64) float64 { return float64(n) / (1 << 20) }

// residents returns the memory of all processes of a pool whose workers have
// served their calls.
func (b *bencher) residents(ctx context.Context, config dspool.Config) (total int64, err error) {
	pool, err := b.pool(ctx, config)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, stop(pool)) }()
	if err := serving(ctx, pool, config.Workers); err != nil {
		return 0, err
	}
	request, err := prediction(3)
	if err != nil {
		return 0, err
	}
	for range memoryCalls {
		err := each(ctx, config.Workers, func(ctx context.Context, _ int) error {
			_, err := pool.Call(ctx, request)
			return err //nolint:wrapcheck // each says where
		})
		if err != nil {
			return 0, err
		}
	}
	return processes(pool.Status())
}

func processes(status dspool.Status) (int64, error) {
	var total int64
	if status.ForkServerPID > 0 {
		n, err := pss(status.ForkServerPID)
		if err != nil {
			return 0, err
		}
		total += n
	}
	for _, w := range status.Workers {
		n, err := pss(w.PID)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// inFlight has ten thousand calls in flight at once, twice, and compares the
// host's memory after the second time with that after the first.
func (b *bencher) inFlight(ctx context.Context) (figures []Figure, err error) {
	pool, err := b.pool(ctx, dspool.Config{Workers: 2, WorkerConcurrency: inFlightCalls / 2, QueueSize: inFlightCalls})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, stop(pool)) }()
	if err := serving(ctx, pool, 2); err != nil {
		return nil, err
	}
	var heaps []float64
	for range 2 {
		if err := b.flood(ctx, pool); err != nil {
			return nil, err
		}
		heaps = append(heaps, heap())
	}
	return []Figure{{
		Name: "in_flight_memory_ratio", Value: heaps[1] / heaps[0], Unit: "ratio", Target: inFlightTarget,
		Compared: "host heap after 10,000 calls in flight, the time before",
		Raw:      map[string]float64{"heap_mib": heaps[1], "calls": inFlightCalls},
	}}, nil
}

func (b *bencher) flood(ctx context.Context, pool *dspool.Pool) error {
	request, err := b.functionRequest("wait", `{"seconds":1}`)
	if err != nil {
		return err
	}
	return each(ctx, inFlightCalls, func(ctx context.Context, _ int) error {
		response, err := pool.Call(ctx, request)
		if err == nil && string(response.Output) != "1.0" && string(response.Output) != "1" {
			return fmt.Errorf("a wrong answer: %s", response.Output)
		}
		return err //nolint:wrapcheck // each says where
	})
}

// heap returns what the host keeps after a collection, in MiB.
func heap() float64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return mebibytes(int64(stats.HeapAlloc)) //nolint:gosec // far below 2^63
}
