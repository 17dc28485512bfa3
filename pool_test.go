package dspool_test

import (
	"context"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// mockPool starts a pool of mock workers that ends with the test.
func mockPool(t testing.TB, change func(*dspool.Config)) *dspool.Pool {
	t.Helper()
	config := dspool.Config{Command: testkit.Worker(t), Workers: 2}
	if change != nil {
		change(&config)
	}
	pool, err := dspool.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopPool(t, pool) })
	return pool
}

// stopPool stops a pool, unless the test has done so.
func stopPool(t testing.TB, pool *dspool.Pool) {
	t.Helper()
	if pool.Status().Phase == dspool.PoolHasStopped {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := pool.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

// mock is a function of the mock worker.
func mock(t testing.TB, name string) *dspool.Spec {
	t.Helper()
	spec, err := dspool.NewFunc("mock:" + name)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func TestACallIsAnswered(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, nil)
	ctx := testkit.Context(t, time.Minute)
	resp, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo"), Input: []byte(`{"text":"hello"}`)})
	if err != nil {
		t.Fatal(err)
	}
	if string(resp.Output) != `"hello"` || resp.Worker == "" || resp.Attempts != 1 {
		t.Errorf("response %+v", resp)
	}
}

// The only worker is sound but its answers are not: a call that may be repeated
// has nobody else to wait for.
func TestAPoolOfOneDoesNotWaitForAnotherWorker(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers, c.CallTimeout = 1, 10*time.Second })
	spec, err := dspool.NewFunc("mock:bad_result", dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.Call(t.Context(), dspool.Request{Program: spec})
	wantCode(t, err, fault.Protocol, fault.StartedYes)
}

// The first attempt runs and loses its worker; that the next one finds none in
// time does not make the call one that never started.
func TestARetriedCallThatFindsNoWorkerHasStarted(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers, c.QueueTimeout = 1, time.Millisecond })
	if err := pool.WaitReady(testkit.Context(t, 20*time.Second)); err != nil {
		t.Fatal(err)
	}
	spec, err := dspool.NewFunc("mock:crash", dspool.Idempotent())
	if err != nil {
		t.Fatal(err)
	}
	_, err = pool.Call(t.Context(), dspool.Request{Program: spec})
	code := fault.CodeOf(err) // a fast replacement is lost as well
	if code != fault.QueueTimeout && code != fault.WorkerCrashed {
		t.Fatalf("error %v", err)
	}
	wantCode(t, err, code, fault.StartedYes)
}
