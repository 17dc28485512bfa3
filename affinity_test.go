package dspool_test

import (
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/testkit"
)

// CHK-126, CHK-48, CHK-49
func TestABindingIsToldWhenItChangesAndOnlyThen(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.Workers = 2 })
	ctx := testkit.Context(t, time.Minute)
	req := dspool.Request{Program: mock(t, "pid"), Session: "user-1"}
	var worker string
	for range 10 {
		resp, err := pool.Call(ctx, req)
		if err != nil {
			t.Fatal(err)
		}
		worker = resp.Worker
	}
	bound := seen.await(t, dspool.SessionBound)
	if bound.Session != "user-1" || bound.Worker != worker || bound.Reason != "first call" {
		t.Errorf("bound %+v", bound)
	}
	for _, w := range pool.Status().Workers {
		if w.ID == worker {
			kill(t, w.PID)
		}
	}
	if lost := seen.await(t, dspool.SessionReleased); lost.Worker != worker || lost.Count != 1 || lost.Session != "" {
		t.Errorf("released %+v", lost)
	}
	resp, err := pool.Call(ctx, req)
	if err != nil {
		t.Fatal(err)
	}
	again := seen.await(t, dspool.SessionBound)
	if again.Session != "user-1" || again.Worker != resp.Worker || again.Reason != "its worker had left" {
		t.Errorf("bound again %+v", again)
	}
	stopPool(t, pool)
	for _, ev := range seen.all(t) {
		if ev.Kind == dspool.SessionBound {
			t.Errorf("another binding: %+v", ev)
		}
	}
}

// CHK-49, CHK-122
func TestASessionIsWithItsWorkerInManyCallsAtOnce(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers = 4 })
	ctx := testkit.Context(t, time.Minute)
	if err := pool.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	pending := make(chan error, 16)
	for i := range 16 {
		go func() {
			for n := range 50 {
				_, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo"), Session: string(rune('a' + (i+n)%8))})
				if err != nil {
					pending <- err
					return
				}
			}
			pending <- nil
		}()
	}
	for range 16 {
		if err := <-pending; err != nil {
			t.Fatal(err)
		}
	}
	if st := pool.Status().Affinity; st.HitRate <= 0.95 || st.Hits+st.Misses != 800 || st.Bindings != 8 {
		t.Errorf("affinity %+v", st)
	}
}

func TestAnUnusedBindingEndsAlsoWhenNobodyCallsAnyMore(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.Affinity.TTL = 20 * time.Millisecond })
	if _, err := pool.Call(soon(t), dspool.Request{Program: mock(t, "echo"), Session: "s"}); err != nil {
		t.Fatal(err)
	}
	if ev := seen.await(t, dspool.SessionReleased); ev.Session != "s" || ev.Reason != "idle" || ev.Count != 1 {
		t.Errorf("released %+v", ev)
	}
}
