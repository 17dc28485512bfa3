package dspool_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// shell is a worker command made of a shell script; the worker's arguments
// follow as "$@".
func shell(script string) []string { return []string{"/bin/sh", "-c", script, "sh"} }

// started starts a pool and stops it with the test.
func started(t testing.TB, config dspool.Config) *dspool.Pool {
	t.Helper()
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

// until waits until a condition holds.
func until(t testing.TB, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for ctx := testkit.Context(t, 30*time.Second); !holds(); {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		}
	}
}

func wantCode(t testing.TB, err error, code fault.Code, started fault.Started) *fault.Error {
	t.Helper()
	f := fault.From(err)
	if f == nil || f.Code != code || f.Started != started {
		t.Fatalf("error %v, want code %q with Started %q", err, code, started)
	}
	return f
}

// result is what a call in the background came to.
type result struct {
	resp dspool.Response
	err  error
}

func background(ctx context.Context, r dspool.Runner, req dspool.Request) <-chan result {
	done := make(chan result, 1)
	go func() {
		resp, err := r.Call(ctx, req)
		done <- result{resp, err}
	}()
	return done
}

// CHK-131: initialisation under 100 ms means that calls are accepted by then.
func TestCallsAreAcceptedAtOnceAndWaitForTheFirstWorker(t *testing.T) {
	t.Parallel()
	spec := mock(t, "echo")
	began := time.Now()
	pool, err := dspool.New(dspool.Config{Command: shell("exec sleep 60"), CallTimeout: 700 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer stopPool(t, pool)
	done := background(t.Context(), pool, dspool.Request{Program: spec})
	until(t, "the call is queued", func() bool { return pool.Status().Queue.Length == 1 })
	if took := time.Since(began); took > 100*time.Millisecond {
		t.Errorf("accepted after %s, must be within 100 ms", took)
	}
	if phase := pool.Status().Phase; phase != dspool.PoolStarting {
		t.Errorf("phase %s", phase)
	}
	wantCode(t, (<-done).err, fault.DeadlineExceeded, fault.StartedNo)
}

func TestReadyIsClosedByTheFirstWorker(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, nil)
	if err := pool.WaitReady(testkit.Context(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	<-pool.Ready()
	st := pool.Status()
	if st.Phase != dspool.PoolServing || st.Serving < 1 || st.ReadyAfter <= 0 || st.StartedAt.IsZero() || st.Want != 2 {
		t.Errorf("status %+v", st)
	}
}

func TestWaitReadyGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	pool := started(t, dspool.Config{Command: shell("exec sleep 60")})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	wantCode(t, pool.WaitReady(ctx), fault.DeadlineExceeded, fault.StartedNo)
	select {
	case <-pool.Ready():
		t.Error("ready without a worker")
	default:
	}
}

func TestAStartThatCannotSucceedSaysWhy(t *testing.T) {
	t.Parallel()
	missing := filepath.Join(t.TempDir(), "nowhere")
	tests := map[string]struct {
		config dspool.Config
		code   fault.Code
		says   string
	}{
		"an interpreter that is not there": {dspool.Config{Python: missing}, "", missing},
		"a folder that is not there": {
			dspool.Config{Command: testkit.Worker(t), Path: []string{missing}}, fault.InvalidArgument, missing,
		},
		"a command that is not there": {dspool.Config{Command: []string{missing}}, fault.Unavailable, missing},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := started(t, tt.config)
			ctx := testkit.Context(t, time.Minute)
			err := pool.WaitReady(ctx)
			if err == nil || !strings.Contains(err.Error(), tt.says) || tt.code != "" && fault.CodeOf(err) != tt.code {
				t.Fatalf("WaitReady = %v, want %q naming %q", err, tt.code, tt.says)
			}
			_, called := pool.Call(ctx, dspool.Request{Program: mock(t, "echo")})
			wantCode(t, called, fault.CodeOf(err), fault.StartedNo)
			if st := pool.Status(); st.Phase != dspool.PoolDown || st.Trouble == nil {
				t.Errorf("phase %s, trouble %v", st.Phase, st.Trouble)
			}
		})
	}
}

// quick is a pace that opens a crash loop within milliseconds.
func quick() dspool.Restart {
	return dspool.Restart{Failures: 2, Backoff: 10 * time.Millisecond, BackoffMax: 300 * time.Millisecond}
}

func TestACrashLoopFailsCallsAndEndsWhenTheCauseDoes(t *testing.T) {
	t.Parallel()
	flag := filepath.Join(t.TempDir(), "mended")
	script := `[ -e "` + flag + `" ] || { echo "no such model" >&2; exit 3; }; exec "` + testkit.Worker(t)[0] + `" "$@"`
	pool, err := dspool.New(dspool.Config{Command: shell(script), Restart: quick()})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, 30*time.Second)
	seen := record(ctx, pool)
	if err := pool.Start(ctx); err != nil {
		t.Fatal(err)
	}
	defer stopPool(t, pool)

	f := wantCode(t, pool.WaitReady(ctx), fault.Unavailable, fault.StartedNo)
	if !strings.Contains(f.Error(), "no such model") || !strings.Contains(f.Details["stderr"], "no such model") || f.RetryAfter <= 0 {
		t.Errorf("error %v, details %v, retry after %s", f, f.Details, f.RetryAfter)
	}
	began := time.Now()
	_, err = pool.Call(ctx, dspool.Request{Program: mock(t, "echo")})
	wantCode(t, err, fault.Unavailable, fault.StartedNo)
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("a call failed only after %s", took)
	}
	seen.await(t, dspool.WorkerFailed)
	seen.await(t, dspool.CrashLoopOpened)

	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	seen.await(t, dspool.CrashLoopClosed)
	if _, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo")}); err != nil {
		t.Errorf("after the cause was mended: %v", err)
	}
	if err := pool.WaitReady(ctx); err != nil {
		t.Errorf("WaitReady after the cause was mended: %v", err)
	}
}

// CHK-12: nothing is started before it is needed, and no more than asked for.
func TestALazyPoolStartsWorkersWithTheFirstCall(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Lazy = true })
	ctx := testkit.Context(t, time.Minute)
	if st := pool.Status(); len(st.Workers) != 0 || st.Phase != dspool.PoolStarting {
		t.Errorf("status before the first call: %+v", st)
	}
	if _, err := pool.Call(ctx, dspool.Request{Program: mock(t, "echo")}); err != nil {
		t.Fatal(err)
	}
	until(t, "both workers serve", func() bool { return pool.Status().Serving == 2 })
	waiting := mockPool(t, func(c *dspool.Config) { c.Lazy = true })
	if err := waiting.WaitReady(ctx); err != nil {
		t.Errorf("WaitReady of a lazy pool: %v", err)
	}
}
