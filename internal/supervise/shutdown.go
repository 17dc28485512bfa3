package supervise

import "github.com/dspool/dspool/internal/worker"

// shutDown ends all workers at once, in parallel, then the source.
func (l *loop) shutDown() {
	l.cancel()
	l.answer()
	l.abandon()
	for _, w := range l.Workers() {
		l.end(w)
	}
	for l.tasks > 0 {
		event := <-l.events
		before := len(l.up)
		event()
		if len(l.up) > before {
			for w := range l.up {
				l.end(w) // it came up while the stop began
			}
		}
	}
	_ = l.source.Stop(l.patience)
	l.mu.Lock()
	l.condition = Condition{Phase: Stopped, Size: l.cfg.Size, Failure: l.failure}
	c := l.condition
	l.mu.Unlock()
	if l.cfg.OnState != nil {
		l.cfg.OnState(c)
	}
	l.hurry()
	close(l.done)
}

// end stops one worker. Stopping it twice does nothing.
func (l *loop) end(w *worker.Worker) {
	l.task(func() func() {
		_ = w.Stop(l.patience)
		return func() {}
	})
}
