package testkit

import (
	"context"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// RequireVariable lists, separated by commas, what must not be skipped.
const RequireVariable = "DSPOOL_REQUIRE"

// Require skips the test unless everything it names is there: "python" is an
// interpreter with dspool's packages, "dspy" the same with dspy, "fork_server" a
// system that has one, "proc" a /proc, "userns" a kernel that lets this user
// make namespaces, "lm" a real language model in DSPOOL_LM,
// "slow" the wish for tests that take long. A test that would be skipped fails
// if DSPOOL_REQUIRE names what is missing.
func Require(t testing.TB, needs ...string) {
	t.Helper()
	required := strings.Split(os.Getenv(RequireVariable), ",")
	for _, need := range needs {
		reason := missing(t, need)
		switch {
		case reason == "":
		case slices.Contains(required, need):
			t.Fatalf("%s is required by %s and missing: %s", need, RequireVariable, reason)
		default:
			t.Skipf("needs %s: %s", need, reason)
		}
	}
}

// missing says what is not there, "" if it is.
func missing(t testing.TB, need string) string {
	t.Helper()
	check := map[string]func(testing.TB) string{
		"python": noPython, "dspy": noDSPy, "fork_server": noForkServer, "proc": noProc,
		"userns": noNamespaces, "lm": noVariable("DSPOOL_LM"), "slow": noVariable("DSPOOL_SLOW"),
	}[need]
	if check == nil {
		return "nobody knows what it is: python, dspy, fork_server, proc, userns, lm and slow can be needed"
	}
	return check(t)
}

func noPython(testing.TB) string {
	if _, err := exec.LookPath(interpreter()); err != nil {
		return "set DSPOOL_TEST_PYTHON to an interpreter that has dspy, msgspec and uvloop (make test does): " + err.Error()
	}
	return ""
}

// noDSPy looks without importing it, which would take seconds.
func noDSPy(t testing.TB) string {
	if why := noPython(t); why != "" {
		return why
	}
	const look = `import importlib.util as u, sys; sys.exit(u.find_spec("dspy") is None)`
	if err := exec.CommandContext(t.Context(), interpreter(), "-c", look).Run(); err != nil { //nolint:gosec // the tester's own interpreter
		return interpreter() + " has no package dspy"
	}
	return ""
}

func noForkServer(testing.TB) string {
	if runtime.GOOS != "linux" {
		return "the fork server is for Linux, this is " + runtime.GOOS
	}
	return ""
}

func noProc(testing.TB) string {
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		return "the system has no /proc: " + err.Error()
	}
	return ""
}

func noVariable(name string) func(testing.TB) string {
	return func(testing.TB) string {
		if os.Getenv(name) == "" {
			return name + " is not set"
		}
		return ""
	}
}

func interpreter() string {
	if path := os.Getenv("DSPOOL_TEST_PYTHON"); path != "" {
		return path
	}
	return os.Getenv("DSPOOL_PYTHON")
}

// Python returns the interpreter for tests of the real tier. It skips or fails
// as [Require] does if there is none.
func Python(t testing.TB) string {
	t.Helper()
	Require(t, "python")
	return interpreter()
}

// Context returns a context that ends with the test, or after d: a test that
// waits on it cannot hang for ever.
func Context(t testing.TB, d time.Duration) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// Worker is the command that makes the running test binary a mock worker, for
// a configuration's Command. The package's TestMain has to call [Main].
func Worker(t testing.TB) []string {
	t.Helper()
	// A binary that does not know the role would run its tests again, and
	// those would start it again.
	if mark := strconv.Itoa(os.Getpid()) + "-"; !strings.HasPrefix(os.Getenv(RunVariable), mark) {
		t.Fatal("the test binary cannot be a worker: call Main in the package's TestMain")
	}
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{path}
}
