package dspool

import (
	"math"
	"math/bits"
	"sync/atomic"
	"time"
)

// The buckets of a histogram count whole microseconds: one each below 8, and 8
// for every power of two from there to 2^32, which is over an hour. A bucket is
// therefore at most an eighth as wide as its values are large. It is the scheme
// of HdrHistogram, with three bits of precision.
const (
	bucketBits  = 3
	bucketsEach = 1 << bucketBits
	bucketsTop  = 32 // powers of two
	bucketCount = (bucketsTop - bucketBits + 1) * bucketsEach
)

// A histogram counts durations. Its memory is fixed (2 kB), an observation is
// two atomic additions, and none is ever lost. The zero value is ready.
type histogram struct {
	counts [bucketCount]atomic.Int64
	sum    atomic.Int64
}

// observe counts one duration.
func (h *histogram) observe(d time.Duration) {
	d = max(d, 0)
	h.counts[bucketOf(d)].Add(1)
	h.sum.Add(int64(d))
}

// read returns what was counted so far.
func (h *histogram) read() Distribution {
	d := Distribution{Sum: time.Duration(h.sum.Load()), counts: make([]int64, bucketCount)}
	for i := range h.counts {
		d.counts[i] = h.counts[i].Load()
		d.Count += d.counts[i]
	}
	return d
}

// bucketOf returns the bucket of a duration; its upper bound belongs to it.
func bucketOf(d time.Duration) int {
	us := uint64(max(d-1, 0)) / 1000
	if us < bucketsEach {
		return int(us) //nolint:gosec // below 8
	}
	power := bits.Len64(us) - 1
	if power >= bucketsTop {
		return bucketCount - 1
	}
	return (power-bucketBits)*bucketsEach + int(us>>(power-bucketBits)) //nolint:gosec // below 2^4
}

// bucketBound returns the upper bound of a bucket.
func bucketBound(i int) time.Duration {
	if i < bucketsEach {
		return time.Duration(i+1) * time.Microsecond
	}
	power, part := i/bucketsEach-1, i%bucketsEach+bucketsEach
	return time.Duration((part+1)<<power) * time.Microsecond
}

// A Distribution is a moment's view of how durations were distributed. It is
// the reader's own and does not change. The zero value holds nothing.
type Distribution struct {
	// Count durations were seen, together Sum.
	Count int64         `json:"count"`
	Sum   time.Duration `json:"sum"`

	counts []int64
}

// Mean returns the average, 0 for none.
func (d Distribution) Mean() time.Duration {
	if d.Count == 0 {
		return 0
	}
	return d.Sum / time.Duration(d.Count)
}

// Quantile returns the duration that the part q (0 to 1) of all did not
// exceed, 0 for none. It is exact to an eighth of itself, and to 1 µs below
// 8 µs; it errs upwards.
func (d Distribution) Quantile(q float64) time.Duration {
	if d.Count == 0 {
		return 0
	}
	rank := max(int64(math.Ceil(min(max(q, 0), 1)*float64(d.Count))), 1)
	for i, n := range d.counts {
		if rank -= n; rank <= 0 {
			return bucketBound(i)
		}
	}
	return bucketBound(bucketCount - 1)
}

// AtMost returns how many durations did not exceed the bound. It is exact for
// powers of two of microseconds; another bound counts as the next lower one
// that is the end of a bucket.
func (d Distribution) AtMost(bound time.Duration) int64 {
	var sum int64
	for i, n := range d.counts {
		if bucketBound(i) > bound {
			break
		}
		sum += n
	}
	return sum
}

// Since returns what came after an earlier view of the same distribution.
func (d Distribution) Since(earlier Distribution) Distribution {
	if len(earlier.counts) == 0 || len(d.counts) == 0 {
		return d
	}
	diff := Distribution{Sum: d.Sum - earlier.Sum, counts: make([]int64, len(d.counts))}
	for i := range d.counts {
		diff.counts[i] = d.counts[i] - earlier.counts[i]
		diff.Count += diff.counts[i]
	}
	return diff
}

// Plus returns both distributions together.
func (d Distribution) Plus(other Distribution) Distribution {
	switch {
	case len(d.counts) == 0:
		return other
	case len(other.counts) == 0:
		return d
	}
	sum := Distribution{Count: d.Count + other.Count, Sum: d.Sum + other.Sum, counts: make([]int64, len(d.counts))}
	for i := range d.counts {
		sum.counts[i] = d.counts[i] + other.counts[i]
	}
	return sum
}
