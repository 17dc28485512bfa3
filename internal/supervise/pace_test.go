package supervise

import (
	"testing"
	"time"
)

func testMeter(p Pace) *meter {
	m := newMeter(p.withDefaults())
	m.random = func() float64 { return 0.5 } // no jitter
	return m
}

func TestFailuresThatComeFastAreALoop(t *testing.T) {
	t.Parallel()
	m := testMeter(Pace{Failures: 3, Decay: 10 * time.Second})
	now := time.Now()
	for i := range 3 {
		if m.looping(now) {
			t.Fatalf("a loop after %d failures", i)
		}
		m.fail(now)
	}
	if !m.looping(now) {
		t.Error("no loop after 3 failures at once")
	}
	if m.looping(now.Add(10 * time.Second)) {
		t.Error("still a loop when the failures count half")
	}
}

func TestFailuresThatComeSlowlyAreNoLoop(t *testing.T) {
	t.Parallel()
	m := testMeter(Pace{Failures: 3, Decay: 10 * time.Second})
	now := time.Now()
	for i := range 100 {
		now = now.Add(10 * time.Second)
		m.fail(now)
		if m.looping(now) {
			t.Fatalf("a loop after %d failures, one per half-life", i+1)
		}
	}
}

func TestPausesDoubleUpToTheLongestAndStartAgainAfterQuiet(t *testing.T) {
	t.Parallel()
	m := testMeter(Pace{Backoff: 100 * time.Millisecond, BackoffMax: time.Second, Decay: time.Second})
	now := time.Now()
	m.fail(now)
	for _, want := range []time.Duration{100, 200, 400, 800, 1000, 1000} {
		if got := m.pause(); got != want*time.Millisecond {
			t.Errorf("pause = %v, want %v", got, want*time.Millisecond)
		}
	}
	m.level(now.Add(10 * time.Second))
	if got := m.pause(); got != 100*time.Millisecond {
		t.Errorf("pause after quiet = %v", got)
	}
}

func TestPausesAreJittered(t *testing.T) {
	t.Parallel()
	m := testMeter(Pace{Backoff: time.Second, BackoffMax: time.Second})
	m.random = func() float64 { return 0 }
	low := m.pause()
	m.random = func() float64 { return 0.999 }
	if high := m.pause(); low != 800*time.Millisecond || high < 1190*time.Millisecond || high > 1200*time.Millisecond {
		t.Errorf("pauses from %v to %v", low, high)
	}
}

func TestPacesHaveDefaults(t *testing.T) {
	t.Parallel()
	want := Pace{FailuresDefault, DecayDefault, BackoffDefault, BackoffMaxDefault}
	if got := (Pace{}).withDefaults(); got != want {
		t.Errorf("defaults = %+v", got)
	}
}
