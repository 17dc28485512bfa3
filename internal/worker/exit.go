package worker

import (
	"fmt"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/process"
)

// Bounds of what a crash error carries of a worker's standard error.
const (
	crashLines = 40
	crashBytes = 8 << 10
)

// An Exit tells how and why a worker ended.
type Exit struct {
	process.Exit
	// Worker is the worker's id, PID its process.
	Worker string
	PID    int
	// Known is false when nobody reported how the process ended.
	Known bool
	// Reason is why this side ended the worker, "" if it ended by itself.
	Reason string
	// Code is what the calls in flight get: WorkerCrashed, WorkerUnresponsive
	// or ShuttingDown.
	Code fault.Code
	// Goodbye is the reason the worker gave, "" if it said nothing.
	Goodbye string
	// At is when the end became known.
	At time.Time
}

// Expected reports whether the worker ended in an orderly way because it was
// asked to.
func (e Exit) Expected() bool { return e.Code == fault.ShuttingDown }

// CrashError returns the error of a call that was in flight. Its details are
// "exit" (the code), "signal" (the name), "stderr" (the last lines) and
// "reason", each where there is one.
func (e Exit) CrashError() *fault.Error {
	err := fault.New(e.Code, e.message())
	err.Worker = e.Worker
	err.Details = e.details()
	return err
}

func (e Exit) message() string {
	var b strings.Builder
	fmt.Fprintf(&b, "worker process %d %s", e.PID, e.fate())
	switch {
	case e.Known:
		b.WriteString(": " + e.String())
	case e.Reason == "":
		b.WriteString(": its connection closed; how the process ended is not known yet")
	}
	switch {
	case e.Reason != "":
		b.WriteString("; " + e.Reason)
	case e.Hint() != "":
		b.WriteString("; " + e.Hint())
	}
	if last := e.Last(1); last != "" {
		b.WriteString("; its last words: " + last)
	}
	return b.String()
}

func (e Exit) fate() string {
	switch e.Code {
	case fault.ShuttingDown:
		return "was stopped before the call had ended"
	case fault.WorkerUnresponsive:
		return "did not react and was killed"
	default:
		return "ended unexpectedly"
	}
}

func (e Exit) details() map[string]string {
	d := make(map[string]string, 4)
	if e.Known && e.Signal == 0 && e.Exit.Code >= 0 {
		d["exit"] = fmt.Sprint(e.Exit.Code)
	}
	if e.Signal != 0 {
		d["signal"] = process.SignalName(e.Signal)
	}
	if text := e.Last(crashLines); text != "" {
		d["stderr"] = lastBytes(text, crashBytes)
	}
	if e.Reason != "" {
		d["reason"] = e.Reason
	}
	return d
}

// lastBytes cuts at a line's start where it can.
func lastBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	s = s[len(s)-n:]
	if _, rest, found := strings.Cut(s, "\n"); found {
		return rest
	}
	return strings.ToValidUTF8(s, "")
}
