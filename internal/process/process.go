package process

import (
	"context"
	"os"
	"sync"
	"syscall"
	"time"
)

// drainGrace bounds the wait for output that is still in the pipes of a dead
// process. More than this is only needed when a descendant that left the
// group holds them open.
const drainGrace = 100 * time.Millisecond

// A Process is one started program and its process group. All methods may be
// called concurrently, also after it has ended.
type Process struct {
	pid            int
	os             *os.Process
	stdout, stderr *Tail
	done           chan struct{}

	mu     sync.Mutex // guards reaped against signals to a reused number
	reaped bool
	exit   Exit // valid once done is closed
}

// PID returns the process id, which is also its process group's.
func (p *Process) PID() int { return p.pid }

// Done is closed when the process has ended, its group is killed and its last
// output has been read.
func (p *Process) Done() <-chan struct{} { return p.done }

// Exit tells how the process ended. It waits for Done.
func (p *Process) Exit() Exit {
	<-p.done
	return p.exit
}

// Stderr returns the last lines the process has written to standard error.
func (p *Process) Stderr() []string { return p.stderr.Lines() }

// Signal sends sig to the whole process group. Signalling a process that has
// been reaped does nothing.
func (p *Process) Signal(sig syscall.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.reaped {
		_ = syscall.Kill(-p.pid, sig)
	}
}

// Kill sends SIGKILL to the whole process group and returns at once.
func (p *Process) Kill() { p.Signal(syscall.SIGKILL) }

// Stop ends the process by the ladder's steps and returns how it ended. When
// ctx ends the remaining steps are skipped down to SIGKILL.
func (p *Process) Stop(ctx context.Context, l Ladder) Exit {
	l.Climb(ctx, p.done, p.Signal)
	return p.Exit()
}

// reap waits for the leader's death without collecting it, so that its number
// still belongs to it, kills what is left of the group, and collects it then.
func (p *Process) reap() {
	defer close(p.done)
	awaitDeath(p.pid)
	p.mu.Lock()
	_ = syscall.Kill(-p.pid, syscall.SIGKILL)
	state, err := p.os.Wait()
	p.reaped = true
	p.mu.Unlock()
	p.stdout.Finish(drainGrace)
	p.stderr.Finish(drainGrace)
	p.exit = exitOf(state, err)
	p.exit.Stderr = p.stderr.Lines()
}
