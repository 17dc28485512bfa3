package dspool

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsHaveNoGapAndKeepTheirPrecision(t *testing.T) {
	t.Parallel()
	for i := range bucketCount {
		bound := bucketBound(i)
		if got := bucketOf(bound); got != i {
			t.Fatalf("the bound %v of bucket %d counts in %d", bound, i, got)
		}
		if i+1 < bucketCount && bucketOf(bound+1) != i+1 {
			t.Fatalf("just above %v counts in %d, want %d", bound, bucketOf(bound+1), i+1)
		}
		if low := bound; i > bucketsEach && bound-bucketBound(i-1) > low/bucketsEach {
			t.Errorf("bucket %d is %v wide at %v", i, bound-bucketBound(i-1), bound)
		}
	}
	for d, want := range map[time.Duration]int{-time.Second: 0, 0: 0, 1: 0, 100 * 24 * time.Hour: bucketCount - 1} {
		if got := bucketOf(d); got != want {
			t.Errorf("%v counts in %d, want %d", d, got, want)
		}
	}
}

func TestQuantilesAreThoseOfTheValues(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	var h histogram
	values := make([]time.Duration, 10_000)
	for i := range values {
		values[i] = time.Duration(rng.ExpFloat64() * float64(20*time.Millisecond))
		h.observe(values[i])
	}
	slices.Sort(values)
	d := h.read()
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 1} {
		exact := values[max(int(q*float64(len(values)))-1, 0)]
		if got := d.Quantile(q); got < exact || got > exact+exact/bucketsEach+time.Microsecond {
			t.Errorf("quantile %v is %v, want %v and at most an eighth more", q, got, exact)
		}
	}
	if d.Count != 10_000 || d.Mean() != d.Sum/10_000 {
		t.Errorf("count %d, mean %v", d.Count, d.Mean())
	}
	if zero := (Distribution{}); zero.Quantile(0.5) != 0 || zero.Mean() != 0 || zero.AtMost(time.Hour) != 0 {
		t.Error("an empty distribution is not empty")
	}
}

func TestDistributionsAddAndSubtract(t *testing.T) {
	t.Parallel()
	var h histogram
	h.observe(time.Millisecond)
	before := h.read()
	h.observe(time.Second)
	h.observe(time.Second)
	after := h.read()
	diff := after.Since(before)
	if diff.Count != 2 || diff.Sum != 2*time.Second || diff.AtMost(1024*time.Microsecond) != 0 || diff.AtMost(2*time.Second) != 2 {
		t.Errorf("since: %+v", diff)
	}
	if sum := before.Plus(diff); sum.Count != 3 || sum.Sum != after.Sum || sum.AtMost(1024*time.Microsecond) != 1 {
		t.Errorf("plus: %+v", sum)
	}
	if got := after.Since(Distribution{}); got.Count != 3 {
		t.Errorf("since nothing: %+v", got)
	}
	if got := (Distribution{}).Plus(after); got.Count != 3 {
		t.Errorf("nothing plus: %+v", got)
	}
}
