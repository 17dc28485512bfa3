package bench

import (
	"slices"
	"time"
)

// A sample is a set of durations, kept whole so that any quantile is exact.
type sample []time.Duration

// quantile returns the q-th quantile (0 to 1) by the nearest-rank method, and
// 0 for an empty sample. It sorts the sample in place.
func (s sample) quantile(q float64) time.Duration {
	if len(s) == 0 {
		return 0
	}
	slices.Sort(s)
	rank := int(q*float64(len(s))+0.5) - 1
	return s[min(max(rank, 0), len(s)-1)]
}

// median returns the middle value of xs, and 0 when there is none. It does not
// change xs.
func median(xs []float64) float64 {
	if len(xs) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(xs))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

func micros(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }
func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
