package dspool

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/fault"
)

// BatchConcurrencyDefault is how many calls of a batch run at once by default.
const BatchConcurrencyDefault = 64

// A BatchConfig says how a batch runs. The zero value works.
type BatchConfig struct {
	// Concurrency is how many calls are in flight at once. Defaults to 64.
	Concurrency int
	// Timeout bounds each call by itself. Defaults to none besides the
	// Runner's own.
	Timeout time.Duration
	// MaxErrors ends the batch once that many calls have failed; those that
	// have not begun then fail with canceled, those that run are left to
	// finish. Defaults to 0: the batch always runs to its end.
	MaxErrors int
}

// An Item is what one input of a batch led to.
type Item[Out any] struct {
	// Index is the input's place.
	Index int
	// Result is the call's result; only its zero value when Err is set.
	Result Result[Out]
	// Err is why the call failed, or nil.
	Err error
}

// Outputs returns the outputs of a batch in order, and the errors of all items
// that failed, joined. Failed items leave the zero value in their place.
func Outputs[Out any](items []Item[Out]) ([]Out, error) {
	out := make([]Out, len(items))
	var errs []error
	for i, item := range items {
		out[i] = item.Result.Output
		if item.Err != nil {
			errs = append(errs, fmt.Errorf("item %d: %w", item.Index, item.Err))
		}
	}
	return out, errors.Join(errs...)
}

// Batch runs the program for every input, several at once, and returns one item
// for each, in the order of the inputs. A failed call is its own item's error
// and does not stop the others. When ctx ends, calls that run are canceled and
// those that have not begun fail at once; Batch returns when all have ended.
func (p Program[In, Out]) Batch(ctx context.Context, r Runner, inputs []In, cfg BatchConfig) []Item[Out] {
	items := make([]Item[Out], len(inputs))
	b := newBatch(p, r, cfg)
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(b.cfg.Concurrency, len(inputs)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < len(inputs); i = int(next.Add(1)) - 1 {
				items[i] = b.item(ctx, i, inputs[i])
			}
		})
	}
	wg.Wait()
	return items
}

// BatchSeq is [Program.Batch] for inputs that are not all there yet, or too
// many to hold: it takes an input when there is room, and yields items in the
// order of the inputs. It runs at most cfg.Concurrency calls at once and holds
// at most four times as many results. inputs is asked for more only while the
// next item is not ready; it runs on the goroutine of the loop. Leaving the loop
// cancels the calls that run and waits for them.
func (p Program[In, Out]) BatchSeq(ctx context.Context, r Runner, inputs iter.Seq[In], cfg BatchConfig) iter.Seq[Item[Out]] {
	return func(yield func(Item[Out]) bool) {
		ctx, cancel := context.WithCancel(ctx)
		b := newBatch(p, r, cfg)
		defer b.running.Wait()
		defer cancel()
		next, stop := iter.Pull(inputs)
		defer stop()
		var pending []chan Item[Out]
		for i := 0; ; {
			for len(pending) == 0 || len(pending[0]) == 0 && len(pending) < 4*b.cfg.Concurrency {
				in, ok := next()
				if !ok {
					break
				}
				pending = append(pending, b.begin(ctx, i, in))
				i++
			}
			if len(pending) == 0 || !yield(<-pending[0]) {
				return
			}
			pending = pending[1:]
		}
	}
}

// batch is the state that the calls of one batch share.
type batch[In, Out any] struct {
	program Program[In, Out]
	runner  Runner
	cfg     BatchConfig
	failed  atomic.Int64
	slots   chan struct{} // one for each call in flight; for begin
	running sync.WaitGroup
}

func newBatch[In, Out any](p Program[In, Out], r Runner, cfg BatchConfig) *batch[In, Out] {
	if cfg.Concurrency <= 0 {
		cfg.Concurrency = BatchConcurrencyDefault
	}
	return &batch[In, Out]{program: p, runner: r, cfg: cfg, slots: make(chan struct{}, cfg.Concurrency)}
}

// begin runs one input as soon as a slot is free. The channel always gets its
// item.
func (b *batch[In, Out]) begin(ctx context.Context, i int, in In) chan Item[Out] {
	done := make(chan Item[Out], 1)
	b.running.Go(func() {
		b.slots <- struct{}{}
		defer func() { <-b.slots }()
		done <- b.item(ctx, i, in)
	})
	return done
}

// item runs one input.
func (b *batch[In, Out]) item(ctx context.Context, i int, in In) (item Item[Out]) {
	item.Index = i
	skipped := false
	defer func() {
		if r := recover(); r != nil {
			item.Err = fault.Newf(fault.Internal, "the Runner panicked: %v\n%s", r, debug.Stack())
		}
		if item.Err != nil && !skipped {
			b.failed.Add(1)
		}
	}()
	if err := b.over(ctx); err != nil {
		item.Err, skipped = err, true
		return item
	}
	if b.cfg.Timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, b.cfg.Timeout)
		defer cancel()
	}
	res, err := b.program.Do(ctx, b.runner, in)
	if err != nil {
		item.Err = err
		return item
	}
	item.Result = res
	return item
}

// over says why no further call may begin, or nil.
func (b *batch[In, Out]) over(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fault.Wrap(fault.CodeOf(err), err, "the batch ended before this call began").WithStarted(fault.StartedNo)
	}
	if n := b.failed.Load(); b.cfg.MaxErrors > 0 && n >= int64(b.cfg.MaxErrors) {
		return fault.Newf(fault.Canceled, "the batch ended before this call began: %d calls had failed", n).WithStarted(fault.StartedNo)
	}
	return nil
}
