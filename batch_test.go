package dspool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

type number struct {
	N int `json:"n"`
}

// doubles is a Runner that gives 2n after n milliseconds, fails for 13, panics
// for 99 and never ends for 1000.
func doubles() *fakeRunner {
	return &fakeRunner{answer: func(ctx context.Context, req dspool.Request) (dspool.Response, error) {
		var in number
		if err := json.Unmarshal(req.Input, &in); err != nil {
			return dspool.Response{}, err
		}
		wait := time.Duration(in.N) * time.Millisecond
		switch in.N {
		case 13:
			return dspool.Response{}, fault.New(fault.ProgramError, "unlucky")
		case 99:
			panic("broken Runner")
		case 1000:
			wait = 1 << 62
		}
		select {
		case <-time.After(wait):
			return dspool.Response{Output: json.RawMessage(fmt.Sprint(2 * in.N))}, nil
		case <-ctx.Done():
			return dspool.Response{}, fault.From(ctx.Err())
		}
	}}
}

func double() dspool.Program[number, int] { return dspool.Func[number, int]("m:double") }

func numbers(ns ...int) []number {
	out := make([]number, len(ns))
	for i, n := range ns {
		out[i] = number{n}
	}
	return out
}

func TestABatchKeepsOrderAndFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := doubles()
		items := double().Batch(t.Context(), r, numbers(9, 13, 2, 99, 5, 1), dspool.BatchConfig{Concurrency: 3})
		for i, want := range []int{18, 0, 4, 0, 10, 2} {
			if items[i].Index != i || items[i].Result.Output != want {
				t.Errorf("item %d: %+v", i, items[i])
			}
		}
		wantFault(t, items[1].Err, fault.ProgramError, "unlucky")
		wantFault(t, items[3].Err, fault.Internal, "the Runner panicked: broken Runner")
		if peak := r.peak.Load(); peak != 3 {
			t.Errorf("%d calls at once, want 3", peak)
		}
		out, err := dspool.Outputs(items)
		if !slices.Equal(out, []int{18, 0, 4, 0, 10, 2}) || err == nil {
			t.Errorf("%v, %v", out, err)
		}
		wantFault(t, err, fault.ProgramError, "item 1: ", "item 3: ")
	})
}

func TestABatchEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		r := doubles()
		items := double().Batch(ctx, r, numbers(1000, 1000, 1, 2), dspool.BatchConfig{Concurrency: 2})
		for i, item := range items {
			wantFault(t, item.Err, fault.DeadlineExceeded)
			if !errors.Is(item.Err, context.DeadlineExceeded) {
				t.Errorf("item %d: %v is no context error", i, item.Err)
			}
		}
		if len(r.requests) != 2 || !fault.Retryable(items[2].Err) && fault.From(items[2].Err).Started != fault.StartedNo {
			t.Errorf("%d requests, %+v", len(r.requests), items[2].Err)
		}
	})
}

func TestABatchBoundsEachCall(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		items := double().Batch(t.Context(), doubles(), numbers(1, 1000, 3), dspool.BatchConfig{Timeout: time.Second})
		wantFault(t, items[1].Err, fault.DeadlineExceeded)
		if items[0].Err != nil || items[2].Err != nil {
			t.Errorf("%+v", items)
		}
	})
}

func TestABatchStopsAfterTooManyErrors(t *testing.T) {
	t.Parallel()
	r := doubles()
	items := double().Batch(soon(t), r, numbers(13, 13, 1, 1, 1), dspool.BatchConfig{Concurrency: 1, MaxErrors: 2})
	if len(r.requests) != 2 {
		t.Errorf("%d requests", len(r.requests))
	}
	for _, item := range items[2:] {
		wantFault(t, item.Err, fault.Canceled, "2 calls had failed")
	}
}

func TestAnEmptyBatch(t *testing.T) {
	t.Parallel()
	if items := double().Batch(soon(t), doubles(), nil, dspool.BatchConfig{}); len(items) != 0 {
		t.Error(items)
	}
	for item := range double().BatchSeq(soon(t), doubles(), slices.Values(numbers()), dspool.BatchConfig{}) {
		t.Error(item)
	}
}

func TestABatchSequenceKeepsOrderAndBounds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := doubles()
		taken := 0
		counted := func(yield func(number) bool) {
			for i := 100; i < 200; i++ {
				if taken++; !yield(number{300 - i}) {
					return
				}
			}
		}
		next := 0
		for item := range double().BatchSeq(t.Context(), r, counted, dspool.BatchConfig{Concurrency: 5}) {
			if item.Index != next || item.Result.Output != 2*(200-next) || item.Err != nil {
				t.Errorf("%+v, want index %d", item, next)
			}
			if next++; taken > next+20 {
				t.Fatalf("%d inputs taken for %d items", taken, next)
			}
		}
		if next != 100 || r.peak.Load() != 5 {
			t.Errorf("%d items, %d at once", next, r.peak.Load())
		}
	})
}

func TestLeavingABatchSequenceEndsItsCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := doubles()
		endless := iter.Seq[number](func(yield func(number) bool) {
			for n := 1; yield(number{n}); n = 1000 {
			}
		})
		var once sync.Once
		for item := range double().BatchSeq(t.Context(), r, endless, dspool.BatchConfig{Concurrency: 4}) {
			once.Do(func() {
				if item.Result.Output != 2 {
					t.Errorf("%+v", item)
				}
			})
			break
		}
		if n := r.running.Load(); n != 0 {
			t.Errorf("%d calls still run", n)
		}
	})
}
