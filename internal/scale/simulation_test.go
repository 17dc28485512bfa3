package scale

import (
	"context"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/internal/dispatch"
)

const (
	places  = 4                      // of a simulated worker
	service = 200 * time.Millisecond // of a simulated call
	birth   = 30 * time.Millisecond  // of a simulated worker
)

type target string

func (t target) ID() string { return string(t) }

// A simulation is a dispatcher whose workers a policy adds and removes, once
// per second of a false clock.
type simulation struct {
	desk    *dispatch.Dispatcher[target]
	policy  *Policy
	workers []target
	born    int
	calls   sync.WaitGroup

	mu     sync.Mutex
	waits  []time.Duration // of the calls since the last look
	totals []int           // after each second
	sizes  []int
}

func simulate(t *testing.T, cfg Config, seconds int, rate func(second int) int) *simulation {
	t.Helper()
	cfg.PerWorker = places
	s := &simulation{desk: dispatch.New[target](dispatch.Config{QueueSize: 1 << 20}), policy: New(cfg)}
	s.resize(cfg.Min)
	for second := range seconds {
		s.second(t.Context(), rate(second))
	}
	s.calls.Wait()
	return s
}

// second lets calls arrive in equal distances, and then the policy look.
func (s *simulation) second(ctx context.Context, calls int) {
	tick := time.NewTimer(time.Second)
	if calls > 0 {
		every := time.NewTicker(time.Second / time.Duration(calls+1))
		for range calls {
			<-every.C
			s.calls.Go(func() { s.call(ctx) })
		}
		every.Stop()
	}
	<-tick.C
	st := s.desk.Stats()
	d := s.policy.Decide(time.Now(), Load{Serving: st.Targets, InFlight: st.InFlight, Queued: st.Queued, Oldest: st.Oldest})
	s.resize(d.Total())
	s.totals, s.sizes = append(s.totals, d.Total()), append(s.sizes, d.Size)
}

func (s *simulation) call(ctx context.Context) {
	slot, err := s.desk.Acquire(ctx, dispatch.Ask{})
	if err != nil {
		return
	}
	s.mu.Lock()
	s.waits = append(s.waits, slot.Waited())
	s.mu.Unlock()
	<-time.After(service)
	slot.Release()
}

func (s *simulation) resize(n int) {
	for len(s.workers) > n {
		last := len(s.workers) - 1
		s.desk.Remove(s.workers[last].ID())
		s.workers = s.workers[:last]
	}
	for len(s.workers) < n {
		s.born++
		w := target("w" + strconv.Itoa(s.born))
		s.workers = append(s.workers, w)
		time.AfterFunc(birth, func() { s.desk.Add(w, places) })
	}
}

// turns counts how often a series goes from up to down or back.
func turns(series []int) (n int) {
	direction := 0
	for i := 1; i < len(series); i++ {
		d := series[i] - series[i-1]
		if d*direction < 0 {
			n++
		}
		if d != 0 {
			direction = d
		}
	}
	return n
}

func highest(series []int) (most int) {
	for _, n := range series {
		most = max(most, n)
	}
	return most
}

// CHK-119, CHK-128: each kind of load, half an hour of it. A worker does 20
// calls per second. No kind makes the size go up and down in turn.
func TestNoLoadMakesTheSizeFlap(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		overflow int
		rate     func(second int) int
		peak     [2]int // of all workers: at least, at most
		turns    int    // of the size
		last     int    // the size in the end
	}{
		"steady":              {0, func(int) int { return 20 }, [2]int{2, 2}, 0, 2},
		"steady at the limit": {0, func(int) int { return 38 }, [2]int{2, 3}, 0, 2},
		"ramp_up":             {0, func(s int) int { return min(10+s/6, 200) }, [2]int{10, 14}, 0, -1},
		"up and down": {0, func(s int) int {
			if s < 600 {
				return 10 + s/4
			}
			return 10
		}, [2]int{8, 12}, 1, 2},
		"spike": {4, func(s int) int {
			if s >= 400 && s < 402 {
				return 200
			}
			return 10
		}, [2]int{4, 8}, 1, 2},
		"small spike": {4, func(s int) int {
			if s == 400 {
				return 70
			}
			return 30
		}, [2]int{3, 4}, 0, 2},
		"burst": {0, func(s int) int {
			if s%60 < 10 {
				return 150
			}
			return 5
		}, [2]int{6, 20}, 0, -1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := simulate(t, defaults(2, 20, tt.overflow), 1800, tt.rate)
				most, n, last := highest(s.totals), turns(s.sizes), s.sizes[len(s.sizes)-1]
				t.Logf("%d calls; most %d workers, %d turns of the size, %d of all; %d at last", len(s.waits), most, n, turns(s.totals), last)
				if most < tt.peak[0] || most > tt.peak[1] {
					t.Errorf("most %d workers, want %v", most, tt.peak)
				}
				if n > tt.turns || tt.last >= 0 && last != tt.last {
					t.Errorf("%d turns, %d at last, want %d and %d", n, last, tt.turns, tt.last)
				}
			})
		})
	}
}

// It reacts within seconds: a load that doubles is served without a queue soon.
func TestTheQueueIsGoneWithinSecondsOfADoubledLoad(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := simulate(t, defaults(2, 20, 2), 60, func(second int) int {
			if second < 20 {
				return 30
			}
			return 60
		})
		waited := 0
		for _, w := range s.waits[30*20+60*15:] {
			if w > WaitMaxDefault {
				waited++
			}
		}
		if waited > 0 {
			t.Errorf("%d calls waited for long 15 s after the load had doubled; sizes %v", waited, s.totals)
		}
	})
}
