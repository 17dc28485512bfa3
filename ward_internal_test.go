package dspool

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/testkit"
)

// A worker that is degraded and restored all the time, in the midst of calls
// that are being handed to it, loses none of them: also the only one.
func TestNoCallIsLostWhileItsWorkerIsDegradedAndRestored(t *testing.T) {
	t.Parallel()
	spec, err := NewFunc("mock:echo")
	if err != nil {
		t.Fatal(err)
	}
	pool, err := New(Config{Command: testkit.Worker(t), Workers: 1, WorkerConcurrency: 4, Health: Health{Interval: -1}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, 3*time.Minute)
	if err := pool.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Stop(context.Background()) })
	if err := pool.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	only := patient{pool.roster.all()[0], pool.ward}
	over := make(chan struct{})
	var flips sync.WaitGroup
	flips.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				only.Degrade("a check failed")
				only.Restore("a check passed")
			}
		}
	})
	var callers sync.WaitGroup
	for range 8 {
		callers.Go(func() {
			for range 250 {
				if _, err := pool.Call(ctx, Request{Program: spec}); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	callers.Wait()
	close(over)
	flips.Wait()
	// A look at the pool while its worker was out may have raised no_workers,
	// which the next look takes away.
	if st := pool.Status(); st.InFlight != 0 || st.Workers[0].Calls != 2000 || st.Workers[0].State != WorkerStateReady {
		t.Errorf("in the end: %d in flight, %+v", st.InFlight, st)
	}
}

// A look at the pool while it starts or stops finds no workers either, but that
// is as it should be.
func TestNoWorkersIsNoConditionBeforeTheFirstOrAfterStop(t *testing.T) {
	t.Parallel()
	pool, err := New(Config{Command: testkit.Worker(t), Workers: 1, Health: Health{Interval: -1}})
	if err != nil {
		t.Fatal(err)
	}
	look := func(when string) {
		t.Helper()
		pool.ward.survey(time.Now())
		if held := pool.board.list(); len(held) != 0 {
			t.Errorf("%s: %+v", when, held)
		}
	}
	look("before Start")
	ctx := testkit.Context(t, time.Minute)
	if err := pool.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pool.Stop(context.Background()) })
	if err := pool.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	// The first worker comes between two halves of a look.
	pool.ward.assess(0, false)
	look("while it serves")
	only := patient{pool.roster.all()[0], pool.ward}
	only.Degrade("a check failed")
	pool.ward.survey(time.Now())
	if held := pool.board.list(); len(held) != 2 || held[0].Code != NoWorkers {
		t.Errorf("while its worker is degraded: %+v", held)
	}
	only.Restore("a check passed")
	look("while it serves again")
	if err := pool.Stop(ctx); err != nil {
		t.Fatal(err)
	}
	look("after Stop")
}
