package supervise

import (
	"slices"

	"github.com/dspool/dspool/internal/worker"
)

// shutDown ends all workers at once, in parallel, then their sources.
func (l *loop) shutDown() {
	l.cancel()
	l.answer()
	l.abandon()
	for len(l.swaps) > 0 {
		l.withdraw(l.swaps[0], notSwapped())
	}
	left := append(slices.Clone(l.old), l.current)
	for _, g := range left {
		for w := range g.alive {
			l.end(w)
		}
	}
	for l.tasks > 0 {
		(<-l.events)()
	}
	for _, g := range left {
		_ = g.source.Stop(l.patience)
		if g.over != nil {
			g.over()
		}
	}
	l.settle()
	l.hurry()
	close(l.done)
}

// settle publishes the last condition.
func (l *loop) settle() {
	c := Condition{Phase: Stopped, Size: l.size, Failure: l.current.failure}
	l.mu.Lock()
	l.condition = c
	l.mu.Unlock()
	if l.cfg.OnState != nil {
		l.cfg.OnState(c)
	}
}

// end stops one worker. Stopping it twice does nothing.
func (l *loop) end(w *worker.Worker) {
	l.task(func() func() {
		_ = w.Stop(l.patience)
		return func() {}
	})
}
