package breaker_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/internal/breaker"
)

func usual() breaker.Config {
	return breaker.Config{
		Failures: 5, Pause: time.Minute, PauseMax: time.Minute, Probes: 3, Successes: 3, Relapses: 1,
	}
}

// pass takes a pass that has to be there.
func pass(t *testing.T, c *breaker.Circuit) breaker.Pass {
	t.Helper()
	p, after, ok := c.Allow()
	if !ok {
		t.Fatalf("refused while %s, come back in %s", c.State(), after)
	}
	return p
}

func refused(t *testing.T, c *breaker.Circuit) time.Duration {
	t.Helper()
	_, after, ok := c.Allow()
	if ok {
		t.Fatalf("let through while %s", c.State())
	}
	return after
}

func state(t *testing.T, c *breaker.Circuit, want breaker.State) {
	t.Helper()
	if got := c.State(); got != want {
		t.Fatalf("state %s, want %s", got, want)
	}
}

func fail(t *testing.T, c *breaker.Circuit, times int) {
	t.Helper()
	for range times {
		pass(t, c).Failure(errBroken())
	}
}

func errBroken() error { return errors.New("broken") }

// Five failures open, sixty seconds later three probes may try, three successes
// close. CHK-124
func TestACircuitOpensProbesAndCloses(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := breaker.New(usual())
		fail(t, c, 4)
		pass(t, c).Success() // breaks the row
		fail(t, c, 4)
		state(t, c, breaker.Closed)
		fail(t, c, 1)
		state(t, c, breaker.Open)
		sleep(20 * time.Second)
		if after := refused(t, c); after != 40*time.Second {
			t.Errorf("come back in %s, want 40s", after)
		}
		sleep(40 * time.Second)
		probes := []breaker.Pass{pass(t, c), pass(t, c), pass(t, c)}
		state(t, c, breaker.HalfOpen)
		refused(t, c)
		probes[0].Success()
		next := pass(t, c) // a place is free again
		probes[1].Success()
		state(t, c, breaker.HalfOpen)
		probes[2].Success()
		state(t, c, breaker.Closed)
		next.Failure(errBroken()) // of the half-open period: counts no more
		if s := c.Snapshot(); s.Streak != 0 || s.Failures != 10 || s.Successes != 4 || s.Refused != 2 || s.Opened != 1 || s.Closed != 1 || s.Probes != 4 {
			t.Errorf("%+v", s)
		}
	})
}

// One failed probe opens it again. CHK-124
func TestAFailedProbeReopensForAGrowingPause(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := usual()
		config.Pause, config.PauseMax = time.Second, 5*time.Second
		c := breaker.New(config)
		fail(t, c, 5)
		for _, pause := range []time.Duration{1, 2, 4, 5, 5} {
			if after := refused(t, c); after != pause*time.Second {
				t.Fatalf("come back in %s, want %ds", after, pause)
			}
			sleep(pause * time.Second)
			fail(t, c, 1)
		}
		sleep(5 * time.Second)
		for range 3 {
			pass(t, c).Success()
		}
		state(t, c, breaker.Closed)
		fail(t, c, 5)
		if after := refused(t, c); after != time.Second {
			t.Errorf("after it was closed the pause is %s, want 1s again", after)
		}
	})
}

// What began before a circuit opened says nothing about the probes after.
func TestALateResultOfAnEarlierPeriodDoesNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := breaker.New(usual())
		late := []breaker.Pass{pass(t, c), pass(t, c), pass(t, c), pass(t, c)}
		fail(t, c, 5)
		sleep(time.Minute)
		probe := pass(t, c)
		late[0].Failure(errBroken())
		late[1].Down(errBroken())
		late[2].Success()
		late[3].Ignore()
		state(t, c, breaker.HalfOpen)
		if s := c.Snapshot(); s.Probing != 1 || s.Proved != 0 {
			t.Errorf("%+v", s)
		}
		probe.Ignore()
		if s := c.Snapshot(); s.Probing != 0 {
			t.Errorf("a probe that was given up keeps its place: %+v", s)
		}
	})
}

// Probes that never come back do not keep a circuit half-open for ever.
func TestLostProbesAreReplaced(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := breaker.New(usual())
		fail(t, c, 5)
		sleep(time.Minute)
		hung := []breaker.Pass{pass(t, c), pass(t, c), pass(t, c)}
		sleep(59 * time.Second)
		refused(t, c)
		sleep(time.Second)
		fresh := pass(t, c)
		for _, p := range hung {
			p.Failure(errBroken())
		}
		state(t, c, breaker.HalfOpen)
		fresh.Failure(errBroken())
		state(t, c, breaker.Open)
	})
}

func TestAWindowOpensByRate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		config := usual()
		config.Failures, config.Window, config.Rate, config.Minimum = 1000, 10*time.Second, 0.5, 10
		c := breaker.New(config)
		for range 4 { // 4 of 8: too few to say anything
			pass(t, c).Success()
			fail(t, c, 1)
		}
		state(t, c, breaker.Closed)
		sleep(11 * time.Second) // they have left the window
		for range 5 {
			pass(t, c).Success()
		}
		fail(t, c, 4)
		state(t, c, breaker.Closed)
		fail(t, c, 1)
		state(t, c, breaker.Open)
	})
}

func TestByHand(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var changes []breaker.Change
		config := usual()
		config.Changed = func(c breaker.Change) { changes = append(changes, c) }
		c := breaker.New(config)
		c.Trip(time.Hour, nil)
		if after := refused(t, c); after != time.Hour {
			t.Errorf("come back in %s, want 1h", after)
		}
		c.Reset()
		state(t, c, breaker.Closed)
		for range 5 {
			c.Failure(errBroken())
		}
		state(t, c, breaker.Open)
		sleep(time.Minute)
		pass(t, c).Ignore()
		for range 3 {
			c.Success()
		}
		state(t, c, breaker.Closed)
		pass(t, c).Down(errBroken())
		state(t, c, breaker.Open)
		manual := []bool{true, true, false, false, false, false}
		if len(changes) != len(manual) {
			t.Fatalf("%d changes, want %d: %+v", len(changes), len(manual), changes)
		}
		for i, change := range changes {
			if change.Manual != manual[i] || i > 0 && change.From != changes[i-1].To {
				t.Errorf("change %d: %+v", i, change)
			}
		}
	})
}

// A listener hears of every change, in order, under no lock: it may use the
// circuit, and a chain of changes has no gap. CHK-124
func TestListenersAreToldInOrderAndUnderNoLock(t *testing.T) {
	t.Parallel()
	var c *breaker.Circuit
	var inside sync.Mutex // held by nobody else, or two were told at once
	var changes []breaker.Change
	config := usual()
	config.Changed = func(change breaker.Change) {
		if !inside.TryLock() {
			t.Error("told of two changes at once")
			return
		}
		defer inside.Unlock()
		changes = append(changes, change)
		_ = c.Snapshot()
		if change.To == breaker.Open && len(changes)%3 == 0 {
			c.Reset()
		}
	}
	c = breaker.New(config)
	var storm sync.WaitGroup
	for range 8 {
		storm.Go(func() {
			for range 500 {
				c.Trip(time.Hour, errBroken())
				c.Reset()
			}
		})
	}
	storm.Wait()
	if len(changes) < 2 {
		t.Fatal("no changes")
	}
	for i := range changes[1:] {
		if changes[i+1].From != changes[i].To {
			t.Fatalf("change %d went to %s, the next one comes from %s", i, changes[i].To, changes[i+1].From)
		}
	}
}

func TestAListenerThatPanicsIsToldOfTheNextChange(t *testing.T) {
	t.Parallel()
	told := 0
	config := usual()
	config.Changed = func(breaker.Change) {
		if told++; told == 1 {
			panic("the listener's own mistake") //nolint:forbidigo // what is tested
		}
	}
	c := breaker.New(config)
	func() {
		defer func() { _ = recover() }()
		c.Trip(0, nil)
	}()
	c.Reset()
	if told != 2 {
		t.Errorf("told %d times, want 2", told)
	}
}

// However many callers come at once, no more probes run than allowed.
func TestNoMoreProbesThanAllowed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := breaker.New(usual())
		fail(t, c, 5)
		sleep(time.Minute)
		var mu sync.Mutex
		var passes []breaker.Pass
		var callers sync.WaitGroup
		for range 100 {
			callers.Go(func() {
				if p, _, ok := c.Allow(); ok {
					mu.Lock()
					passes = append(passes, p)
					mu.Unlock()
				}
			})
		}
		callers.Wait()
		if len(passes) != 3 || slices.ContainsFunc(passes, func(p breaker.Pass) bool { return !p.Probe() }) {
			t.Errorf("%d passes, want 3 probes", len(passes))
		}
	})
}

func TestStatesHaveNames(t *testing.T) {
	t.Parallel()
	for s, want := range map[breaker.State]string{
		breaker.Closed: "closed", breaker.Open: "open", breaker.HalfOpen: "half_open", 9: "unknown",
	} {
		if s.String() != want {
			t.Errorf("%d is %q, want %q", s, s, want)
		}
	}
}

func BenchmarkClosed(b *testing.B) {
	c := breaker.New(usual())
	for b.Loop() {
		p, _, _ := c.Allow()
		p.Success()
	}
}

func BenchmarkClosedWithAWindow(b *testing.B) {
	config := usual()
	config.Window, config.Rate, config.Minimum = 10*time.Second, 0.5, 10
	c := breaker.New(config)
	for b.Loop() {
		p, _, _ := c.Allow()
		p.Success()
	}
}
