package dspooltest

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool"
)

// RunConcurrent runs do n times at once and waits for all. It returns their
// errors in order, nil where there was none.
func RunConcurrent(ctx context.Context, n int, do func(ctx context.Context, i int) error) []error {
	errs := make([]error, n)
	begin := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-begin
			errs[i] = do(ctx, i)
		})
	}
	close(begin)
	all.Wait()
	return errs
}

// A Concurrency is how calls at once compare with one call alone.
type Concurrency struct {
	// Alone is how long one call took, Together how long n at once took.
	Alone, Together time.Duration
	// Ratio is Together divided by Alone: 1 is perfect, n is one after the other.
	Ratio float64
}

// VerifyConcurrent makes one call, then n at once, and fails the test unless
// every one of them is answered as check wants it: a call's answer is its own,
// not a neighbour's. make returns the i-th request. What is measured is
// returned for the test to judge.
func VerifyConcurrent(t testing.TB, r dspool.Runner, n int, request func(i int) dspool.Request, check func(i int, resp dspool.Response) error) Concurrency {
	t.Helper()
	one := func(ctx context.Context, i int) error {
		resp, err := r.Call(ctx, request(i))
		if err != nil {
			return err //nolint:wrapcheck // the call's own
		}
		return check(i, resp)
	}
	began := time.Now()
	if err := one(t.Context(), 0); err != nil {
		t.Errorf("one call alone: %v", err)
	}
	c := Concurrency{Alone: time.Since(began)}
	began = time.Now()
	for i, err := range RunConcurrent(t.Context(), n, one) {
		if err != nil {
			t.Errorf("call %d of %d at once: %v", i, n, err)
		}
	}
	c.Together = time.Since(began)
	c.Ratio = float64(c.Together) / float64(max(c.Alone, 1))
	return c
}

// OutputIs is a check for VerifyConcurrent and Workload: the output is what
// encoding/json makes of want(i).
func OutputIs(want func(i int) any) func(i int, resp dspool.Response) error {
	return func(i int, resp dspool.Response) error {
		raw, err := json.Marshal(want(i))
		if err != nil {
			return fmt.Errorf("the output that is wanted is not JSON: %w", err)
		}
		if string(raw) != string(resp.Output) {
			return fmt.Errorf("the output is %.200s, want %.200s", resp.Output, raw)
		}
		return nil
	}
}
