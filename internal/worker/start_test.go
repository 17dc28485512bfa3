package worker

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// script is a command that ignores what it is asked to be.
func script(t *testing.T, text string) func(*Config) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "command")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o700); err != nil { //nolint:gosec // it has to be executable
		t.Fatal(err)
	}
	return func(c *Config) { c.Command = []string{path} }
}

func TestFailedStartsSayWhy(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		mod  func(*testing.T) func(*Config)
		code fault.Code
		want []string
	}{
		{
			"exits at once", func(t *testing.T) func(*Config) { return script(t, "echo boom >&2; exit 3") },
			fault.Unavailable,
			[]string{"exit code 3", "boom"},
		},
		{
			"module missing", func(t *testing.T) func(*Config) {
				return script(t, "echo \"ModuleNotFoundError: No module named 'dspy'\" >&2; exit 1")
			},
			fault.Unavailable,
			[]string{"exit code 1", "install it", "No module named 'dspy'"},
		},
		{
			"crashes", func(t *testing.T) func(*Config) { return script(t, "kill -SEGV $$") },
			fault.Unavailable,
			[]string{"SIGSEGV", "native code"},
		},
		{
			"speaks no version of ours", func(t *testing.T) func(*Config) { return script(t, "exit 65") },
			fault.Protocol,
			[]string{"protocol version"},
		},
		{
			"says nothing", func(t *testing.T) func(*Config) {
				silent := script(t, "exec sleep 1000")
				return func(c *Config) { silent(c); c.StartTimeout = 200 * time.Millisecond }
			},
			fault.Unavailable,
			[]string{"did not say"},
		},
		{
			"closes its connection", func(t *testing.T) func(*Config) { return script(t, "exec 3>&- 4>&-; exec sleep 1000") },
			fault.Unavailable,
			[]string{"closed its connection"},
		},
		{
			"does not exist", func(*testing.T) func(*Config) {
				return func(c *Config) { c.Command = []string{"/no/such/python"} }
			},
			fault.Unavailable,
			[]string{"/no/such/python", "does not exist"},
		},
		{
			"is not on PATH", func(*testing.T) func(*Config) {
				return func(c *Config) { c.Command = []string{"no-such-python"} }
			},
			fault.Unavailable,
			[]string{"no-such-python"},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := started(t, NewSpawner(config(t, tt.mod(t))))
			_, err := s.Spawn(testkit.Context(t, patience), "w1")
			if fault.CodeOf(err) != tt.code {
				t.Errorf("error = %v, want %s", err, tt.code)
			}
			for _, want := range tt.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v does not say %q", err, want)
				}
			}
		})
	}
}

func TestAStartThatIsGivenUpLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	s := started(t, NewSpawner(config(t, script(t, "exec sleep 1000"))))
	ctx, cancel := context.WithTimeout(testkit.Context(t, patience), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Spawn(ctx, "w1"); fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Errorf("error = %v", err)
	}
}

func TestASourceRefusesBeforeItsStartAndAfterItsStop(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(Config) Source) {
		ctx := testkit.Context(t, patience)
		s := open(config(t))
		if _, err := s.Spawn(ctx, "w1"); fault.CodeOf(err) != fault.Unavailable {
			t.Errorf("before: %v", err)
		}
		for range 2 {
			if err := s.Start(ctx); err != nil {
				t.Fatal(err)
			}
		}
		for range 2 {
			if err := s.Stop(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.Spawn(ctx, "w1"); fault.CodeOf(err) != fault.ShuttingDown {
			t.Errorf("after: %v", err)
		}
		if err := s.Start(ctx); fault.CodeOf(err) != fault.ShuttingDown {
			t.Errorf("start after stop: %v", err)
		}
	})
}

func TestStoppingASourceEndsItsWorkers(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(Config) Source) {
		ctx := testkit.Context(t, patience)
		s := open(config(t))
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
		w := spawn(t, s)
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		await(t, "the worker's end", w.Done())
	})
}

func TestOutputArrivesByWorkerAndStream(t *testing.T) {
	t.Parallel()
	eachSource(t, func(t *testing.T, open func(Config) Source) {
		var mu sync.Mutex
		lines, dropped := 0, 0
		s := open(config(t, func(c *Config) {
			c.OnOutput = func(o Output) {
				mu.Lock()
				defer mu.Unlock()
				if o.Worker != "w1" || o.Stream != Stderr || strings.Trim(o.Line, "e") != "" {
					t.Errorf("output = %+v", o)
				}
				lines++
				dropped += o.Dropped
			}
		}))
		ctx := testkit.Context(t, patience)
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
		w := spawn(t, s)
		if o := outcome(t, begin(t, w, "flood_stderr", `{"bytes":20000000}`)); o.Err != nil {
			t.Fatal(o.Err)
		}
		o := outcome(t, begin(t, w, "exit", `{"code":1}`))
		if o.Err == nil || len(o.Err.Details["stderr"]) == 0 || len(o.Err.Details["stderr"]) > crashBytes {
			t.Errorf("error = %v", o.Err)
		}
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		mu.Lock()
		defer mu.Unlock()
		if lines+dropped > 200_000 || lines == 0 {
			t.Errorf("%d lines and %d dropped of 200000", lines, dropped)
		}
	})
}
