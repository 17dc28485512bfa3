package dspooltest

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool"
)

const (
	// awaitLimit bounds every wait of a Recorder, unless the test's own
	// deadline is earlier.
	awaitLimit = 30 * time.Second
	// recordedMax is how many events a Recorder keeps, shownMax how many of
	// them a failure shows.
	recordedMax = 4096
	shownMax    = 20
)

// An EventSource is what has events and a status, such as a [dspool.Pool] or a
// [dspool.Single].
type EventSource interface {
	Target
	// Events are read from when it returns.
	Events(ctx context.Context) iter.Seq[dspool.PoolEvent]
}

// kindSource is an EventSource that can tell kinds apart, so that the events of
// calls do not push out the others.
type kindSource interface {
	// EventsOf is Events for those kinds.
	EventsOf(ctx context.Context, kinds ...dspool.PoolEventKind) iter.Seq[dspool.PoolEvent]
}

// A Recorder keeps the events of a pool and lets a test wait for them, instead
// of sleeping: it returns the moment they are there. Waits are bounded by 30 s
// and by the test's deadline; one that is in vain fails the test and shows the
// last events. Methods may be called from the test's goroutine only.
type Recorder struct {
	t      testing.TB
	source EventSource

	mu      sync.Mutex
	events  []dspool.PoolEvent
	dropped int
	more    chan struct{} // closed, and made anew, with each event
	ended   bool
	next    int // the first event that no Await has returned
}

// Record keeps the events of a pool from now on, of these kinds or of all. It
// ends with the test, or when the pool has stopped. It keeps the last 4,096.
func Record(t testing.TB, source EventSource, kinds ...dspool.PoolEventKind) *Recorder {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r := &Recorder{t: t, source: source, more: make(chan struct{})}
	events := source.Events
	if some, ok := source.(kindSource); ok && len(kinds) > 0 {
		events = func(ctx context.Context) iter.Seq[dspool.PoolEvent] { return some.EventsOf(ctx, kinds...) }
	}
	seq := events(ctx) // subscribed from here on
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ev := range seq {
			r.add(ev)
		}
		r.end()
	}()
	t.Cleanup(func() {
		cancel()
		<-done
	})
	return r
}

func (r *Recorder) add(ev dspool.PoolEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) == recordedMax {
		half := recordedMax / 2
		r.events = append(r.events[:0], r.events[half:]...)
		r.dropped += half
		r.next = max(0, r.next-half)
	}
	r.events = append(r.events, ev)
	close(r.more)
	r.more = make(chan struct{})
}

func (r *Recorder) end() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ended = true
	close(r.more)
	r.more = make(chan struct{})
}

// Events returns what has been recorded and not been dropped, oldest first.
func (r *Recorder) Events() []dspool.PoolEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]dspool.PoolEvent(nil), r.events...)
}

// Await returns the next event of a kind after the one that the last Await
// returned, waiting for it if it has not come.
func (r *Recorder) Await(kind dspool.PoolEventKind) dspool.PoolEvent {
	r.t.Helper()
	return r.AwaitFunc(string(kind), func(ev dspool.PoolEvent) bool { return ev.Kind == kind })
}

// AwaitFunc is Await for the next event that fits; what names it in a failure.
func (r *Recorder) AwaitFunc(what string, fits func(dspool.PoolEvent) bool) dspool.PoolEvent {
	r.t.Helper()
	var found dspool.PoolEvent
	r.wait("event "+what, func() bool {
		for r.next < len(r.events) {
			found = r.events[r.next]
			if r.next++; fits(found) {
				return true
			}
		}
		return false
	})
	return found
}

// Eventually waits until the pool's status fulfils a condition, which is looked
// at now and after each event; what names it in a failure.
func (r *Recorder) Eventually(what string, holds func(dspool.Status) bool) {
	r.t.Helper()
	var st dspool.Status
	r.wait(what, func() bool {
		r.mu.Unlock()
		defer r.mu.Lock()
		st = r.source.Status()
		return holds(st)
	})
}

// AwaitIdle waits until no call is in flight or in the queue.
func (r *Recorder) AwaitIdle() {
	r.t.Helper()
	r.Eventually("the pool is idle", func(st dspool.Status) bool { return st.InFlight == 0 && st.Queue.Length == 0 })
}

// AwaitWhole waits until the pool is at full strength.
func (r *Recorder) AwaitWhole() {
	r.t.Helper()
	r.Eventually("the pool is at full strength", func(st dspool.Status) bool { return st.Want > 0 && st.Serving >= st.Want })
}

// wait returns when the condition holds, which is asked with the lock held.
func (r *Recorder) wait(what string, holds func() bool) {
	r.t.Helper()
	limit := time.NewTimer(r.patience())
	defer limit.Stop()
	for {
		r.mu.Lock()
		more, ended := r.more, r.ended
		if holds() {
			r.mu.Unlock()
			return
		}
		r.mu.Unlock()
		if ended {
			r.t.Fatalf("the events ended before: %s\n%s", what, r.last())
			return
		}
		select {
		case <-more:
		case <-limit.C:
			r.t.Fatalf("waited in vain: %s\n%s", what, r.last())
			return
		}
	}
}

// patience is what is left of the test, less a moment to say why it failed.
func (r *Recorder) patience() time.Duration {
	timed, ok := r.t.(interface{ Deadline() (time.Time, bool) })
	if !ok {
		return awaitLimit
	}
	if at, limited := timed.Deadline(); limited {
		return max(time.Second, min(awaitLimit, time.Until(at)-time.Second))
	}
	return awaitLimit
}

// last describes the last events, for a failure.
func (r *Recorder) last() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var b strings.Builder
	shown := r.events[max(0, len(r.events)-shownMax):]
	fmt.Fprintf(&b, "the last %d of %d events:", len(shown), len(r.events)+r.dropped)
	for _, ev := range shown {
		fmt.Fprintf(&b, "\n  %s %s", ev.At.Format("15:04:05.000"), ev.Kind)
		if ev.Worker != "" {
			fmt.Fprintf(&b, " %s", ev.Worker)
		}
		if ev.From != "" || ev.To != "" {
			fmt.Fprintf(&b, " %s -> %s", ev.From, ev.To)
		}
		if ev.Err != nil {
			fmt.Fprintf(&b, ": %v", ev.Err)
		}
	}
	return b.String()
}
