package dspool_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

func swapped(t *testing.T, pool *dspool.Pool, change dspool.Change) {
	t.Helper()
	if err := pool.Swap(testkit.Context(t, time.Minute), change); err != nil {
		t.Fatalf("Swap: %v", err)
	}
}

// swaps in a row under the load of a storm, whose callers fail the test for any
// error but a lost worker; here none may be lost either.
func swapsUnderLoad(t *testing.T, pool *dspool.Pool, rows int) {
	t.Helper()
	until(t, "all workers serve", func() bool { return pool.Status().Serving == pool.Status().Want })
	s := blow(t, pool)
	for n := range rows {
		answered := s.ok.Load()
		swapped(t, pool, dspool.Change{})
		if g := pool.Status().Generation; g != n+2 {
			t.Errorf("generation %d after %d swaps", g, n+1)
		}
		until(t, "calls are answered", func() bool { return s.ok.Load() > answered+50 })
	}
	s.end(t)
	recovered(t, pool)
	st := pool.Status()
	if s.lost.Load() > 0 || st.Totals.Crashes > 0 || len(st.Totals.Errors) > 0 {
		t.Errorf("%d calls lost, totals %+v", s.lost.Load(), st.Totals)
	}
	t.Logf("%d calls answered in %d swaps, %d of them moved on silently", s.ok.Load(), rows, st.Totals.Redispatched)
}

// The figure: hot swap under load, 20 in a row, no failed call.
func TestTwentySwapsInARowUnderLoadOnMockWorkers(t *testing.T) {
	t.Parallel()
	swapsUnderLoad(t, mockPool(t, nil), 20)
}

func TestSwapsInARowUnderLoadOnTheForkServer(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	rows := 3
	if os.Getenv("DSPOOL_SLOW") != "" {
		rows = 20
	}
	swapsUnderLoad(t, started(t, pythonConfig(dspool.ForkServer)(t)), rows)
}

func TestASwapIsToldAndShown(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.Workers = 2 })
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	ctx, cancel := context.WithCancel(t.Context())
	running := background(ctx, pool, dspool.Request{Program: mock(t, "heed")})
	until(t, "the call runs", func() bool { return pool.Status().InFlight == 1 })
	swapped(t, pool, dspool.Change{})
	if ev := seen.await(t, dspool.SwapStarted); ev.Generation != 2 {
		t.Errorf("started %+v", ev)
	}
	if ev := seen.await(t, dspool.WorkerReady); ev.Generation != 2 || ev.Took <= 0 {
		t.Errorf("ready %+v", ev)
	}
	if ev := seen.await(t, dspool.SwapFinished); ev.Generation != 2 || ev.Took <= 0 {
		t.Errorf("finished %+v", ev)
	}
	until(t, "the idle old worker is gone", func() bool { return len(pool.Status().Workers) == 3 })
	st := pool.Status()
	if st.Generation != 2 || st.Swap != nil || st.Serving != 2 || st.Want != 2 {
		t.Errorf("status %+v", st)
	}
	var generations []int
	for _, w := range st.Workers {
		generations = append(generations, w.Generation)
		if draining := w.State == dspool.WorkerStateDraining; draining != (w.Generation == 1) {
			t.Errorf("worker %+v", w)
		}
	}
	if !slices.Equal(generations, []int{1, 2, 2}) {
		t.Errorf("generations %v", generations)
	}
	cancel()
	<-running
	if ev := seen.await(t, dspool.GenerationEnded); ev.Generation != 1 {
		t.Errorf("ended %+v", ev)
	}
	if st := pool.Status().Totals; st.Crashes != 0 || st.Restarts != 0 {
		t.Errorf("totals %+v: a swap is no loss", st)
	}
}

// A module that changes on disk is imported again; one that cannot be leaves
// the old code in service.
func TestASwapBringsNewCode(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "dspy")
	folder, other := t.TempDir(), t.TempDir()
	write := func(folder, body string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(folder, "changing.py"), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	version := func(n int) string {
		return fmt.Sprintf("import os\n\ndef version():\n    return [%d, os.environ.get('FLAVOUR', '')]\n", n)
	}
	write(folder, version(1))
	write(other, version(100))
	pool := started(t, dspool.Config{
		Python: testkit.Python(t), Start: dspool.ForkServer, Workers: 2, Path: []string{folder}, Preload: []string{"changing"},
	})
	spec, err := dspool.NewFunc("changing:version")
	if err != nil {
		t.Fatal(err)
	}
	says := func(want string) {
		t.Helper()
		for range 4 {
			resp, err := pool.Call(testkit.Context(t, time.Minute), dspool.Request{Program: spec})
			if err != nil || string(resp.Output) != want {
				t.Errorf("%s, %v, want %s", resp.Output, err, want)
			}
		}
	}
	says(`[1,""]`)
	write(folder, version(22))
	says(`[1,""]`)
	swapped(t, pool, dspool.Change{})
	says(`[22,""]`)
	swapped(t, pool, dspool.Change{Env: []string{"FLAVOUR=lemon"}})
	says(`[22,"lemon"]`)

	write(folder, "raise RuntimeError('half written')\n")
	server := pool.Status().ForkServerPID
	err = pool.Swap(testkit.Context(t, time.Minute), dspool.Change{})
	if f := wantCode(t, err, fault.Unavailable, fault.StartedNo); !strings.Contains(f.Message, "changing") || !strings.Contains(f.Message, "half written") {
		t.Errorf("the error does not say what could not be imported: %v", f)
	}
	if st := pool.Status(); st.Generation != 3 || st.Serving != 2 || st.ForkServerPID != server || st.Phase != dspool.PoolServing {
		t.Errorf("after a failed swap: %+v", st)
	}
	says(`[22,"lemon"]`)
	swapped(t, pool, dspool.Change{Path: []string{other}})
	says(`[100,"lemon"]`)
}

func TestASwapThatCannotSucceedSaysWhy(t *testing.T) {
	t.Parallel()
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	tests := map[string]struct {
		change dspool.Change
		code   fault.Code
		says   []string
	}{
		"several mistakes at once": {
			dspool.Change{Preload: []string{"a b"}, Env: []string{"x"}, Python: "python3"},
			fault.InvalidArgument,
			[]string{"Change.Preload[0]", "Change.Env[0]", "Change.Python"},
		},
		"a folder that is not there":  {dspool.Change{Path: []string{nowhere}}, fault.InvalidArgument, []string{nowhere}},
		"a program that is not there": {dspool.Change{Command: []string{nowhere}}, fault.Unavailable, []string{nowhere}},
		"a program that is no worker": {dspool.Change{Command: shell("echo no worker >&2; exit 3")}, fault.Unavailable, []string{"no worker"}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, seen := recorded(t, func(c *dspool.Config) { c.Restart = quick() })
			until(t, "the worker serves", func() bool { return pool.Status().Serving == 1 })
			before := pool.Status().Workers[0].PID
			err := pool.Swap(testkit.Context(t, time.Minute), tt.change)
			f := wantCode(t, err, tt.code, fault.StartedNo)
			for _, s := range tt.says {
				if !strings.Contains(f.Error(), s) {
					t.Errorf("%v does not say %q", f, s)
				}
			}
			if len(tt.says) == 1 {
				if ev := seen.await(t, dspool.SwapFailed); ev.Err == nil || ev.Generation != 2 {
					t.Errorf("failed %+v", ev)
				}
			}
			if st := pool.Status(); len(st.Workers) != 1 || st.Workers[0].PID != before || st.Generation != 1 || st.Swap != nil {
				t.Errorf("after a failed swap: %+v", st)
			}
			swapped(t, pool, dspool.Change{})
			if _, err := pool.Call(t.Context(), dspool.Request{Program: mock(t, "echo")}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestASwapMendsAPoolThatCrashesInALoop(t *testing.T) {
	t.Parallel()
	pool := started(t, dspool.Config{Command: shell("exit 3"), Restart: quick()})
	ctx := testkit.Context(t, time.Minute)
	wantCode(t, pool.WaitReady(ctx), fault.Unavailable, fault.StartedNo)
	swapped(t, pool, dspool.Change{Command: testkit.Worker(t)})
	if _, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo")}); err != nil {
		t.Error(err)
	}
	if st := pool.Status(); st.Phase != dspool.PoolServing || st.Trouble != nil {
		t.Errorf("status %+v", st)
	}
}

func TestSwapInEveryPhase(t *testing.T) {
	t.Parallel()
	ctx := testkit.Context(t, time.Minute)
	pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t), Workers: 1, Lazy: true})
	if err != nil {
		t.Fatal(err)
	}
	wantCode(t, pool.Swap(ctx, dspool.Change{}), fault.Unavailable, fault.StartedNo)
	if err := pool.Start(ctx); err != nil {
		t.Fatal(err)
	}
	swapped(t, pool, dspool.Change{}) // a lazy pool that has no workers yet
	stopPool(t, pool)
	wantCode(t, pool.Swap(ctx, dspool.Change{}), fault.ShuttingDown, fault.StartedNo)

	failed := started(t, dspool.Config{Command: testkit.Worker(t), Path: []string{"no/such/folder"}})
	if err := failed.WaitReady(ctx); err == nil {
		t.Fatal("ready without its folder")
	}
	wantCode(t, failed.Swap(ctx, dspool.Change{}), fault.InvalidArgument, fault.StartedNo)

	single, err := dspool.NewSingle(dspool.Config{Command: testkit.Worker(t)})
	if err != nil {
		t.Fatal(err)
	}
	if err := single.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := single.Swap(ctx, dspool.Change{}); err != nil {
		t.Errorf("a Single's swap: %v", err)
	}
	if err := single.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

func TestStopDuringASwapEndsBoth(t *testing.T) {
	t.Parallel()
	rounds := 20
	if testing.Short() {
		rounds = 4
	}
	for range rounds {
		pool, err := dspool.New(dspool.Config{Command: testkit.Worker(t), Workers: 2})
		if err != nil {
			t.Fatal(err)
		}
		if err := pool.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if err := pool.Swap(testkit.Context(t, time.Minute), dspool.Change{}); err != nil {
					wantShutdown(t, err)
				}
			})
		}
		<-time.After(time.Duration(rand.IntN(40)) * time.Millisecond) //nolint:gosec // a test
		stopPool(t, pool)
		all.Wait()
		if st := pool.Status(); st.Phase != dspool.PoolHasStopped || len(st.Workers) != 0 || st.Swap != nil {
			t.Errorf("after the stop: %+v", st)
		}
	}
}

// wantShutdown may be used on any goroutine.
func wantShutdown(t *testing.T, err error) {
	if code := fault.CodeOf(err); code != fault.ShuttingDown {
		t.Errorf("a swap ended with %v", err)
	}
}

// CHK-130: workers are killed while generations change. No call hangs, none
// gets a wrong answer, and only calls whose worker was killed fail.
func TestASwapStorm(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers, c.Restart.Failures = 3, 1<<20 })
	until(t, "all workers serve", func() bool { return pool.Status().Serving == 3 })
	s := blow(t, pool)
	quit := make(chan struct{})
	var killer sync.WaitGroup
	killer.Go(func() {
		tick := time.NewTicker(25 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-quit:
				return
			case <-tick.C:
			}
			if ws := pool.Status().Workers; len(ws) > 0 {
				_ = syscall.Kill(ws[rand.IntN(len(ws))].PID, syscall.SIGKILL) //nolint:gosec // a test
			}
		}
	})
	swaps := 0
	for end := time.Now().Add(stormTime()); time.Now().Before(end); swaps++ {
		swapped(t, pool, dspool.Change{})
	}
	close(quit)
	killer.Wait()
	s.end(t)
	recovered(t, pool)
	t.Logf("%d swaps, %d crashes: %d calls answered, %d lost with their worker", swaps, pool.Status().Totals.Crashes, s.ok.Load(), s.lost.Load())
}
