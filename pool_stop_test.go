package dspool_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

func TestAPoolThatHasNotStartedRefusesCalls(t *testing.T) {
	t.Parallel()
	pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t)})
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.Call(t.Context(), dspool.Request{Program: mock(t, "echo")})
	wantCode(t, err, fault.Unavailable, fault.StartedNo)
	for _, err := range pool.Stream(t.Context(), dspool.Request{Program: mock(t, "echo")}) {
		wantCode(t, err, fault.Unavailable, fault.StartedNo)
	}
	if st := pool.Status(); st.Phase != dspool.PoolNew {
		t.Errorf("phase %s", st.Phase)
	}
}

func TestStopBeforeStartIsFinal(t *testing.T) {
	t.Parallel()
	pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t)})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := pool.Stop(t.Context()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	}
	wantCode(t, pool.Start(t.Context()), fault.ShuttingDown, fault.StartedNo)
	wantCode(t, pool.WaitReady(t.Context()), fault.ShuttingDown, fault.StartedNo)
	_, err = pool.Call(t.Context(), dspool.Request{Program: mock(t, "echo")})
	wantCode(t, err, fault.ShuttingDown, fault.StartedNo)
	if st := pool.Status(); st.Phase != dspool.PoolHasStopped {
		t.Errorf("phase %s", st.Phase)
	}
}

func TestStartTwiceStartsOnce(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, nil)
	if err := pool.Start(t.Context()); err != nil {
		t.Errorf("second Start: %v", err)
	}
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	if n := len(pool.Status().Workers); n != 2 {
		t.Errorf("%d workers, want 2", n)
	}
}

func TestStartWithAnEndedContextDoesNotStart(t *testing.T) {
	t.Parallel()
	pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantCode(t, pool.Start(ctx), fault.Canceled, fault.StartedNo)
	if err := pool.Start(t.Context()); err != nil {
		t.Errorf("a later Start: %v", err)
	}
	stopPool(t, pool)
}

// occupied is a pool whose only place is taken by one call while another waits.
func occupied(t *testing.T, ms string) (pool *dspool.Pool, first, second <-chan result) {
	t.Helper()
	pool = mockPool(t, func(c *dspool.Config) { c.Workers, c.WorkerConcurrency = 1, 1 })
	ctx := testkit.Context(t, 30*time.Second)
	req := dspool.Request{Program: mock(t, "sleep"), Input: []byte(`{"ms":` + ms + `}`)}
	first = background(ctx, pool, req)
	until(t, "the first call runs", func() bool { return pool.Status().InFlight == 1 })
	second = background(ctx, pool, req)
	until(t, "the second call waits", func() bool { return pool.Status().Queue.Length == 1 })
	return pool, first, second
}

func TestStopLetsAcceptedCallsFinish(t *testing.T) {
	t.Parallel()
	pool, first, second := occupied(t, "150")
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		stopPool(t, pool)
	}()
	until(t, "the pool is stopping", func() bool { return pool.Status().Phase == dspool.PoolStopping })
	_, err := pool.Call(t.Context(), dspool.Request{Program: mock(t, "echo")})
	wantCode(t, err, fault.ShuttingDown, fault.StartedNo)
	for name, done := range map[string]<-chan result{"running": first, "waiting": second} {
		if r := <-done; r.err != nil || string(r.resp.Output) != "150" {
			t.Errorf("the %s call: %s, %v", name, r.resp.Output, r.err)
		}
	}
	<-stopped
	if st := pool.Status(); st.Phase != dspool.PoolHasStopped || len(st.Workers) != 0 {
		t.Errorf("after Stop: phase %s, workers %v", st.Phase, st.Workers)
	}
}

func TestStopCutsOffWhatDoesNotFinishInTime(t *testing.T) {
	t.Parallel()
	pool, first, second := occupied(t, "60000")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	if got := fault.CodeOf(pool.Stop(ctx)); got != fault.DeadlineExceeded {
		t.Errorf("Stop that cut calls off: code %q", got)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("Stop took %s", took)
	}
	wantCode(t, (<-first).err, fault.ShuttingDown, fault.StartedYes)
	wantCode(t, (<-second).err, fault.ShuttingDown, fault.StartedNo)
	if got := fault.CodeOf(pool.Stop(t.Context())); got != fault.DeadlineExceeded {
		t.Errorf("a later Stop does not return the same: code %q", got)
	}
}

func TestStopWithoutADeadlineTakesTheDrainTimeout(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers, c.DrainTimeout = 1, 100*time.Millisecond })
	done := background(t.Context(), pool, dspool.Request{Program: mock(t, "heed")})
	until(t, "the call runs", func() bool { return pool.Status().InFlight == 1 })
	if got := fault.CodeOf(pool.Stop(context.Background())); got != fault.DeadlineExceeded {
		t.Errorf("Stop: code %q", got)
	}
	wantCode(t, (<-done).err, fault.ShuttingDown, fault.StartedYes)
}

func TestAReaderThatDoesNotComeBackDoesNotHoldUpStop(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, nil)
	var last error
	stopped := false
	for _, err := range pool.Stream(t.Context(), dspool.Request{Program: mock(t, "stream"), Input: []byte(`{"n":1000000}`)}) {
		if !stopped {
			stopped = true
			ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
			if got := fault.CodeOf(pool.Stop(ctx)); got != fault.DeadlineExceeded {
				t.Errorf("Stop: code %q", got)
			}
			cancel()
		}
		last = err
	}
	wantCode(t, last, fault.ShuttingDown, fault.StartedYes)
}

func TestWaitReadyFailsAfterStop(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, nil)
	if err := pool.WaitReady(testkit.Context(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	stopPool(t, pool)
	wantCode(t, pool.WaitReady(t.Context()), fault.ShuttingDown, fault.StartedNo)
}

// Start, calls and Stop in every order, from many goroutines: nothing hangs,
// nothing is left (the package's main function looks), every call ends with an
// answer or a typed error.
func TestAStartStopStorm(t *testing.T) {
	t.Parallel()
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	for round := range rounds {
		random := rand.New(rand.NewPCG(uint64(round), 11)) //nolint:gosec // a test
		pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t), Workers: 2, Lazy: round%5 == 4})
		if err != nil {
			t.Fatal(err)
		}
		spec := mock(t, "echo")
		var all sync.WaitGroup
		for n := range 12 {
			pause := time.Duration(random.IntN(20)) * time.Millisecond
			all.Go(func() { stormStep(t, pool, spec, n, pause) })
		}
		all.Wait()
		stopPool(t, pool)
		if st := pool.Status(); st.Phase != dspool.PoolHasStopped || st.InFlight != 0 || st.Queue.Length != 0 {
			t.Errorf("round %d: %+v", round, st)
		}
	}
}

// stormStep is one goroutine of the storm.
func stormStep(t *testing.T, pool *dspool.Pool, spec *dspool.Spec, n int, pause time.Duration) {
	ctx := testkit.Context(t, 30*time.Second)
	<-time.After(pause)
	switch {
	case n%6 == 0:
		_ = pool.Start(ctx)
	case n%6 == 5 && pause > 15*time.Millisecond:
		if err := pool.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
	case n%6 == 4:
		_ = pool.Status()
		_ = pool.WaitReady(ctx)
	default:
		_, err := pool.Call(ctx, dspool.Request{Program: spec})
		switch code := fault.CodeOf(err); code {
		case "", fault.ShuttingDown, fault.Unavailable:
		default:
			t.Errorf("a call ended with %v", err)
		}
	}
}
