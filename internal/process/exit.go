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

// fatal is how Python begins its report of a crash in native code. The report
// goes on with the frames of every thread, which may be hundreds of lines.
const fatal = "Fatal Python error"

// Last returns at most n lines of standard error as one text: those that tell
// most. They are the last ones, or those from Python's report of a crash on.
func (e Exit) Last(n int) string {
	lines := e.Stderr
	from := max(len(lines)-n, 0)
	for i := range from {
		if strings.HasPrefix(lines[i], fatal) {
			from = i
			break
		}
	}
	return strings.Join(lines[from:min(from+n, len(lines))], "\n")
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
