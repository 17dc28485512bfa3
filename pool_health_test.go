package dspool_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// sick are checks that are quick, for tests that wait for their outcome.
func sick(c *dspool.Config) {
	c.Health.Interval, c.Health.Timeout = 50*time.Millisecond, 50*time.Millisecond
}

func signal(t testing.TB, pid int, sig syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, sig); err != nil {
		t.Fatalf("signal %s to %d: %v", sig, pid, err)
	}
}

// waitStart waits for the first worker: Python takes its time on a busy machine.
func waitStart(t testing.TB, pool *dspool.Pool) {
	t.Helper()
	if err := pool.WaitReady(testkit.Context(t, 2*time.Minute)); err != nil {
		t.Fatal(err)
	}
}

// condition waits until a condition is raised, or cleared.
func (r *recorder) condition(t testing.TB, kind dspool.PoolEventKind, code dspool.ConditionCode) dspool.Condition {
	t.Helper()
	for {
		ev := r.await(t, kind)
		if ev.Condition == nil {
			t.Fatalf("%+v carries no condition", ev)
		}
		if ev.Condition.Code == code {
			return *ev.Condition
		}
	}
}

// CHK-04, CHK-41, CHK-44, CHK-60, CHK-96, CHK-102, CHK-107: a health check really calls every
// worker and counts.
func TestHealthCallsEveryWorker(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers, c.Health.Interval = 3, -1 })
	until(t, "all workers serve", func() bool { return pool.Status().Serving == 3 })
	if w := pool.Status().Workers[0]; w.Health != dspool.HealthStatusUnknown || w.Checks.SuccessRate != 100 {
		t.Errorf("before any check: %s, %+v", w.Health, w.Checks)
	}
	ctx := testkit.Context(t, time.Minute)
	r := pool.Health(ctx)
	if r.Status != dspool.HealthStatusHealthy || r.Healthy != 3 || r.Total != 3 || len(r.Workers) != 3 || len(r.Conditions) != 0 || r.Took <= 0 {
		t.Errorf("%+v", r)
	}
	for _, w := range r.Workers {
		if w.ID == "" || w.PID == 0 || w.Status != dspool.HealthStatusHealthy || w.Took <= 0 || w.Error != "" || w.State != dspool.WorkerStateReady {
			t.Errorf("worker %+v", w)
		}
	}
	st := pool.Status()
	if st.Checks.Total != 3 || st.Checks.Failures != 0 || st.Checks.SuccessRate != 100 || st.Checks.Average <= 0 || st.Checks.LastAt.IsZero() {
		t.Errorf("checks %+v", st.Checks)
	}
	if w := st.Workers[0]; w.Health != dspool.HealthStatusHealthy || w.Checks.Total != 1 || w.Calls != 0 || w.InFlight != 0 {
		t.Errorf("a check counts as a call: %+v", w)
	}
}

// CHK-102: what the report says when not all is well.
func TestHealthIsDegradedWithSomeWorkersAndUnhealthyWithNone(t *testing.T) {
	t.Parallel()
	fresh, err := dspool.New(dspool.Config{Command: testkit.Worker(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, time.Minute)
	if r := fresh.Health(ctx); r.Status != dspool.HealthStatusUnhealthy || r.Healthy != 0 {
		t.Errorf("before the start: %+v", r)
	}
	pool := mockPool(t, func(c *dspool.Config) { c.Health.Interval, c.Health.Timeout = -1, 100*time.Millisecond })
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	stopped := pool.Status().Workers[0]
	signal(t, stopped.PID, syscall.SIGSTOP)
	r := pool.Health(ctx)
	if r.Status != dspool.HealthStatusDegraded || r.Healthy != 1 || r.Total != 2 {
		t.Errorf("with one of two stopped: %+v", r)
	}
	if w := r.Workers[0]; w.ID != stopped.ID || w.Status != dspool.HealthStatusDegraded || !strings.Contains(w.Error, "ping") || w.State != dspool.WorkerStateDegraded {
		t.Errorf("the one that is stopped: %+v", w)
	}
	if len(r.Conditions) != 1 || r.Conditions[0].Code != dspool.WorkerDegraded || r.Conditions[0].Worker != stopped.ID {
		t.Errorf("conditions %+v", r.Conditions)
	}
	signal(t, stopped.PID, syscall.SIGCONT)
	if r := pool.Health(ctx); r.Status != dspool.HealthStatusHealthy || len(r.Conditions) != 0 {
		t.Errorf("after it went on: %+v", r)
	}
	stopPool(t, pool)
	if r := pool.Health(ctx); r.Status != dspool.HealthStatusUnhealthy {
		t.Errorf("after the stop: %+v", r)
	}
}

func TestHealthOfAPoolThatNobodyNeedsYet(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Lazy = true })
	if r := pool.Health(t.Context()); r.Status != dspool.HealthStatusHealthy || r.Healthy != 0 || r.Total != 2 {
		t.Errorf("%+v", r)
	}
}

func TestHealthOfASingle(t *testing.T) {
	t.Parallel()
	single, err := dspool.NewSingle(dspool.Config{Command: testkit.Worker(t)})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, time.Minute)
	if err := single.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = single.Stop(context.Background()) })
	if err := single.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	if r := single.Health(ctx); r.Status != dspool.HealthStatusHealthy || r.Healthy != 1 || r.Total != 1 {
		t.Errorf("%+v", r)
	}
}

// frozen stops one of the workers of a pool with calls on it, and checks what
// becomes of everybody: with the defaults it is found in less than 5 s, its calls
// get a typed error, those that had not begun go elsewhere, its neighbours are
// served, and the pool is whole again.
func frozen(t *testing.T, pool *dspool.Pool, seen *recorder, hang, echo dspool.Request) {
	t.Helper()
	ctx := testkit.Context(t, time.Minute)
	want := pool.Status().Want
	until(t, "full strength", func() bool { return pool.Status().Serving == want })
	for range 2 * want { // every worker knows the program
		short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		_, _ = pool.Call(short, hang)
		cancel()
	}
	victim := seen.await(t, dspool.WorkerReady)
	calls := 2 * want
	ended := make(chan result, calls)
	hanging, leave := context.WithCancel(ctx)
	t.Cleanup(leave)
	for range calls {
		go func() {
			resp, err := pool.Call(hanging, hang)
			ended <- result{resp, err}
		}()
	}
	until(t, "calls run", func() bool { return pool.Status().InFlight == calls })
	pool.Health(ctx) // when it is back the calls before it have begun
	inflight := 0
	for _, w := range pool.Status().Workers {
		if w.ID == victim.Worker {
			inflight = w.InFlight
		}
	}
	if inflight == 0 {
		t.Fatal("the worker to be stopped has no calls")
	}

	signal(t, victim.PID, syscall.SIGSTOP)
	began := time.Now()
	var repeatable []<-chan result
	for range 20 * want { // some of them are given to the stopped worker and not begun
		repeatable = append(repeatable, background(ctx, pool, echo))
	}
	raised := seen.condition(t, dspool.ConditionRaised, dspool.WorkerDegraded)
	if raised.Worker != victim.Worker || raised.Severity != dspool.SeverityWarning || raised.Text == "" || raised.Since.IsZero() {
		t.Errorf("condition %+v", raised)
	}
	if resp, err := pool.Call(ctx, echo); err != nil || resp.Worker == victim.Worker {
		t.Errorf("a call while the worker is degraded: %v on %q", err, resp.Worker)
	}
	crashed := seen.await(t, dspool.WorkerCrashed)
	if took := time.Since(began); took >= 5*time.Second {
		t.Errorf("found after %s, want less than 5 s", took)
	} else {
		t.Logf("found after %s", took)
	}
	if crashed.Worker != victim.Worker || crashed.Err.Code != fault.WorkerUnresponsive || crashed.Restart != dspool.ByUnresponsive {
		t.Errorf("crashed %+v: %v", crashed, crashed.Err)
	}
	seen.condition(t, dspool.ConditionCleared, dspool.WorkerDegraded)
	until(t, "the pool is whole", func() bool { return pool.Status().Serving == want })
	if st := pool.Status(); st.Totals.RestartsBy[dspool.ByUnresponsive] != 1 || st.Checks.Failures < 3 {
		t.Errorf("%+v, %+v", st.Totals, st.Checks)
	}
	for _, done := range repeatable {
		if r := <-done; r.err != nil {
			t.Errorf("a call that was repeatable: %v", r.err)
		}
	}
	leave()
	lost := 0
	for range calls {
		r := <-ended
		if fault.CodeOf(r.err) == fault.Canceled {
			continue // it ran elsewhere until the end
		}
		lost++
		f := wantCode(t, r.err, fault.WorkerUnresponsive, fault.StartedYes)
		if f.Worker != victim.Worker || !strings.Contains(f.Message, "checks in a row failed") {
			t.Errorf("error %v of %s", f, f.Worker)
		}
	}
	if lost == 0 || lost > inflight {
		t.Errorf("%d calls ended with the worker, it had %d", lost, inflight)
	}
}

// CHK-121, CHK-36
func TestAFrozenMockWorkerIsFoundWithDefaults(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.Workers = 3 })
	frozen(t, pool, seen, dspool.Request{Program: mock(t, "heed")}, dspool.Request{Program: mock(t, "echo")})
}

// CHK-121, CHK-36
func TestAFrozenPythonWorkerIsFoundWithDefaults(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		c.Command, c.Python, c.Workers, c.Path = nil, testkit.Python(t), 2, []string{"testdata/misbehaviour"}
	})
	waitStart(t, pool)
	frozen(t, pool, seen, request(t, "health:wait", "{}"), request(t, "good:echo", `{"text":"a"}`))
}

// A pool of one whose only worker is degraded loses no call: they wait, also
// where the queue has no places.
func TestAPoolOfOneLosesNoCallsWhileItsWorkerIsDegraded(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		sick(c)
		c.QueueSize, c.Health.Failures = -1, 1000
	})
	victim := seen.await(t, dspool.WorkerReady)
	ctx := testkit.Context(t, time.Minute)
	signal(t, victim.PID, syscall.SIGSTOP)
	seen.condition(t, dspool.ConditionRaised, dspool.WorkerDegraded)
	var calls []<-chan result
	for range 50 {
		calls = append(calls, background(ctx, pool, dspool.Request{Program: mock(t, "echo")}))
	}
	until(t, "they wait", func() bool { return pool.Status().Queue.Length == 50 })
	if st := pool.Status(); st.Serving != 0 || st.Workers[0].State != dspool.WorkerStateDegraded || st.Workers[0].Health != dspool.HealthStatusDegraded {
		t.Errorf("%+v", st)
	}
	signal(t, victim.PID, syscall.SIGCONT)
	seen.condition(t, dspool.ConditionCleared, dspool.WorkerDegraded)
	for _, c := range calls {
		if r := <-c; r.err != nil || r.resp.Worker != victim.Worker {
			t.Errorf("on %q: %v", r.resp.Worker, r.err)
		}
	}
}

// CHK-36: a killed worker's call gets a typed error, others are not affected, and
// a replacement appears.
func TestKillingAWorkerHurtsNobodyElse(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.Workers = 2 })
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	ctx := testkit.Context(t, time.Minute)
	begun, goOn, ended := make(chan struct{}, 2), make(chan struct{}), make(chan error, 2)
	for range 2 { // one for each worker, and more events than a reader gets unasked
		go func() {
			var last error
			for ev, err := range pool.Stream(ctx, dspool.Request{Program: mock(t, "stream"), Input: []byte(`{"n":100}`)}) {
				if last = err; string(ev.Data) == "0" {
					begun <- struct{}{}
					<-goOn
				}
			}
			ended <- last
		}()
	}
	<-begun
	<-begun
	kill(t, pool.Status().Workers[0].PID)
	close(goOn)
	codes := map[fault.Code]int{fault.CodeOf(<-ended): 1}
	codes[fault.CodeOf(<-ended)]++
	if codes[fault.WorkerCrashed] != 1 || codes[""] != 1 {
		t.Errorf("calls ended with %v, want one answer and one worker_crashed", codes)
	}
	if ev := seen.await(t, dspool.WorkerCrashed); ev.Restart != dspool.ByCrash {
		t.Errorf("%+v", ev)
	}
	// The replacement may be up before the report of the crash is here.
	until(t, "the pool is whole", func() bool {
		st := pool.Status()
		return st.Serving == 2 && st.Totals.RestartsBy[dspool.ByCrash] == 1
	})
}

// A worker whose code keeps the processor busy and the loop from turning is out
// of use for that time, and no longer.
func TestABusyWorkerIsNotKilled(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		sick(c)
		c.Health.Timeout = 200 * time.Millisecond
	})
	ctx := testkit.Context(t, time.Minute)
	spun := background(ctx, pool, dspool.Request{Program: mock(t, "spin"), Input: []byte(`{"ms":2500}`)})
	seen.condition(t, dspool.ConditionRaised, dspool.WorkerDegraded)
	if r := <-spun; r.err != nil {
		t.Errorf("the call: %v", r.err)
	}
	seen.condition(t, dspool.ConditionCleared, dspool.WorkerDegraded)
	if st := pool.Status(); st.Totals.Crashes != 0 || len(st.Totals.RestartsBy) != 0 {
		t.Errorf("%+v", st.Totals)
	}
}

// A user's own probe says what ready means.
func TestTheUsersOwnProbe(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		sick(c)
		c.Health.Timeout = 10 * time.Second // on a busy machine too it is the probe that fails
		c.Health.Probe, c.Health.Input = mock(t, "fail"), []byte(`{"code":"program_error","message":"no model"}`)
	})
	raised := seen.condition(t, dspool.ConditionRaised, dspool.WorkerDegraded)
	if !strings.Contains(raised.Text, "no model") {
		t.Errorf("condition %+v", raised)
	}
	recycled := seen.await(t, dspool.WorkerRecycled)
	if recycled.Restart != dspool.ByNotReady || recycled.Took <= 0 || !strings.Contains(recycled.Reason, "no model") {
		t.Errorf("recycled %+v", recycled)
	}
	if st := pool.Status(); st.Totals.Calls != 0 || st.Totals.Crashes != 0 {
		t.Errorf("%+v", st.Totals)
	}
}

func TestAProbeThatSucceedsGoesTheWayOfCallsButCountsAsNone(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		sick(c)
		c.WorkerConcurrency = 1
		c.Health.Probe, c.Health.Input = mock(t, "echo"), []byte(`{"text":"there"}`)
	})
	victim := seen.await(t, dspool.WorkerReady)
	ctx := testkit.Context(t, time.Minute)
	full := background(ctx, pool, dspool.Request{Program: mock(t, "sleep"), Input: []byte(`{"ms":500}`)})
	if r := <-full; r.err != nil {
		t.Error(r.err)
	}
	until(t, "checks pass", func() bool { return pool.Status().Checks.Total >= 5 })
	st := pool.Status()
	if st.Checks.Failures > 0 || st.Workers[0].ID != victim.Worker || st.Workers[0].Calls != 1 {
		t.Errorf("%+v on %+v", st.Checks, st.Workers)
	}
}

func TestLagAndMemoryAreConditions(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		sick(c)
		c.Health.Timeout, c.Recycle.MemoryMax = time.Second, 1000
	})
	seen.await(t, dspool.WorkerReady)
	ctx := testkit.Context(t, time.Minute)
	mustCall := func(name, input string) {
		t.Helper()
		if _, err := pool.Call(ctx, dspool.Request{Program: mock(t, name), Input: []byte(input)}); err != nil {
			t.Fatal(err)
		}
	}
	mustCall("lag", `{"ms":700}`)
	if c := seen.condition(t, dspool.ConditionRaised, dspool.LoopLagHigh); !strings.Contains(c.Text, "700ms") || c.Worker == "" {
		t.Errorf("%+v", c)
	}
	if w := pool.Status().Workers[0]; w.Lag != 700*time.Millisecond {
		t.Errorf("lag %s", w.Lag)
	}
	mustCall("lag", `{"ms":0}`)
	seen.condition(t, dspool.ConditionCleared, dspool.LoopLagHigh)
	mustCall("grow", `{"bytes":950}`)
	seen.condition(t, dspool.ConditionRaised, dspool.MemoryHigh)
	waiting := background(ctx, pool, dspool.Request{Program: mock(t, "heed")})
	until(t, "the call runs", func() bool { return pool.Status().InFlight == 1 })
	mustCall("grow", `{"bytes":50}`)
	r := <-waiting
	f := wantCode(t, r.err, fault.WorkerCrashed, fault.StartedYes)
	if !strings.Contains(f.Message, "MemoryMax") {
		t.Errorf("%v", f)
	}
	if ev := seen.await(t, dspool.WorkerCrashed); ev.Restart != dspool.ByMemoryMax {
		t.Errorf("%+v", ev)
	}
}

func TestASaturatedQueueIsACondition(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.WorkerConcurrency, c.QueueSize = 1, 10 })
	ctx, cancel := context.WithCancel(testkit.Context(t, time.Minute))
	defer cancel()
	var calls []<-chan result
	for range 11 {
		calls = append(calls, background(ctx, pool, dspool.Request{Program: mock(t, "heed")}))
	}
	c := seen.condition(t, dspool.ConditionRaised, dspool.QueueSaturated)
	if c.Worker != "" || !strings.Contains(c.Text, "of 10 places") {
		t.Errorf("%+v", c)
	}
	cancel()
	for _, done := range calls {
		<-done
	}
	seen.condition(t, dspool.ConditionCleared, dspool.QueueSaturated)
}

func TestAFailingSessionStoreIsACondition(t *testing.T) {
	t.Parallel()
	store := &moodyStore{}
	pool, seen := recorded(t, func(c *dspool.Config) { c.Sessions.Store = store })
	seen.await(t, dspool.WorkerReady)
	store.set(fault.New(fault.ResourceExhausted, "the disk is full"))
	if _, err := pool.Session("s").Call(testkit.Context(t, time.Minute), dspool.Request{Program: mock(t, "echo")}); err != nil {
		t.Fatal(err)
	}
	if c := seen.condition(t, dspool.ConditionRaised, dspool.StoreTrouble); !strings.Contains(c.Text, "the disk is full") {
		t.Errorf("%+v", c)
	}
	store.set(nil)
	seen.condition(t, dspool.ConditionCleared, dspool.StoreTrouble)
}

func TestACrashLoopIsACondition(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) { c.Command = []string{"/bin/false"} })
	c := seen.condition(t, dspool.ConditionRaised, dspool.CrashLoop)
	if c.Severity != dspool.SeverityCritical || c.Text == "" {
		t.Errorf("%+v", c)
	}
	st := pool.Status()
	if len(st.Conditions) == 0 || st.Conditions[0].Code != dspool.CrashLoop {
		t.Errorf("status has %+v", st.Conditions)
	}
}

func TestEveryConditionHasASeverity(t *testing.T) {
	t.Parallel()
	known := []dspool.Severity{dspool.SeverityCritical, dspool.SeverityWarning, dspool.SeverityInfo}
	last := 0
	for _, code := range dspool.ConditionCodes() {
		at := slices.Index(known, code.Severity())
		if at < last {
			t.Errorf("%s is %s: it has no severity, or the table is not in order", code, code.Severity())
		}
		last = at
	}
}

// CHK-120
func TestAWorkersHistoryIsInItsStatus(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		sick(c)
		c.Health.Failures = 1000
	})
	victim := seen.await(t, dspool.WorkerReady)
	signal(t, victim.PID, syscall.SIGSTOP)
	seen.condition(t, dspool.ConditionRaised, dspool.WorkerDegraded)
	signal(t, victim.PID, syscall.SIGCONT)
	seen.condition(t, dspool.ConditionCleared, dspool.WorkerDegraded)
	var path []string
	for _, m := range pool.Status().Workers[0].History {
		path = append(path, fmt.Sprintf("%s>%s", m.From, m.To))
		if m.Reason == "" || m.At.IsZero() || m.Took <= 0 {
			t.Errorf("move %+v", m)
		}
	}
	if got := strings.Join(path, " "); got != "initializing>ready ready>degraded degraded>ready" {
		t.Errorf("history %s", got)
	}
}

func TestWrongHealthAndRecycleConfigurationIsRefusedAtOnce(t *testing.T) {
	t.Parallel()
	whole, err := dspool.NewFunc("package:whole", dspool.Exclusive())
	if err != nil {
		t.Fatal(err)
	}
	_, err = dspool.New(dspool.Config{
		Command: testkit.Worker(t),
		Health:  dspool.Health{Interval: -2, DegradedInterval: -1, Timeout: -1, Failures: -1, BusyMax: -5, LagMax: -7, Probe: whole, Input: []byte("[]")},
		Recycle: dspool.Recycle{Calls: -1, Age: -1, Idle: -1, Memory: -1, MemoryMax: -2, Errors: -1, Jitter: 2},
	})
	if fault.CodeOf(err) != fault.InvalidArgument {
		t.Fatal(err)
	}
	text := errors.Unwrap(fault.From(err)).Error()
	for _, path := range []string{
		"Health.Interval", "Health.DegradedInterval", "Health.Timeout", "Health.Failures", "Health.BusyMax", "Health.LagMax", "Health.Probe", "Health.Input",
		"Recycle.Calls", "Recycle.Age", "Recycle.Idle", "Recycle.Memory", "Recycle.MemoryMax", "Recycle.Errors", "Recycle.Jitter",
	} {
		if !strings.Contains(text, "Config."+path+": ") {
			t.Errorf("nothing about %s in %s", path, text)
		}
	}
	_, err = dspool.New(dspool.Config{Command: testkit.Worker(t), Health: dspool.Health{Interval: -1}, Recycle: dspool.Recycle{Memory: 1}})
	if fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("a limit of memory without checks: %v", err)
	}
}

// The rule that tells busy from frozen holds for Python as well.
func TestABusyPythonWorkerIsNotKilled(t *testing.T) {
	t.Parallel()
	pool, seen := recorded(t, func(c *dspool.Config) {
		sick(c)
		c.Command, c.Python, c.Path, c.Health.Timeout = nil, testkit.Python(t), []string{"testdata/misbehaviour"}, 200*time.Millisecond
	})
	waitStart(t, pool)
	ctx := testkit.Context(t, time.Minute)
	burnt := background(ctx, pool, request(t, "health:burn", `{"n":100000000}`))
	seen.condition(t, dspool.ConditionRaised, dspool.WorkerDegraded)
	if r := <-burnt; r.err != nil || r.resp.Run < time.Second {
		t.Errorf("the call ran for %s: %v", r.resp.Run, r.err)
	}
	seen.condition(t, dspool.ConditionCleared, dspool.WorkerDegraded)
	if st := pool.Status(); st.Totals.Crashes != 0 || len(st.Totals.RestartsBy) != 0 {
		t.Errorf("%+v", st.Totals)
	}
}

// Threads that are all taken keep sync calls waiting, but not the check.
func TestAPythonWorkerWhoseThreadsAreAllTakenIsHealthy(t *testing.T) {
	t.Parallel()
	pool, _ := recorded(t, func(c *dspool.Config) {
		c.Command, c.Python, c.Path, c.Threads, c.Health.Interval = nil, testkit.Python(t), []string{"testdata/misbehaviour"}, 2, -1
	})
	waitStart(t, pool)
	ctx := testkit.Context(t, time.Minute)
	var calls []<-chan result
	for range 4 {
		calls = append(calls, background(ctx, pool, request(t, "health:block", `{"seconds":1.5}`)))
	}
	until(t, "all threads are taken", func() bool { return pool.Status().InFlight == 4 })
	if r := pool.Health(ctx); r.Status != dspool.HealthStatusHealthy || r.Took > time.Second {
		t.Errorf("%+v", r)
	}
	for _, c := range calls {
		if r := <-c; r.err != nil {
			t.Error(r.err)
		}
	}
}
