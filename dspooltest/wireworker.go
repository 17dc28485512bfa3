package dspooltest

import (
	"testing"

	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wiremock"
)

// Main is for the TestMain of packages whose tests start mock workers: a mock
// worker is the test binary itself, started again. Main runs the tests, and
// fails the package if a goroutine or a process is left after the last one.
//
//	func TestMain(m *testing.M) { dspooltest.Main(m) }
func Main(m *testing.M) { testkit.Main(m) }

// Worker is the command of a mock worker, for dspool.Config.Command: a real
// process that speaks the real protocol over a real socket, is there in
// milliseconds and needs no Python. It answers programs that have a signature
// with values of the right types, made up from the inputs, and has functions
// that misbehave; [Mischief] lists them, their references are "mock:NAME".
//
// The package's TestMain has to call [Main].
func Worker(t testing.TB) []string {
	t.Helper()
	return testkit.Worker(t)
}

// ServeWorker makes this process a mock worker until its host is gone, for
// binaries that are no tests. args are the program's arguments from "worker"
// on; it returns the exit code.
func ServeWorker(args []string) int { return wiremock.Main(args) }
