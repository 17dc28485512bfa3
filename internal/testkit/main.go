package testkit

import (
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/dspool/dspool/internal/wiremock"
)

// RunVariable marks every process that a test binary starts, by inheritance:
// what carries it after the last test was left behind.
const RunVariable = "DSPOOL_RUN"

// DirectedWorker is the argument that makes the binary a mock worker that is
// told what to do; the next one is the socket where it asks.
const DirectedWorker = "directed-worker"

// A Command is something else that the test binary can be when it is started
// again with Name as its first argument, such as a host that is to be killed.
type Command struct {
	Name string
	// Run gets the arguments from Name on and returns the exit code.
	Run func(args []string) int
}

// Main runs the tests of a package. It fails them if goroutines or processes
// are left at the end. Started with the argument "worker", the binary is a mock
// worker instead (see package wiremock); commands add further roles.
func Main(m *testing.M, commands ...Command) {
	commands = append(commands, Command{Name: "worker", Run: wiremock.Main}, Command{Name: DirectedWorker, Run: wiremock.DirectedMain})
	if len(os.Args) > 1 {
		for _, c := range commands {
			if os.Args[1] == c.Name {
				os.Exit(c.Run(os.Args[1:]))
			}
		}
	}
	os.Exit(run(m))
}

func run(m *testing.M) int {
	mark := strconv.Itoa(os.Getpid()) + "-" + strconv.FormatInt(time.Now().UnixNano(), 36)
	// A process built with the race detector otherwise waits a second before it
	// exits, and every mock worker is one.
	for name, value := range map[string]string{RunVariable: mark, "GORACE": "atexit_sleep_ms=0"} {
		if err := os.Setenv(name, value); err != nil {
			fmt.Fprintln(os.Stderr, "testkit:", err)
			return 1
		}
	}
	code := m.Run()
	if code != 0 {
		return code
	}
	if err := goleak.Find(); err != nil {
		fmt.Fprintln(os.Stderr, "testkit: goroutines are left:", err)
		return 1
	}
	if left := survivors(mark); len(left) > 0 {
		fmt.Fprintln(os.Stderr, "testkit: processes are left:", left)
		return 1
	}
	return 0
}
