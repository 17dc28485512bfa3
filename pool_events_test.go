package dspool_test

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// recorded is a started mock pool with its events from the beginning.
func recorded(t *testing.T, change func(*dspool.Config)) (*dspool.Pool, *recorder) {
	t.Helper()
	config := dspool.Config{Command: testkit.Worker(t), Workers: 1}
	if change != nil {
		change(&config)
	}
	pool, err := dspool.New(config)
	if err != nil {
		t.Fatal(err)
	}
	seen := record(t.Context(), pool)
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopPool(t, pool) })
	return pool, seen
}

func kill(t testing.TB, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatalf("kill %d: %v", pid, err)
	}
}

// CHK-97: a worker that exits while it is idle is removed and replaced.
func TestAWorkersLifeIsToldInOrder(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, nil)
	starting := seen.await(t, dspool.WorkerStarting)
	ready := seen.await(t, dspool.WorkerReady)
	if starting.Worker == "" || ready.Worker != starting.Worker || ready.PID == 0 || ready.Took <= 0 || ready.At.Before(starting.At) {
		t.Errorf("starting %+v, ready %+v", starting, ready)
	}
	if first := seen.await(t, dspool.PoolReady); first.Took <= 0 {
		t.Errorf("pool ready after %s", first.Took)
	}
	other := record(t.Context(), pool) // the successor may be up before the loss is reported
	kill(t, ready.PID)
	crashed := seen.await(t, dspool.WorkerCrashed)
	if crashed.Worker != ready.Worker || crashed.Err == nil || crashed.Err.Code != fault.WorkerCrashed || crashed.Err.Details["signal"] != "SIGKILL" {
		t.Errorf("crashed %+v", crashed)
	}
	replaced := other.await(t, dspool.WorkerReplaced)
	if replaced.Worker == ready.Worker || replaced.Took <= 0 || replaced.Took > 10*time.Second {
		t.Errorf("replaced %+v", replaced)
	}
	if st := pool.Status().Totals; st.Crashes != 1 || st.Restarts != 1 {
		t.Errorf("totals %+v", st)
	}
	stopPool(t, pool)
	seen.await(t, dspool.WorkerRetired)
	if last := seen.await(t, dspool.PoolStopped); last.At.IsZero() {
		t.Error("the last event has no time")
	}
	if rest := seen.all(t); len(rest) != 0 {
		t.Errorf("events after the last one: %+v", rest)
	}
}

func TestEveryMoveOfAWorkerIsAnEvent(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, nil)
	if _, err := pool.Call(t.Context(), dspool.Request{Program: mock(t, "echo")}); err != nil {
		t.Fatal(err)
	}
	stopPool(t, pool)
	var at dspool.WorkerState = dspool.WorkerStateInitializing
	for _, ev := range seen.all(t) {
		if ev.Kind != dspool.WorkerChanged {
			continue
		}
		if ev.From != at || ev.Reason == "" {
			t.Errorf("a move from %s to %s (%q) although the worker was %s", ev.From, ev.To, ev.Reason, at)
		}
		at = ev.To
	}
	if at != dspool.WorkerStateTerminated {
		t.Errorf("the last state is %s", at)
	}
}

func TestIncidentsOfCallsAreEvents(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	done := background(ctx, pool, dspool.Request{Program: mock(t, "heed")})
	until(t, "the call runs", func() bool { return pool.Status().InFlight == 1 })
	cancel()
	<-done
	if ev := seen.await(t, dspool.CallAbandoned); ev.Worker == "" || fault.CodeOf(ev.Err) != fault.Canceled {
		t.Errorf("abandoned %+v", ev)
	}
	_, err := pool.Call(t.Context(), dspool.Request{Program: mock(t, "crash_before_start")})
	wantCode(t, err, fault.WorkerCrashed, fault.StartedNo)
	if ev := seen.await(t, dspool.CallRedispatched); fault.CodeOf(ev.Err) != fault.WorkerCrashed {
		t.Errorf("redispatched %+v", ev)
	}
}

func TestASlowReaderOfEventsLosesSomeAndIsTold(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers = 1 })
	seq := pool.Events(t.Context())
	spec := mock(t, "echo")
	for range 2000 { // two moves each, nobody reads
		if _, err := pool.Call(t.Context(), dspool.Request{Program: spec}); err != nil {
			t.Fatal(err)
		}
	}
	stopPool(t, pool)
	read, dropped := 0, 0
	for ev := range seq {
		read++
		dropped += ev.Dropped
	}
	if read == 0 || read > 2000 || dropped < 1000 {
		t.Errorf("read %d events, %d dropped", read, dropped)
	}
}

func TestWhatWorkersWriteIsShownWithTheirName(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var lines []dspool.Output
	pool, seen := recorded(t, func(c *dspool.Config) {
		c.Output = func(o dspool.Output) {
			mu.Lock()
			defer mu.Unlock()
			lines = append(lines, o)
		}
	})
	resp, err := pool.Call(t.Context(), dspool.Request{Program: mock(t, "flood_stderr"), Input: []byte(`{"bytes":300}`)})
	if err != nil {
		t.Fatal(err)
	}
	if ev := seen.await(t, dspool.OutputCaptured); ev.Worker != resp.Worker || ev.Stream != "stderr" || !strings.HasPrefix(ev.Reason, "eee") {
		t.Errorf("event %+v", ev)
	}
	stopPool(t, pool)
	mu.Lock()
	defer mu.Unlock()
	if len(lines) != 3 || lines[0].Worker != resp.Worker || lines[0].Stream != "stderr" || len(lines[0].Line) != 99 {
		t.Errorf("lines %+v", lines)
	}
}

// CHK-34, CHK-38: the status says what there is, before and after calls.
func TestStatusCountsWhatHappened(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, nil)
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	for range 10 {
		if _, err := pool.Call(t.Context(), dspool.Request{Program: mock(t, "echo")}); err != nil {
			t.Fatal(err)
		}
	}
	_, err := pool.Call(t.Context(), dspool.Request{Program: mock(t, "fail"), Input: []byte(`{"code":"program_error","message":"no"}`)})
	wantCode(t, err, fault.ProgramError, fault.StartedYes)
	st := pool.Status()
	if st.Totals.Calls != 11 || st.Totals.Errors[fault.ProgramError] != 1 || len(st.Totals.Errors) != 1 {
		t.Errorf("totals %+v", st.Totals)
	}
	var calls int64
	blamed := false
	for _, w := range st.Workers {
		calls += w.Calls
		blamed = blamed || strings.Contains(w.LastError, "program_error")
		if w.ID == "" || w.PID == 0 || w.StartedAt.IsZero() || w.State != dspool.WorkerStateReady {
			t.Errorf("worker %+v", w)
		}
	}
	if calls != 11 || !blamed {
		t.Errorf("%d calls on the workers, want 11; last error shown: %v", calls, blamed)
	}
	if st.Mode != dspool.Spawn || st.Capacity != 512 || st.Queue.Limit != 1024 || st.Utilisation != 0 {
		t.Errorf("status %+v", st)
	}
	if encoded, err := json.Marshal(st); err != nil || !strings.Contains(string(encoded), `"phase":"serving"`) {
		t.Errorf("as JSON: %s, %v", encoded, err)
	}
}
