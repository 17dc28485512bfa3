package dispatch_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
)

// load watches one target for broken promises.
type load struct {
	name     string
	capacity int64
	shared   atomic.Int64
	whole    atomic.Int64
}

func (l *load) ID() string { return l.name }

func (l *load) use(t *testing.T, exclusive bool) {
	if exclusive {
		if l.whole.Add(1) != 1 || l.shared.Load() != 0 {
			t.Error("an exclusive call is not alone")
		}
		l.whole.Add(-1)
		return
	}
	if l.shared.Add(1) > l.capacity || l.whole.Load() != 0 {
		t.Error("a target is beyond its capacity, or shared with an exclusive call")
	}
	l.shared.Add(-1)
}

func TestPromisesHoldUnderAStorm(t *testing.T) {
	t.Parallel()
	d := dispatch.New[*load](dispatch.Config{QueueSize: 64, QueueTimeout: 5 * time.Second})
	for i := range 3 {
		d.Add(&load{name: fmt.Sprint("w", i), capacity: 3}, 3)
	}
	var calls sync.WaitGroup
	for n := range 48 {
		calls.Go(func() { storm(t, d, n) })
	}
	stop := make(chan struct{})
	var churn sync.WaitGroup
	churn.Go(func() {
		for i := 0; ; i++ {
			select {
			case <-stop:
				return
			default:
				d.Remove(fmt.Sprint("w", i))
				d.Add(&load{name: fmt.Sprint("w", i+3), capacity: 3}, 3)
			}
		}
	})
	calls.Wait()
	close(stop)
	churn.Wait()
	if st := d.Stats(); st.InFlight != 0 || st.Queued != 0 || st.Targets != 3 {
		t.Errorf("after the storm: %+v", st)
	}
}

func storm(t *testing.T, d *dispatch.Dispatcher[*load], seed int) {
	random := rand.New(rand.NewPCG(uint64(seed), 7))
	for range 300 {
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+random.IntN(2000))*time.Microsecond)
		exclusive := random.IntN(8) == 0
		s, err := d.Acquire(ctx, dispatch.Ask{Exclusive: exclusive, Again: random.IntN(9) == 0})
		if err == nil {
			s.Target().use(t, exclusive)
			s.Release()
		} else if c := fault.CodeOf(err); c != fault.DeadlineExceeded && c != fault.QueueFull {
			t.Errorf("unexpected error %v", err)
		}
		cancel()
	}
}

func TestACallThatNeedNotWaitAllocatesNothing(t *testing.T) {
	d := newDesk(dispatch.Config{QueueSize: 4}, 8, "a", "b", "c", "d")
	ctx := t.Context()
	allocs := testing.AllocsPerRun(1000, func() {
		s, err := d.Acquire(ctx, ask{})
		if err != nil {
			t.Fatal(err)
		}
		s.Release()
	})
	if allocs != 0 {
		t.Errorf("%v allocations per call, want none", allocs)
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	for _, seats := range []int{2, 16} {
		b.Run(fmt.Sprint(seats, "_targets"), func(b *testing.B) {
			d := dispatch.New[seatName](dispatch.Config{QueueSize: 1 << 20})
			for i := range seats {
				d.Add(seatName(fmt.Sprint(i)), 256)
			}
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					s, err := d.Acquire(context.Background(), dispatch.Ask{})
					if err != nil {
						b.Error(err)
						return
					}
					s.Release()
				}
			})
		})
	}
}
