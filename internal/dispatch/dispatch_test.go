package dispatch_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
)

type seatName string

func (n seatName) ID() string { return string(n) }

type (
	desk = dispatch.Dispatcher[seatName]
	slot = dispatch.Slot[seatName]
	ask  = dispatch.Ask
)

func newDesk(cfg dispatch.Config, capacity int, names ...seatName) *desk {
	d := dispatch.New[seatName](cfg)
	for _, n := range names {
		d.Add(n, capacity)
	}
	return d
}

// pass lets the bubble's clock run on.
func pass(d time.Duration) { <-time.After(d) }

// mustTake acquires a slot that has to be free right now.
func mustTake(t *testing.T, d *desk, a ask) slot {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	cancel() // whoever has to wait fails at once
	s, err := d.Acquire(ctx, a)
	if err != nil {
		t.Fatalf("Acquire(%+v): %v", a, err)
	}
	return s
}

func wantCode(t *testing.T, err error, code fault.Code) *fault.Error {
	t.Helper()
	if got := fault.CodeOf(err); got != code {
		t.Fatalf("error %v, code %q, want %q", err, got, code)
	}
	f := fault.From(err)
	if f.Started != fault.StartedNo {
		t.Errorf("Started = %q, want no: nothing of a call in the queue has run", f.Started)
	}
	return f
}

// arrival is a call that waits in the background.
type arrival struct {
	slot slot
	err  error
	done chan struct{}
}

func arrive(ctx context.Context, d *desk, a ask) *arrival {
	r := &arrival{done: make(chan struct{})}
	go func() {
		defer close(r.done)
		r.slot, r.err = d.Acquire(ctx, a)
	}()
	synctest.Wait()
	return r
}

func (r *arrival) waiting() bool {
	synctest.Wait()
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

func (r *arrival) served(t *testing.T) slot {
	t.Helper()
	if r.waiting() {
		t.Fatal("the call still waits")
	}
	if r.err != nil {
		t.Fatalf("the call failed: %v", r.err)
	}
	return r.slot
}

func TestTheLeastLoadedTargetIsChosenAndTiesTakeTurns(t *testing.T) {
	t.Parallel()
	d := newDesk(dispatch.Config{}, 10, "a", "b", "c")
	seen := map[seatName]int{}
	var held []slot
	for range 9 {
		s := mustTake(t, d, ask{})
		seen[s.Target()]++
		held = append(held, s)
	}
	for name, n := range seen {
		if n != 3 {
			t.Errorf("target %s got %d of 9 calls, want 3", name, n)
		}
	}
	freed := held[4].Target()
	held[4].Release()
	if got := mustTake(t, d, ask{}).Target(); got != freed {
		t.Errorf("chose %s although %s has fewer calls", got, freed)
	}
}

func TestIdleTargetsAllGetWork(t *testing.T) {
	t.Parallel()
	d := newDesk(dispatch.Config{}, 4, "a", "b")
	seen := map[seatName]int{}
	for range 10 {
		s := mustTake(t, d, ask{})
		seen[s.Target()]++
		s.Release()
	}
	if seen["a"] != 5 || seen["b"] != 5 {
		t.Errorf("one call at a time was spread as %v, want evenly", seen)
	}
}

func TestTheQueueIsServedInOrderOfArrival(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 8}, 1, "a")
		s := mustTake(t, d, ask{})
		var line []*arrival
		for range 3 {
			line = append(line, arrive(t.Context(), d, ask{}))
		}
		for i, r := range line {
			s.Release()
			s = r.served(t)
			for _, later := range line[i+1:] {
				if !later.waiting() {
					t.Fatalf("a later call was served before call %d released its slot", i)
				}
			}
		}
		s.Release()
	})
}

func TestCallsWaitForTheFirstTarget(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 8}, 1)
		r := arrive(t.Context(), d, ask{})
		pass(3 * time.Second)
		d.Add("late", 1)
		s := r.served(t)
		if s.Waited() != 3*time.Second {
			t.Errorf("Waited = %s, want 3s", s.Waited())
		}
	})
}

func TestAFullQueueRefusesAndSaysWhenToComeBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 2}, 1, "a")
		s := mustTake(t, d, ask{})
		line := []*arrival{arrive(t.Context(), d, ask{}), arrive(t.Context(), d, ask{})}
		for range 10 { // one call each 200 ms, and the line stays two long
			pass(200 * time.Millisecond)
			s.Release()
			s = line[0].served(t)
			line = append(line[1:], arrive(t.Context(), d, ask{}))
		}
		_, err := d.Acquire(t.Context(), ask{})
		f := wantCode(t, err, fault.QueueFull)
		if f.RetryAfter < 500*time.Millisecond || f.RetryAfter > 700*time.Millisecond {
			t.Errorf("RetryAfter = %s, want about 3 x 200ms", f.RetryAfter)
		}
		if !f.Retryable() {
			t.Error("queue_full is not retryable")
		}
		s.Release()
		for _, r := range line {
			r.served(t).Release()
		}
	})
}

func TestWithoutAQueueABusyPoolRefusesAtOnce(t *testing.T) {
	t.Parallel()
	d := newDesk(dispatch.Config{}, 1)
	_, err := d.Acquire(t.Context(), ask{})
	wantCode(t, err, fault.Unavailable)
	d.Add("a", 1)
	mustTake(t, d, ask{})
	_, err = d.Acquire(t.Context(), ask{})
	wantCode(t, err, fault.QueueFull)
}

func TestTheQueueEndsAWaitByWhateverComesFirst(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		queueTimeout, budget, ctx time.Duration
		want                      fault.Code
		after                     time.Duration
	}{
		"the queue's own limit":      {time.Second, time.Minute, time.Minute, fault.QueueTimeout, time.Second},
		"the call's budget":          {time.Minute, 2 * time.Second, time.Minute, fault.DeadlineExceeded, 2 * time.Second},
		"the context's deadline":     {time.Minute, time.Hour, 3 * time.Second, fault.DeadlineExceeded, 3 * time.Second},
		"the budget without a limit": {0, 4 * time.Second, time.Minute, fault.DeadlineExceeded, 4 * time.Second},
		"the limit without a budget": {time.Second, 0, time.Minute, fault.QueueTimeout, time.Second},
		"the context without either": {0, 0, 5 * time.Second, fault.DeadlineExceeded, 5 * time.Second},
		"a budget that is used up":   {time.Minute, -time.Second, time.Minute, fault.DeadlineExceeded, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(dispatch.Config{QueueSize: 1, QueueTimeout: tt.queueTimeout}, 1)
				ctx, cancel := context.WithTimeout(t.Context(), tt.ctx)
				defer cancel()
				begin, a := time.Now(), ask{}
				if tt.budget != 0 {
					a.Deadline = begin.Add(tt.budget)
				}
				_, err := d.Acquire(ctx, a)
				wantCode(t, err, tt.want)
				if took := time.Since(begin); took != tt.after {
					t.Errorf("gave up after %s, want %s", took, tt.after)
				}
				if st := d.Stats(); st.Queued != 0 {
					t.Errorf("%d calls still queued", st.Queued)
				}
			})
		})
	}
}

func TestACallerThatLeavesMakesRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 2}, 1, "a")
		s := mustTake(t, d, ask{})
		ctx, cancel := context.WithCancel(t.Context())
		leaver, stayer := arrive(ctx, d, ask{}), arrive(t.Context(), d, ask{})
		cancel()
		if leaver.waiting() {
			t.Fatal("the cancelled call still waits")
		}
		wantCode(t, leaver.err, fault.Canceled)
		newcomer := arrive(t.Context(), d, ask{})
		s.Release()
		stayer.served(t).Release()
		newcomer.served(t).Release()
	})
}
