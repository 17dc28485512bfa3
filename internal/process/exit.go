package process

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"
)

// Exit tells how a process ended and what it used.
type Exit struct {
	// Code is the exit code, -1 when a signal ended the process or when
	// nobody could tell.
	Code int
	// Signal ended the process; 0 when it ended by itself.
	Signal syscall.Signal
	// MaxRSS is the largest resident size in bytes.
	MaxRSS int64
	// User and System are the processor times.
	User, System time.Duration
	// Stderr holds the last lines of standard error.
	Stderr []string
}

// OK reports whether the process ended by itself with code 0.
func (e Exit) OK() bool { return e.Code == 0 && e.Signal == 0 }

// String says it in words: "exit code 3", "signal 9 (SIGKILL)".
func (e Exit) String() string {
	switch {
	case e.Signal != 0:
		return fmt.Sprintf("signal %d (%s)", int(e.Signal), SignalName(e.Signal))
	case e.Code < 0:
		return "unknown exit status"
	default:
		return fmt.Sprintf("exit code %d", e.Code)
	}
}

// Last returns at most n of the last lines of standard error as one text.
func (e Exit) Last(n int) string {
	lines := e.Stderr
	if len(lines) > n {
		lines = lines[len(lines)-n:]
	}
	return strings.Join(lines, "\n")
}

func exitOf(state *os.ProcessState, err error) Exit {
	if err != nil {
		return Exit{Code: -1}
	}
	e := Exit{Code: state.ExitCode(), User: state.UserTime(), System: state.SystemTime()}
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		e.Code, e.Signal = -1, status.Signal()
	}
	if usage, ok := state.SysUsage().(*syscall.Rusage); ok {
		e.MaxRSS = usage.Maxrss * maxRSSUnit
	}
	return e
}
