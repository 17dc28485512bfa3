package cli

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/testkit"
)

// binary is the dspool that users get, built for this test run.
type binary struct{ path string }

func build(t *testing.T) binary {
	t.Helper()
	path := filepath.Join(t.TempDir(), "dspool")
	cmd := exec.CommandContext(testkit.Context(t, 5*time.Minute), "go", "build", "-o", path, "github.com/dspool/dspool/cmd/dspool")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return binary{path}
}

// command prepares a run in an empty home, with nothing of the environment that
// dspool reads. More variables are NAME=value.
func (b binary) command(t *testing.T, more []string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(testkit.Context(t, time.Minute), b.path, args...)
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "DSPOOL_") || strings.HasPrefix(entry, testkit.RunVariable+"=") {
			cmd.Env = append(cmd.Env, entry)
		}
	}
	cmd.Env = append(append(cmd.Env, "HOME="+t.TempDir(), "XDG_CACHE_HOME="+t.TempDir()), more...)
	return cmd
}

func (b binary) run(t *testing.T, more []string, args ...string) session {
	t.Helper()
	cmd := b.command(t, more, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return session{cmd.ProcessState.ExitCode(), out.String(), errs.String()}
}

// The binary itself is run, the commands that must fail too: what scripts see is
// exit codes, standard output and standard error.
func TestBinary(t *testing.T) {
	t.Parallel()
	b := build(t)
	nowhere := []string{"DSPOOL_PYTHON=/nonexistent/python"}
	tests := []struct {
		name string
		args string
		env  []string
		code int
		out  string // part of standard output
		err  string // part of standard error
	}{
		{"without a command it shows help", "", nil, ExitOK, "Available Commands:", ""},
		{"help of a command", "help env create", nil, ExitOK, "--offline", ""},
		{"exit codes are a help topic", "help exit-codes", nil, ExitOK, "130  interrupted", ""},
		{"version", "version", nil, ExitOK, "protocol 1, dspy 3.4.1", ""},
		{"unknown command", "bogus", nil, ExitUsage, "", `unknown command "bogus"`},
		{"unknown subcommand", "env bogus", nil, ExitUsage, "", "dspool env --help"},
		{"unknown flag", "version --bogus", nil, ExitUsage, "", "unknown flag: --bogus"},
		{"flag of the wrong type", "run --timeout soon", nil, ExitUsage, "", "invalid argument"},
		{"too many arguments", "version now", nil, ExitUsage, "", "unknown command"},
		{"unknown shell", "completion tcsh", nil, ExitUsage, "", "tcsh"},
		{"environment that is not there", "env path", nil, ExitEnvironment, "", "dspool env create"},
		{"no environment to list", "env where", nil, ExitOK, "no environment yet", ""},
		{"no environment to remove", "env remove --all", nil, ExitOK, "", "nothing to remove"},
		{"quiet says nothing", "env remove --quiet", nil, ExitOK, "", ""},
		{"interpreter that is not there", "env create", nowhere, ExitEnvironment, "", "/nonexistent/python"},
		{"lock file that is not there", "env create --lock /nonexistent", nil, ExitUsage, "", "lock file"},
		{"doctor finds what is wrong", "doctor", nowhere, ExitFailure, "fail", ""},
		{"run without a signature", "run", nil, ExitUsage, "", "signature"},
		{"run with a bad signature", "run q->", nil, ExitUsage, "", "signature"},
		{"run without a language model", "run q->a q=x", nil, ExitLM, "", "DSPOOL_LM"},
		{"run without an environment", "run --func platform:python_version", nowhere, ExitEnvironment, "", "/nonexistent/python"},
	}
	t.Run("group", func(t *testing.T) { // so that the binary outlives the parallel tests
		t.Parallel()
		for _, tt := range tests {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				got := b.run(t, tt.env, strings.Fields(tt.args)...).must(t, tt.code, tt.out)
				if !strings.Contains(got.err, tt.err) || tt.err == "" && got.err != "" {
					t.Errorf("standard error %q, want %q in it", got.err, tt.err)
				}
			})
		}
		t.Run("completion", func(t *testing.T) { t.Parallel(); completes(t, b) })
		t.Run("version as JSON", func(t *testing.T) { t.Parallel(); tellsVersion(t, b) })
		t.Run("doctor as JSON", func(t *testing.T) { t.Parallel(); diagnoses(t, b) })
		t.Run("real calls", func(t *testing.T) { t.Parallel(); calls(t, b) })
		t.Run("signals", func(t *testing.T) { t.Parallel(); obeysSignals(t, b) })
	})
}

func completes(t *testing.T, b binary) {
	t.Helper()
	for _, shell := range []string{"bash", "zsh", "fish", "powershell"} {
		script := b.run(t, nil, "completion", shell).must(t, ExitOK, "dspool").out
		if path, err := exec.LookPath(shell); err == nil && shell == "bash" {
			check := exec.CommandContext(testkit.Context(t, time.Minute), path, "-n")
			check.Stdin = strings.NewReader(script)
			if out, err := check.CombinedOutput(); err != nil {
				t.Errorf("%s does not accept its completion: %v\n%s", shell, err, out)
			}
		}
	}
	b.run(t, nil, "__complete", "env", "").must(t, ExitOK, "create", "path", "remove", "where")
}

func tellsVersion(t *testing.T, b binary) {
	t.Helper()
	var report versionReport
	if err := json.Unmarshal([]byte(b.run(t, nil, "version", "--json").must(t, ExitOK).out), &report); err != nil {
		t.Fatal(err)
	}
	if report != (versionReport{report.Version, report.Revision, report.Go, 1, "3.4.1", report.Platform}) || report.Go == "" {
		t.Errorf("got %+v", report)
	}
}

// diagnoses runs doctor on this machine: with a good Python nothing fails.
func diagnoses(t *testing.T, b binary) {
	t.Helper()
	testkit.Require(t, "dspy")
	got := b.run(t, []string{"DSPOOL_PYTHON=" + testkit.Python(t)}, "doctor", "--json").must(t, ExitOK)
	var report doctorReport
	if err := json.Unmarshal([]byte(got.out), &report); err != nil {
		t.Fatal(err)
	}
	seen := map[string]checkStatus{}
	for _, c := range report.Checks {
		seen[c.Name] = c.Status
		if c.Status != checkOK && c.Advice == "" {
			t.Errorf("a check that says nothing about what to do: %+v", c)
		}
	}
	for _, name := range []string{"dspool", "python", "packages", "open files", "sockets", "cache folder", "first call", "language model", "shutdown"} {
		if status, ok := seen[name]; !ok || status == checkFail {
			t.Errorf("check %q: %q, in %s", name, status, got.out)
		}
	}
}

func calls(t *testing.T, b binary) {
	t.Helper()
	testkit.Require(t, "dspy")
	// One cache folder: the interpreter is checked by the first of these only.
	own := []string{"DSPOOL_PYTHON=" + testkit.Python(t), "DSPOOL_CACHE=" + t.TempDir()}
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "own.py"), "def double(n: int) -> int:\n    return 2 * n\n\ndef bad() -> None:\n    raise ValueError('not today')\n")
	b.run(t, own, "run", "--func", "own:double", "--path", folder, "n=21", "--json").must(t, ExitOK, "42")
	b.run(t, own, "run", "q -> a: int", "q=x", "--lm", "practice", "--json").must(t, ExitOK, `"a"`)
	if got := b.run(t, own, "run", "--func", "own:bad", "--path", folder).must(t, ExitFailure); !strings.Contains(got.err, "not today") {
		t.Errorf("the exception is not told: %s", got.err)
	}
	b.run(t, own, "run", "--func", "own:nothing", "--path", folder).must(t, ExitFailure)
}

// obeysSignals interrupts a call that would last for a minute. What was started
// for it is gone afterwards: TestMain looks.
func obeysSignals(t *testing.T, b binary) {
	t.Helper()
	testkit.Require(t, "python")
	folder := t.TempDir()
	writeFile(t, filepath.Join(folder, "own.py"),
		"import asyncio\nasync def wait():\n    print('begun', flush=True)\n    await asyncio.sleep(60)\n")
	own := []string{"DSPOOL_PYTHON=" + testkit.Python(t), "DSPOOL_CACHE=" + t.TempDir()}
	for sig, code := range map[syscall.Signal]int{syscall.SIGINT: ExitInterrupted, syscall.SIGTERM: ExitTerminated} {
		cmd := b.command(t, own, "run", "--func", "own:wait", "--path", folder)
		stderr, err := cmd.StderrPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(stderr)
		said := ""
		for !strings.Contains(said, "begun") && lines.Scan() {
			said += lines.Text() + "\n"
		}
		if err := cmd.Process.Signal(sig); err != nil {
			t.Fatal(err)
		}
		for lines.Scan() {
			said += lines.Text() + "\n"
		}
		_ = cmd.Wait() // its code is what counts
		if got := cmd.ProcessState.ExitCode(); got != code {
			t.Errorf("%v: exit code %d, want %d; said %s", sig, got, code, said)
		}
	}
}

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
