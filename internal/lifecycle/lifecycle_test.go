package lifecycle_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/lifecycle"
)

func nothing() error { return nil }

func noEnd(context.Context, bool) error { return nil }

func TestStartRunsOnceAndMayBeTriedAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	var c lifecycle.Cycle
	broken := errors.New("no such file")
	if err := c.Start(func() error { return broken }); !errors.Is(err, broken) {
		t.Fatalf("Start = %v, want %v", err, broken)
	}
	if c.Phase() != lifecycle.New {
		t.Fatalf("phase %s after a failed start", c.Phase())
	}
	runs := 0
	for range 3 {
		if err := c.Start(func() error { runs++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if runs != 1 || c.Phase() != lifecycle.Started {
		t.Errorf("begin ran %d times, phase %s", runs, c.Phase())
	}
}

func TestStartAfterStopFails(t *testing.T) {
	t.Parallel()
	var c lifecycle.Cycle
	if err := c.Stop(t.Context(), noEnd); err != nil {
		t.Fatal(err)
	}
	if got := fault.CodeOf(c.Start(nothing)); got != fault.ShuttingDown {
		t.Errorf("Start after Stop: code %q, want shutting_down", got)
	}
	if c.Phase() != lifecycle.Stopped {
		t.Errorf("phase %s", c.Phase())
	}
}

func TestStopRunsOnceAndEverybodyGetsItsError(t *testing.T) {
	t.Parallel()
	var c lifecycle.Cycle
	if err := c.Start(nothing); err != nil {
		t.Fatal(err)
	}
	want := errors.New("two calls were cut short")
	var runs atomic.Int32
	var stops sync.WaitGroup
	for range 20 {
		stops.Go(func() {
			err := c.Stop(t.Context(), func(_ context.Context, began bool) error {
				if !began {
					t.Error("end was told that nothing began")
				}
				runs.Add(1)
				return want
			})
			if !errors.Is(err, want) {
				t.Errorf("Stop = %v, want %v", err, want)
			}
		})
	}
	stops.Wait()
	if runs.Load() != 1 {
		t.Errorf("end ran %d times", runs.Load())
	}
}

func TestAShorterStopHurriesALongerOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var c lifecycle.Cycle
		begin := time.Now()
		var stops sync.WaitGroup
		for _, patience := range []time.Duration{time.Hour, time.Minute, 2 * time.Hour} {
			stops.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_ = c.Stop(ctx, func(ctx context.Context, _ bool) error {
					<-ctx.Done()
					if cause := context.Cause(ctx); !errors.Is(cause, context.DeadlineExceeded) {
						t.Errorf("cause %v, want that of the caller who hurried", cause)
					}
					return nil
				})
			})
		}
		stops.Wait()
		if took := time.Since(begin); took != time.Minute {
			t.Errorf("stopped after %s, want 1m", took)
		}
	})
}

func TestStartAndStopFromEverywhere(t *testing.T) {
	t.Parallel()
	for range 200 {
		var c lifecycle.Cycle
		var began, ended atomic.Int32
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				if i%2 == 0 {
					_ = c.Start(func() error { began.Add(1); return nil })
					return
				}
				_ = c.Stop(t.Context(), func(context.Context, bool) error { ended.Add(1); return nil })
			})
		}
		all.Wait()
		if began.Load() > 1 || ended.Load() != 1 || c.Phase() != lifecycle.Stopped {
			t.Fatalf("began %d, ended %d, phase %s", began.Load(), ended.Load(), c.Phase())
		}
		<-c.Done()
	}
}

func TestPhasesHaveNames(t *testing.T) {
	t.Parallel()
	want := []string{"new", "started", "stopping", "stopped", "unknown"}
	for i, name := range want {
		if got := lifecycle.Phase(i).String(); got != name {
			t.Errorf("phase %d is %q, want %q", i, got, name)
		}
	}
}

func TestAGateIsEmptyWhenTheLastOneHasLeft(t *testing.T) {
	t.Parallel()
	g := lifecycle.NewGate()
	if !g.Enter() || !g.Enter() {
		t.Fatal("an open gate refused")
	}
	g.Close()
	g.Close()
	if g.Enter() {
		t.Fatal("a closed gate let somebody in")
	}
	g.Leave()
	select {
	case <-g.Empty():
		t.Fatal("empty with one inside")
	default:
	}
	if g.Inside() != 1 {
		t.Errorf("Inside = %d, want 1", g.Inside())
	}
	g.Leave()
	<-g.Empty()
}

func TestClosingAnUnusedGateEmptiesIt(t *testing.T) {
	t.Parallel()
	g := lifecycle.NewGate()
	g.Close()
	<-g.Empty()
}

func TestAGateUnderAStorm(t *testing.T) {
	t.Parallel()
	for range 50 {
		g := lifecycle.NewGate()
		var in atomic.Int32
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				for g.Enter() {
					in.Add(1)
					in.Add(-1)
					g.Leave()
				}
			})
		}
		g.Close()
		<-g.Empty()
		if n := in.Load(); n != 0 {
			t.Fatalf("%d inside an empty gate", n)
		}
		all.Wait()
	}
}
