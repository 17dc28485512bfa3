package dspool

import (
	"math"
	"testing"
)

// CHK-46: mean 1000 over 2, and 2000.
func TestRunningMean(t *testing.T) {
	t.Parallel()
	if got := runningMean(1000, 2, 2000); math.Abs(got-1333.33) > 0.01 {
		t.Errorf("mean %v, want 1333.33", got)
	}
	if got := runningMean(0, 0, 7); got != 7 {
		t.Errorf("mean of one value %v, want 7", got)
	}
}

func TestClippedTextStaysText(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"abc": "abc", "abcde": "abcd...", "abcé": "abc...", "a\xff\xff\xff\xff": "a�..."} {
		if got := clipped(text, 4); got != want {
			t.Errorf("clipped(%q) = %q, want %q", text, got, want)
		}
	}
}
