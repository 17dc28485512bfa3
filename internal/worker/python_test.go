package worker

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
)

// eachPython runs a test with real workers of both kinds, one source for all.
func eachPython(t *testing.T, test func(t *testing.T, s Source), mods ...func(*Config)) {
	t.Helper()
	mods = append([]func(*Config){python(t, testkit.Python(t))}, mods...)
	for name, open := range sources() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, started(t, open(config(t, mods...))))
		})
	}
}

func TestRealWorkersThatCrashSayHow(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, program, body, detail, value, words string }{
		{"segfault", "segfaults:now", `{}`, "signal", "SIGSEGV", "Segmentation fault"},
		{"exit without clearing up", "exits:impolitely", `{"code":7}`, "exit", "7", "last words"},
		{"descriptors closed", "closes_descriptors:all_of_them_async", `{}`, "exit", "70", "user code closed descriptor"},
	}
	eachPython(t, func(t *testing.T, s Source) {
		for _, tt := range tests {
			w := spawn(t, s)
			o := outcome(t, begin(t, w, tt.program, tt.body))
			if o.Err == nil || o.Err.Code != fault.WorkerCrashed || o.Err.Started != fault.StartedYes {
				t.Errorf("%s: outcome = %s, %+v", tt.name, o.Reply.Body, o.Err)
				continue
			}
			if o.Err.Details[tt.detail] != tt.value || !strings.Contains(o.Err.Details["stderr"], tt.words) {
				t.Errorf("%s: details = %v", tt.name, o.Err.Details)
			}
		}
	})
}

func TestARealWorkerThatHoldsTheInterpreterIsKilled(t *testing.T) {
	t.Parallel()
	folder := module(t, "holds", `
import ctypes, sys

async def wait() -> None:
    import asyncio
    await asyncio.sleep(60)

def hold() -> None:
    sleep = ctypes.PyDLL(None).sleep
    print("held", file=sys.stderr, flush=True)
    sleep(60)
`)
	held := make(chan Output, 100)
	eachPython(t, func(t *testing.T, s Source) {
		w := spawn(t, s)
		neighbour := begin(t, w, "holds:wait", `{}`)
		begun(t, w, neighbour)
		p := begin(t, w, "holds:hold", `{}`)
		<-held
		stuck(t, w)
		w.Cancel(p, mux.Deadline)
		for _, p := range []*mux.Pending{p, neighbour} {
			if o := outcome(t, p); o.Err == nil || o.Err.Code != fault.WorkerUnresponsive {
				t.Errorf("outcome = %+v", o.Err)
			}
		}
		await(t, "its end", w.Done())
		if e := w.Exit(); e.Signal != syscall.SIGKILL || !e.Known {
			t.Errorf("exit = %+v", e)
		}
	}, func(c *Config) { c.OnOutput = func(o Output) { held <- o } }, userCode(folder))
}

// module writes a Python module and returns its folder.
func module(t *testing.T, name, text string) string {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, name+".py"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

func userCode(folder string) func(*Config) {
	return func(c *Config) { c.Path = append(c.Path, folder) }
}

// stuck waits until the worker does not answer a ping: its interpreter is held.
func stuck(t *testing.T, w *Worker) {
	t.Helper()
	limit := testkit.Context(t, patience)
	for limit.Err() == nil {
		ctx, cancel := context.WithTimeout(limit, 500*time.Millisecond)
		_, err := w.Ping(ctx)
		cancel()
		if err != nil {
			return
		}
	}
	t.Fatalf("the worker answers pings after %v", patience)
}

func TestRealOutputArrivesLineByLine(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []Output
	eachPython(t, func(t *testing.T, s Source) {
		w := spawn(t, s)
		if o := outcome(t, begin(t, w, "floods:stderr", `{"megabytes":5}`)); o.Err != nil {
			t.Fatal(o.Err)
		}
		if err := w.Stop(testkit.Context(t, patience)); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(got) == 0 || got[0].Worker != "w1" || got[0].Stream != Stderr || strings.Trim(got[0].Line, "x") != "" {
			t.Errorf("%d lines: %.3v", len(got), got)
		}
	}, func(c *Config) {
		c.OnOutput = func(o Output) {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, o)
		}
	})
}

// A worker that has said goodbye may still run what user code registered for the
// interpreter's end, but not for ever.
func TestAWorkerThatLingersAfterItsGoodbyeIsEnded(t *testing.T) {
	t.Parallel()
	folder := module(t, "lingers", `
import atexit, time

def linger() -> int:
    atexit.register(time.sleep, 60)
    return 1
`)
	tests := []struct {
		name             string
		grace, waitsOnly time.Duration
	}{
		{"after the grace", 300 * time.Millisecond, patience},
		{"when nobody waits any longer", patience, 300 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := spawn(t, started(t, NewSpawner(config(t, python(t, testkit.Python(t)), userCode(folder), func(c *Config) {
				c.TermGrace = tt.grace
			}))))
			if o := outcome(t, begin(t, w, "lingers:linger", `{}`)); o.Err != nil {
				t.Fatal(o.Err)
			}
			since := time.Now()
			_ = w.Stop(testkit.Context(t, tt.waitsOnly))
			if took := time.Since(since); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if e := w.Exit(); !e.Expected() || e.Signal == 0 && e.Exit.Code != 143 || e.Goodbye == "" {
				t.Errorf("exit = %+v", e)
			}
		})
	}
}

func TestARealWorkerIsUpSoonAfterItsOrder(t *testing.T) { //nolint:paralleltest // measures
	s := started(t, NewForkServer(config(t, python(t, testkit.Python(t)))))
	for range 3 {
		w := spawn(t, s)
		took := w.Started().Sub(w.Ordered())
		t.Logf("up after %v", took)
		if took > time.Second {
			t.Errorf("a fork took %v", took)
		}
	}
}
