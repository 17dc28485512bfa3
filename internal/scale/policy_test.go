package scale

import (
	"testing"
	"time"
)

func defaults(low, high, overflow int) Config {
	return Config{
		Min: low, Max: high, Overflow: overflow, PerWorker: 10, Window: WindowDefault, Cooldown: CooldownDefault,
		GrowAt: GrowAtDefault, ShrinkAt: ShrinkAtDefault, WaitMax: WaitMaxDefault, Linger: LingerDefault,
	}
}

// A bench shows a policy one load after the other, a second apart, with as many
// workers as it has asked for.
type bench struct {
	*Policy
	at time.Time
}

func newBench(cfg Config) *bench { return &bench{New(cfg), time.Unix(1_000_000, 0)} }

func (b *bench) seconds(n int, load Load) (d Decision) {
	for range n {
		load.Serving = b.now.Total()
		b.at = b.at.Add(time.Second)
		d = b.Decide(b.at, load)
	}
	return d
}

func crowd(inFlight, queued int) Load {
	return Load{InFlight: inFlight, Queued: queued, Oldest: time.Duration(queued) * 10 * time.Millisecond}
}

func TestOneSizeStaysWhateverHappens(t *testing.T) {
	t.Parallel()
	b := newBench(defaults(2, 2, 0))
	for _, load := range []Load{crowd(20, 500), {}, crowd(20, 1)} {
		if d := b.seconds(1000, load); d.Size != 2 || d.Overflow != 0 || d.Reason != "" {
			t.Errorf("%+v for %+v", d, load)
		}
	}
}

// CHK-128: utilisation above 0.9 and a queue.
func TestItGrowsUnderPressureThatLasts(t *testing.T) {
	t.Parallel()
	b := newBench(defaults(2, 20, 0))
	if d := b.seconds(2, crowd(20, 5)); d.Size != 2 {
		t.Errorf("after two seconds: %+v", d)
	}
	if d := b.seconds(1, crowd(20, 5)); d.Size != 3 || d.Reason == "" {
		t.Errorf("after three seconds: %+v, want what 25 calls need", d)
	}
	if d := b.seconds(9, crowd(30, 60)); d.Size != 3 {
		t.Errorf("in the pause after a change: %+v", d)
	}
	if d := b.seconds(1, crowd(30, 60)); d.Size != 6 {
		t.Errorf("after the pause: %+v, want twice as many", d)
	}
	if d := b.seconds(100, crowd(1000, 1000)); d.Size != 20 {
		t.Errorf("without an end: %+v, want the maximum", d)
	}
}

func TestItDoesNotGrowWithoutAQueueNorWhileHelpIsOnItsWay(t *testing.T) {
	t.Parallel()
	b := newBench(defaults(2, 20, 2))
	if d := b.seconds(600, crowd(20, 0)); d.Total() != 2 {
		t.Errorf("full and nobody waits: %+v", d)
	}
	for range 600 {
		b.at = b.at.Add(time.Second)
		if d := b.Decide(b.at, Load{Serving: 1, InFlight: 10, Queued: 50, Oldest: time.Second}); d.Total() != 2 {
			t.Fatalf("one worker is still missing: %+v", d)
		}
	}
}

// Calls that need a whole worker each wait at a utilisation that looks low.
func TestItGrowsWhenCallsWaitTooLong(t *testing.T) {
	t.Parallel()
	b := newBench(defaults(2, 20, 0))
	if d := b.seconds(3, Load{InFlight: 2, Queued: 3, Oldest: time.Second}); d.Size != 3 {
		t.Errorf("%+v", d)
	}
}

// CHK-128: utilisation below 0.3, over the whole window.
func TestItShrinksWhenTheWholeWindowWasQuiet(t *testing.T) {
	t.Parallel()
	b := newBench(defaults(2, 20, 0))
	b.seconds(20, crowd(1000, 1000))
	b.seconds(100, crowd(1000, 1000))
	if d := b.seconds(299, crowd(2, 0)); d.Size != 20 {
		t.Errorf("before the window is over: %+v", d)
	}
	if d := b.seconds(10, crowd(2, 0)); d.Size != 10 {
		t.Errorf("after the window: %+v, want half", d)
	}
	if d := b.seconds(60, crowd(2, 0)); d.Size != 2 {
		t.Errorf("a minute later: %+v, want the minimum", d)
	}
}

func TestItDoesNotShrinkBelowWhatTheWindowNeeded(t *testing.T) {
	t.Parallel()
	b := newBench(defaults(1, 8, 0))
	b.seconds(200, crowd(80, 80))
	for range 100 { // busy for two seconds in 30
		b.seconds(2, crowd(60, 0))
		if d := b.seconds(28, crowd(0, 0)); d.Size < 7 {
			t.Fatalf("%+v, and 60 calls need 7", d)
		}
	}
}

// CHK-26, CHK-128: a wait above 100 ms brings one more; idle, they leave.
func TestOverflowComesAtOnceAndLingers(t *testing.T) {
	t.Parallel()
	b := newBench(defaults(2, 2, 2))
	if d := b.seconds(1, crowd(20, 10)); d.Overflow != 0 {
		t.Errorf("at a wait of 100 ms: %+v", d)
	}
	for n := range 4 {
		want := min(n+1, 2)
		if d := b.seconds(1, crowd(20, 11)); d.Size != 2 || d.Overflow != want {
			t.Errorf("second %d: %+v, want an overflow of %d", n, d, want)
		}
	}
	if d := b.seconds(30, crowd(3, 0)); d.Overflow != 2 {
		t.Errorf("it does not linger: %+v", d)
	}
	if d := b.seconds(1, crowd(3, 0)); d.Overflow != 1 || d.Reason == "" {
		t.Errorf("after its time: %+v", d)
	}
	if d := b.seconds(20, crowd(25, 0)); d.Overflow != 1 {
		t.Errorf("needed again: %+v", d)
	}
	if d := b.seconds(31, crowd(3, 0)); d.Total() != 2 {
		t.Errorf("in the end: %+v", d)
	}
}

func TestOverflowThatIsNeededForLongBecomesTheSize(t *testing.T) {
	t.Parallel()
	b := newBench(defaults(2, 4, 2))
	if d := b.seconds(2, crowd(20, 20)); d.Size != 2 || d.Overflow != 2 {
		t.Errorf("at first: %+v", d)
	}
	if d := b.seconds(1, crowd(40, 20)); d.Size != 4 || d.Overflow != 0 {
		t.Errorf("then: %+v", d)
	}
	if d := b.seconds(3, crowd(40, 20)); d.Size != 4 || d.Overflow != 2 {
		t.Errorf("and beyond the maximum: %+v", d)
	}
}

func TestAHistoryKeepsOneWindowInLittleMemory(t *testing.T) {
	t.Parallel()
	h := newHistory(time.Minute)
	now := time.Unix(0, 0)
	for i := range 100_000 {
		now = now.Add(10 * time.Millisecond)
		calls := 1
		if i == 50_000 {
			calls = 99
		}
		h.add(now, calls)
	}
	if len(h.parts) > parts+2 || h.peak() != 1 || h.mean() != 1 {
		t.Errorf("%d parts, peak %d, mean %v", len(h.parts), h.peak(), h.mean())
	}
}
