package soak

import (
	"slices"
	"time"
)

const (
	warmUpShare = 5 // a fifth
	warmUpMin   = time.Minute
	// memoryShare and memoryMin are how much memory may grow.
	memoryShare = 10 // a tenth
	memoryMin   = 8 << 20
	// countMax is how much a count may grow.
	countMax = 2
	// blocks is how many medians the line is laid through.
	blocks = 24
)

// A Trend says how a series went after the warm-up.
type Trend struct {
	Name  string  `json:"name"`
	Unit  string  `json:"unit"`
	First float64 `json:"first"`
	// Median and Max are of the samples after the warm-up.
	Median float64 `json:"median"`
	Max    float64 `json:"max"`
	// Growth is how much the line rose over the time after the warm-up, Limit
	// how much it may.
	Growth float64 `json:"growth"`
	Limit  float64 `json:"limit"`
	Flat   bool    `json:"flat"`
	// Values are all samples.
	Values []float64 `json:"values"`
}

// warmUp is how much of the time does not count.
func warmUp(total time.Duration) time.Duration {
	w := total / warmUpShare
	if w < warmUpMin && total >= 2*warmUpMin {
		return warmUpMin
	}
	return w
}

// judge lays the line. skip is how many samples are warm-up.
func judge(name, unit string, values []float64, skip int) Trend {
	t := Trend{Name: name, Unit: unit, Values: values, Limit: countMax}
	rest := values[min(skip, len(values)):]
	if len(rest) == 0 {
		return t // nothing was seen: not flat
	}
	t.First, t.Median, t.Max = rest[0], median(slices.Clone(rest)), slices.Max(rest)
	if unit == "bytes" {
		t.Limit = max(memoryMin, t.Median/memoryShare)
	}
	smooth := medians(rest)
	t.Growth = slope(smooth) * float64(len(smooth)-1)
	t.Flat = t.Growth <= t.Limit
	return t
}

// medians returns the medians of consecutive blocks.
func medians(values []float64) []float64 {
	n := min(blocks, len(values))
	out := make([]float64, n)
	for i := range out {
		out[i] = median(slices.Clone(values[i*len(values)/n : (i+1)*len(values)/n]))
	}
	return out
}

// slope is the Theil-Sen estimate, in units per value.
func slope(values []float64) float64 {
	var slopes []float64
	for i := range values {
		for j := i + 1; j < len(values); j++ {
			slopes = append(slopes, (values[j]-values[i])/float64(j-i))
		}
	}
	if len(slopes) == 0 {
		return 0
	}
	return median(slopes)
}

// median sorts its argument.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	if n%2 == 1 {
		return values[n/2]
	}
	return (values[n/2-1] + values[n/2]) / 2
}
