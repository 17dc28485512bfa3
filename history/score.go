package history

import "time"

// The weights and limits of the health score; see the package comment.
const (
	weightUtilization = 0.3
	weightErrors      = 0.5
	weightLatency     = 0.2

	utilizationGood = 0.8
	errorsGood      = 0.001
	errorsBad       = 0.1
)

// score is the health score.
func score(utilization, errorRate float64, wait, target time.Duration) float64 {
	latency := 1.0
	if wait > target {
		latency = float64(target) / float64(wait)
	}
	return weightUtilization*falling(utilization, utilizationGood, 1) +
		weightErrors*falling(errorRate, errorsGood, errorsBad) +
		weightLatency*latency
}

// falling is 1 up to good, 0 from bad on, and a straight line between.
func falling(x, good, bad float64) float64 {
	return min(max((bad-x)/(bad-good), 0), 1)
}
