package worker

import (
	"sync"
	"syscall"
	"time"

	"github.com/dspool/dspool/internal/process"
)

const (
	// outputGrace bounds the wait for output of a process that is gone.
	outputGrace = 100 * time.Millisecond
	// deathGrace bounds the wait for a process that was sent SIGKILL when
	// there is no fork server any more that would report its end.
	deathGrace = time.Second
)

// A forked is a body that the fork server started. Its end is reported by the
// fork server, which also kills its group before it reaps it.
type forked struct {
	pid            int
	handle         handle
	stdout, stderr *process.Tail
	done           chan struct{}

	mu     sync.Mutex
	over   bool
	report report // valid after done
}

func (f *forked) PID() int              { return f.pid }
func (f *forked) Done() <-chan struct{} { return f.done }
func (f *forked) Stderr() []string      { return f.stderr.Lines() }

func (f *forked) Report() report {
	<-f.done
	return f.report
}

// Signal asks the handle first: once the fork server has reaped the process its
// number may belong to somebody else.
func (f *forked) Signal(sig syscall.Signal) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.over && f.handle.exists() {
		_ = syscall.Kill(-f.pid, sig)
	}
}

// finish notes how the process ended. It waits, bounded, for its output.
func (f *forked) finish(r report) {
	f.mu.Lock()
	if f.over {
		f.mu.Unlock()
		return
	}
	f.over = true
	f.handle.close()
	f.mu.Unlock()
	f.endOutput()
	r.Stderr = f.stderr.Lines()
	f.report = r
	close(f.done)
	f.stdout.Flush()
	f.stderr.Flush()
}

func (f *forked) endOutput() {
	f.stdout.Finish(outputGrace)
	f.stderr.Finish(outputGrace)
}

// sweep ends a process whose fork server has died. The kernel has sent it
// SIGKILL already; its group is for this side to end. The number cannot have a
// new owner yet: a moment ago it was in use.
func (f *forked) sweep() {
	_ = syscall.Kill(-f.pid, syscall.SIGKILL)
	_ = f.handle.await(deathGrace) // it has SIGKILL; there is no more to do
	f.finish(report{Exit: process.Exit{Code: -1}, why: "its fork server ended, and it with it"})
}

var _ body = (*forked)(nil)
