package dspool_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/testkit"
)

// A recorder keeps the events of a pool and lets tests wait for them.
type recorder struct {
	mu     sync.Mutex
	events []dspool.PoolEvent
	more   chan struct{}
	ended  chan struct{}
}

// record reads events from now on, until ctx ends or the pool has stopped.
func record(ctx context.Context, pool *dspool.Pool) *recorder {
	r := &recorder{more: make(chan struct{}, 1), ended: make(chan struct{})}
	seq := pool.Events(ctx)
	go func() {
		defer close(r.ended)
		for ev := range seq {
			r.mu.Lock()
			r.events = append(r.events, ev)
			r.mu.Unlock()
			select {
			case r.more <- struct{}{}:
			default:
			}
		}
	}()
	return r
}

// await waits for the next event of a kind, and forgets it and all before it.
func (r *recorder) await(t testing.TB, kind dspool.PoolEventKind) dspool.PoolEvent {
	t.Helper()
	ctx := testkit.Context(t, 30*time.Second)
	for {
		if ev, ok := r.take(kind); ok {
			return ev
		}
		select {
		case <-r.more:
		case <-ctx.Done():
			t.Fatalf("no event %s came", kind)
		}
	}
}

func (r *recorder) take(kind dspool.PoolEventKind) (dspool.PoolEvent, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, ev := range r.events {
		if ev.Kind == kind {
			r.events = r.events[i+1:]
			return ev, true
		}
	}
	return dspool.PoolEvent{}, false
}

// all returns what was recorded and not taken, once the events have ended.
func (r *recorder) all(t testing.TB) []dspool.PoolEvent {
	t.Helper()
	select {
	case <-r.ended:
	case <-testkit.Context(t, 30*time.Second).Done():
		t.Fatal("the events do not end")
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.events
}
