package worker

import (
	"syscall"

	"github.com/dspool/dspool/internal/process"
)

// A body is the process behind a worker: a child of this process, or of the
// fork server.
type body interface {
	PID() int
	// Signal signals the whole process group, and nothing once it is gone.
	Signal(syscall.Signal)
	// Done is closed when the process is gone and its output has been read.
	Done() <-chan struct{}
	// Report waits for Done.
	Report() report
	// Stderr returns the last lines of standard error so far.
	Stderr() []string
}

// A report tells how a process ended.
type report struct {
	process.Exit
	// known is false when nobody saw how it ended; why then says what is known.
	known bool
	why   string
}

// spawned is a body that this process started itself.
type spawned struct{ *process.Process }

func (s spawned) Report() report {
	exit := s.Process.Exit()
	return report{Exit: exit, known: exit.Code >= 0 || exit.Signal != 0}
}

var _ body = spawned{}
