package dspool_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// sandboxed starts a pool in a sandbox, with the practice LM outside of it.
func sandboxed(t *testing.T, start dspool.StartMode, s dspool.Sandbox) (*dspool.Pool, *dspooltest.PracticeLM) {
	t.Helper()
	testkit.Require(t, "python", "dspy", "userns")
	return practicePool(t, func(c *dspool.Config) {
		c.Start, c.Sandbox, c.Path = start, s, append(c.Path, "pyworker/tests/programs")
		c.Workers = 1
	})
}

// attempts has user code try things, and returns what came of each.
func attempts(t *testing.T, pool *dspool.Pool, function string, input any) map[string]string {
	t.Helper()
	spec, err := dspool.NewFunc("escapes:" + function)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := pool.Call(testkit.Context(t, time.Minute), dspool.Request{Program: spec, Input: raw})
	if err != nil {
		t.Fatal(err)
	}
	var outcomes map[string]string
	if err := json.Unmarshal(resp.Output, &outcomes); err != nil {
		t.Fatal(err)
	}
	return outcomes
}

// succeeded are the attempts that did.
func succeeded(outcomes map[string]string) (names []string) {
	for _, name := range slices.Sorted(maps.Keys(outcomes)) {
		if outcomes[name] == "succeeded" {
			names = append(names, name)
		}
	}
	return names
}

// host is what workers must not reach: listening sockets and a folder that
// everybody may write to.
func host(t *testing.T) (network, files map[string]any) {
	t.Helper()
	folder, err := os.MkdirTemp("/var", "dspool-sandbox-*") //nolint:usetesting // outside of what is private in any case
	if err != nil {
		folder = t.TempDir()
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	for _, name := range []string{"open", "hidden"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name, "old"), []byte("x"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	abstract, path := fmt.Sprintf("dspool-%s-%d", t.Name(), os.Getpid()), filepath.Join(t.TempDir(), "socket")
	var port int
	for _, one := range [][2]string{{"tcp", "127.0.0.1:0"}, {"unix", "@" + abstract}, {"unix", path}} {
		listener, err := net.Listen(one[0], one[1])
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
			port = tcp.Port
		}
	}
	return map[string]any{"port": port, "abstract": abstract, "path": path},
		map[string]any{"folder": filepath.Join(folder, "open"), "hidden": filepath.Join(folder, "hidden")}
}

func TestUserCodeStaysInItsSandbox(t *testing.T) {
	t.Parallel()
	for _, start := range []dspool.StartMode{dspool.ForkServer, dspool.Spawn} {
		t.Run(string(start), func(t *testing.T) {
			t.Parallel()
			network, files := host(t)
			pool, practice := sandboxed(t, start, dspool.Sandbox{
				Mode: dspool.SandboxRequired, ReadOnly: true, Hidden: []string{files["hidden"].(string)},
			})
			for function, input := range map[string]map[string]any{
				"network": network, "files": files, "kernel": {"folder": files["folder"], "host": os.Getpid()},
			} {
				outcomes := attempts(t, pool, function, input)
				if got := succeeded(outcomes); len(outcomes) < 10 || len(got) > 0 && !slices.Equal(got, []string{"a signal to the host"}) {
					t.Errorf("%s: %q of %d attempts succeeded", function, got, len(outcomes))
				}
			}
			st := pool.Status()
			if s := st.Sandbox; s.Mode != dspool.SandboxRequired || s.Network != dspool.SandboxNetworkNone || !s.ReadOnly || !s.Users || s.Reason != "" {
				t.Errorf("status %+v", s)
			}
			if len(st.Conditions) > 0 {
				t.Errorf("conditions %+v", st.Conditions)
			}
			theModelIsAsked(t, pool, practice)
			theWorkerIsReplaced(t, pool)
			if got := succeeded(attempts(t, pool, "network", network)); len(got) > 0 {
				t.Errorf("in the next worker %q succeeded", got)
			}
		})
	}
}

// theModelIsAsked makes a prediction and streams one: the host asks the model.
func theModelIsAsked(t *testing.T, pool *dspool.Pool, practice *dspooltest.PracticeLM) {
	t.Helper()
	ctx := testkit.Context(t, time.Minute)
	spec, err := dspool.NewPredict("question: str -> answer: str", "")
	if err != nil {
		t.Fatal(err)
	}
	resp, err := pool.Call(ctx, dspool.Request{Program: spec, Input: json.RawMessage(`{"question":"What is 2+2?"}`)})
	if err != nil || !strings.Contains(string(resp.Output), "answer") {
		t.Errorf("a prediction: %s, %v", resp.Output, err)
	}
	chunks := 0
	for ev, err := range pool.Stream(ctx, dspool.Request{Program: spec, Input: json.RawMessage(`{"question":"Tell me about the sea."}`)}) {
		if err != nil {
			t.Fatal(err)
		}
		if ev.Kind == dspool.EventChunk {
			chunks++
		}
	}
	if n := practice.Stats().Requests; chunks == 0 || n != 2 {
		t.Errorf("%d chunks, the model was asked %d times", chunks, n)
	}
}

// theWorkerIsReplaced kills the worker from here and waits for the next one.
func theWorkerIsReplaced(t *testing.T, pool *dspool.Pool) {
	t.Helper()
	if err := syscall.Kill(pool.Status().Workers[0].PID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	until(t, "the worker is replaced", func() bool { st := pool.Status(); return st.Serving == 1 && st.Totals.Restarts == 1 })
}

func TestASandboxCanLeaveTheFilesAlone(t *testing.T) {
	t.Parallel()
	network, files := host(t)
	pool, _ := sandboxed(t, dspool.ForkServer, dspool.Sandbox{Mode: dspool.SandboxBestEffort})
	if got := succeeded(attempts(t, pool, "network", network)); !slices.Equal(got, []string{"a socket in the file system"}) {
		t.Errorf("%q succeeded", got)
	}
	if got := succeeded(attempts(t, pool, "files", files)); !slices.Contains(got, "a file of the host") {
		t.Errorf("%q succeeded; the file system is the host's", got)
	}
	if s := pool.Status().Sandbox; s.ReadOnly || s.Network != dspool.SandboxNetworkNone || s.Reason != "" {
		t.Errorf("status %+v", s)
	}
	wantFault(t, pool.ConfigureLM("x", dspool.LM{Model: "together_ai/x", Direct: true}), fault.InvalidArgument, "LM.Direct", "no network")
}

func TestASandboxThatIsRefused(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy", "userns")
	python := confinedPython(t)
	required := dspool.Sandbox{Mode: dspool.SandboxRequired, ReadOnly: true}
	for _, start := range []dspool.StartMode{dspool.ForkServer, dspool.Spawn} {
		t.Run("required, "+string(start), func(t *testing.T) {
			t.Parallel()
			pool, err := dspool.New(dspool.Config{Python: python, Start: start, Sandbox: required})
			if err != nil {
				t.Fatal(err)
			}
			if err := pool.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { stopPool(t, pool) })
			err = pool.WaitReady(testkit.Context(t, time.Minute))
			wantFault(t, err, fault.Unsupported, "Config.Sandbox.Mode", "required", "unshare(CLONE_NEWUSER", "dspool doctor")
			if c := pool.Status().Conditions; len(c) != 1 || c[0].Code != dspool.StartFailed {
				t.Errorf("conditions %+v", c)
			}
		})
	}
	t.Run("best effort", func(t *testing.T) {
		t.Parallel()
		pool, practice := practicePool(t, func(c *dspool.Config) {
			c.Python, c.Sandbox = python, dspool.Sandbox{Mode: dspool.SandboxBestEffort, ReadOnly: true}
		})
		theModelIsAsked(t, pool, practice)
		st := pool.Status()
		if s := st.Sandbox; s.Network != dspool.SandboxNetworkHost || s.ReadOnly || !strings.Contains(s.Reason, "unshare(CLONE_NEWUSER") {
			t.Errorf("status %+v", s)
		}
		if len(st.Conditions) != 1 || st.Conditions[0].Code != dspool.SandboxUnavailable || !strings.Contains(st.Conditions[0].Text, "unshare") {
			t.Errorf("conditions %+v", st.Conditions)
		}
	})
}

// confinedPython is a Python that the kernel gives no namespaces, as in many
// containers: it is in a sandbox already.
func confinedPython(t *testing.T) string {
	t.Helper()
	folder, err := filepath.Abs("pyworker")
	if err != nil {
		t.Fatal(err)
	}
	python := testkit.Python(t)
	script := fmt.Sprintf(`#!%[1]s
import os, sys
sys.path.insert(0, %[2]q)
from dspool_worker import sandbox, settings
sandbox.enter(settings.Sandbox(required=True, network="host"), [])
os.execv(%[1]q, [%[1]q, *sys.argv[1:]])
`, python, folder)
	path := filepath.Join(t.TempDir(), "python")
	if err := os.WriteFile(path, []byte(script), 0o700); err != nil { //nolint:gosec // a program
		t.Fatal(err)
	}
	return path
}
