package dispatch_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/dispatch"
)

func share(name string) *dispatch.Share { return &dispatch.Share{Name: name} }

// flood lets n calls arrive that take the given time each.
func flood(t *testing.T, d *desk, n int, s *dispatch.Share, took time.Duration) *sync.WaitGroup {
	t.Helper()
	var calls sync.WaitGroup
	for range n {
		calls.Go(func() {
			s, err := d.Acquire(t.Context(), ask{Share: s})
			if err != nil {
				t.Error(err)
				return
			}
			pass(took)
			s.Release()
		})
	}
	synctest.Wait()
	return &calls
}

// worst is the longest wait of n calls that come one after the other.
func worst(t *testing.T, d *desk, n int, s *dispatch.Share, took time.Duration) (longest time.Duration) {
	t.Helper()
	for range n {
		s, err := d.Acquire(t.Context(), ask{Share: s})
		if err != nil {
			t.Fatal(err)
		}
		longest = max(longest, s.Waited())
		pass(took)
		s.Release()
	}
	return longest
}

func TestAFloodOfOneShareDelaysOthersByATurn(t *testing.T) {
	t.Parallel()
	const took = 10 * time.Millisecond
	for name, tt := range map[string]struct {
		flooding, other *dispatch.Share
		least, most     time.Duration
	}{
		"shares of their own":                {share("a"), share("b"), 0, took},
		"a flood of calls without a share":   {nil, share("b"), 0, took},
		"calls without a share in a flood":   {share("a"), nil, 0, took},
		"one share: first come, first serve": {share("a"), share("a"), time.Second, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				d := newDesk(dispatch.Config{QueueSize: 20_000}, 4, "w1", "w2")
				calls := flood(t, d, 10_000, tt.flooding, took)
				if got := worst(t, d, 50, tt.other, took); got > tt.most || got < tt.least {
					t.Errorf("a call waited %s behind the flood, want %s to %s", got, tt.least, tt.most)
				}
				calls.Wait()
			})
		})
	}
}

// fails returns the error of an arrival that must not wait any more.
func (r *arrival) fails(t *testing.T) error {
	t.Helper()
	if r.waiting() {
		t.Fatal("the call still waits")
	}
	return r.err
}

// A backlog is calls that wait for the only place of a target, and the order in
// which their shares have their turns.
type backlog struct {
	d     *desk
	mu    sync.Mutex
	order []string
	calls sync.WaitGroup
}

func (b *backlog) add(t *testing.T, a ask) {
	b.calls.Go(func() {
		s, err := b.d.Acquire(t.Context(), a)
		if err != nil {
			t.Error(err)
			return
		}
		b.mu.Lock()
		b.order = append(b.order, a.Share.Name)
		b.mu.Unlock()
		pass(time.Millisecond)
		s.Release()
	})
	synctest.Wait()
}

func (b *backlog) turns(t *testing.T, first slot) []string {
	t.Helper()
	first.Release()
	b.calls.Wait()
	return b.order
}

func TestTurnsFollowTheWeights(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backlog{d: newDesk(dispatch.Config{QueueSize: 100}, 1, "w1")}
		first := mustTake(t, b.d, ask{})
		for range 12 {
			b.add(t, ask{Share: &dispatch.Share{Name: "heavy", Weight: 3}})
		}
		for range 4 {
			b.add(t, ask{Share: &dispatch.Share{Name: "light", Weight: 1}})
		}
		order := b.turns(t, first)
		for n := range 4 {
			part := order[4*n : 4*n+4]
			if light := count(part, "light"); light != 1 {
				t.Errorf("turns %d to %d are %v, want three heavy ones for a light one", 4*n, 4*n+3, part)
			}
		}
	})
}

func count(list []string, of string) (n int) {
	for _, s := range list {
		if s == of {
			n++
		}
	}
	return n
}

// Between any two moments at which two shares both have calls waiting, the
// turns that they get, each divided by its weight, differ by at most one turn of
// each (theorem 1 of the paper that line.go names). Nobody starves.
func TestTurnsAreFairWhateverComes(t *testing.T) {
	t.Parallel()
	for seed := range uint64(30) {
		synctest.Test(t, func(t *testing.T) { checkFairness(t, seed) })
	}
}

func checkFairness(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // repeatable
	b := &backlog{d: newDesk(dispatch.Config{QueueSize: 10_000}, 1, "w1")}
	first := mustTake(t, b.d, ask{})
	weights, left := map[string]int{}, map[string]int{}
	var arrivals []*dispatch.Share
	for i := range 2 + r.IntN(6) {
		s := &dispatch.Share{Name: strconv.Itoa(i), Weight: 1 + r.IntN(5)}
		weights[s.Name] = s.Weight
		for range 1 + r.IntN(40) {
			arrivals = append(arrivals, s)
			left[s.Name]++
		}
	}
	r.Shuffle(len(arrivals), func(i, j int) { arrivals[i], arrivals[j] = arrivals[j], arrivals[i] })
	for _, s := range arrivals {
		b.add(t, ask{Share: s})
	}
	order := b.turns(t, first)
	if len(order) != len(arrivals) {
		t.Fatalf("%d of %d calls were served", len(order), len(arrivals))
	}
	had := map[string]float64{}
	for _, name := range order {
		had[name] += 1 / float64(weights[name])
		left[name]--
		for other, n := range left {
			bound := 1/float64(weights[name]) + 1/float64(weights[other]) + 1e-9
			if n > 0 && had[name]-had[other] > bound {
				t.Fatalf("seed %d: %s had %.2f turns by weight, %s %.2f while it waited", seed, name, had[name], other, had[other])
			}
		}
	}
}

func TestComingBackGainsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 1000}, 1, "w1")
		calls := flood(t, d, 100, share("flood"), time.Millisecond)
		began := time.Now()
		worst(t, d, 40, share("one by one"), time.Millisecond)
		if took := time.Since(began); took < 75*time.Millisecond {
			t.Errorf("40 calls one by one took %s: the flood got less than every other turn", took)
		}
		calls.Wait()
	})
}

func TestAFullQueueTakesFromTheLongestLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 4}, 1, "w1")
		held := mustTake(t, d, ask{})
		var flooding []*arrival
		for range 4 {
			flooding = append(flooding, arrive(t.Context(), d, ask{Share: share("a")}))
		}
		_, err := d.Acquire(t.Context(), ask{Share: share("a")})
		wantCode(t, err, fault.QueueFull)
		other := arrive(t.Context(), d, ask{Share: share("b")})
		if !other.waiting() {
			t.Fatal("a call of another share does not wait")
		}
		wantCode(t, flooding[3].fails(t), fault.QueueFull)
		second := arrive(t.Context(), d, ask{Share: share("b")})
		wantCode(t, flooding[2].fails(t), fault.QueueFull)
		_, err = d.Acquire(t.Context(), ask{Share: share("b")})
		wantCode(t, err, fault.QueueFull) // it has as many as a now
		held.Release()
		for _, next := range []*arrival{flooding[0], other, flooding[1], second} {
			next.served(t).Release()
		}
	})
}

func TestAShareHasALimitOfItsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 100}, 1, "w1")
		held := mustTake(t, d, ask{})
		small := &dispatch.Share{Name: "small", Queue: 2}
		one, two := arrive(t.Context(), d, ask{Share: small}), arrive(t.Context(), d, ask{Share: small})
		_, err := d.Acquire(t.Context(), ask{Share: small})
		if f := wantCode(t, err, fault.QueueFull); f.RetryAfter <= 0 || f.Details["share"] != "small" {
			t.Errorf("the error does not say whose limit it is and when to come back: %+v", f)
		}
		other := arrive(t.Context(), d, ask{Share: share("other")})
		if got := d.Stats().Shares; got["small"] != 2 || got["other"] != 1 {
			t.Errorf("Stats().Shares = %v, want small 2, other 1", got)
		}
		held.Release()
		one.served(t).Release()
		other.served(t).Release()
		two.served(t).Release()
	})
}

func TestACallThatLostItsTargetIsFirstInItsLine(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 100}, 1, "w1")
		held := mustTake(t, d, ask{})
		a := arrive(t.Context(), d, ask{Share: share("a")})
		b := arrive(t.Context(), d, ask{Share: share("b")})
		again := arrive(t.Context(), d, ask{Share: share("a"), Again: true})
		held.Release()
		again.served(t).Release()
		b.served(t).Release()
		a.served(t).Release()
	})
}

// Calls that only one target suits, and exclusive ones, wait for it without
// holding up calls of their own share or of others, and get it in the end.
func TestCallsThatWaitForOneTargetDoNotHoldUpTheirShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 100}, 1, "w1", "w2")
		w1, w2 := mustTake(t, d, ask{Only: "w1"}), mustTake(t, d, ask{Only: "w2"})
		bound := arrive(t.Context(), d, ask{Only: "w1", Share: share("a")})
		plain := arrive(t.Context(), d, ask{Share: share("a")})
		avoids := arrive(t.Context(), d, ask{Avoid: "w2", Share: share("b")})
		whole := arrive(t.Context(), d, ask{Exclusive: true, Share: share("b")})
		w2.Release()
		plain.served(t).Release() // w2; b's calls cannot use it, or want all of it
		whole.served(t).Release()
		if !bound.waiting() || !avoids.waiting() {
			t.Fatal("a call was served by a target that does not suit it")
		}
		w1.Release()
		bound.served(t).Release()
		avoids.served(t).Release()
	})
}

func TestLeavingAndForsakenCallsLeaveTheirLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := newDesk(dispatch.Config{QueueSize: 100, QueueTimeout: time.Second}, 1, "w1")
		held := mustTake(t, d, ask{})
		gone := fault.New(fault.Unavailable, "gone").WithStarted(fault.StartedNo)
		lost := arrive(t.Context(), d, ask{Only: "w9", Share: share("a")})
		late := arrive(t.Context(), d, ask{Share: share("b")})
		d.Forsake("w9", gone)
		wantCode(t, lost.fails(t), fault.Unavailable)
		pass(2 * time.Second)
		wantCode(t, late.fails(t), fault.QueueTimeout)
		if st := d.Stats(); st.Queued != 0 || st.Shares != nil {
			t.Errorf("Stats() = %+v, want nobody waiting", st)
		}
		closed := []*arrival{arrive(t.Context(), d, ask{Share: share("a")}), arrive(t.Context(), d, ask{Share: share("b")}), arrive(t.Context(), d, ask{})}
		d.Close(fault.New(fault.ShuttingDown, "closed").WithStarted(fault.StartedNo))
		for _, c := range closed {
			wantCode(t, c.fails(t), fault.ShuttingDown)
		}
		held.Release()
	})
}

func BenchmarkQueue(b *testing.B) {
	for _, shares := range []int{0, 1, 100, 1000} {
		b.Run(strconv.Itoa(shares)+" shares", func(b *testing.B) { benchmarkQueue(b, shares) })
	}
}

// benchmarkQueue measures a turn while 2,000 calls wait.
func benchmarkQueue(b *testing.B, shares int) {
	d := newDesk(dispatch.Config{QueueSize: 4000}, 1, "w1")
	names := slices.Repeat([]*dispatch.Share{nil}, max(shares, 1))
	for i := range shares {
		names[i] = share(strconv.Itoa(i))
	}
	b.ReportAllocs()
	b.SetParallelism(1000)
	var next sync.Mutex
	n := 0
	b.RunParallel(func(pb *testing.PB) {
		next.Lock()
		a := ask{Share: names[n%len(names)]}
		n++
		next.Unlock()
		for pb.Next() {
			s, err := d.Acquire(b.Context(), a)
			if err != nil {
				b.Error(err)
				return
			}
			s.Release()
		}
	})
}
