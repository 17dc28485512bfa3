package process

import (
	"context"
	"syscall"
	"time"
)

// A Ladder is the way in which a process is made to end: asked, told, killed.
type Ladder struct {
	// Ask asks the process to end by itself. Nil skips this step.
	Ask func()
	// AskGrace is the time between asking and SIGTERM.
	AskGrace time.Duration
	// TermGrace is the time between SIGTERM and SIGKILL.
	TermGrace time.Duration
}

// Climb takes the steps until done is closed and returns then, or directly
// after SIGKILL was sent. When ctx ends it goes straight to SIGKILL.
func (l Ladder) Climb(ctx context.Context, done <-chan struct{}, signal func(syscall.Signal)) {
	if l.Ask != nil {
		l.Ask()
		if wait(ctx, done, l.AskGrace) {
			return
		}
	}
	if ctx.Err() == nil {
		signal(syscall.SIGTERM)
		if wait(ctx, done, l.TermGrace) {
			return
		}
	}
	signal(syscall.SIGKILL)
}

// wait reports whether done was closed before the time was over.
func wait(ctx context.Context, done <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-done:
		return true
	case <-ctx.Done():
		return false
	case <-timer.C:
		return false
	}
}
