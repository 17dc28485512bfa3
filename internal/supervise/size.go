package supervise

import (
	"cmp"
	"maps"
	"slices"

	"github.com/dspool/dspool/internal/worker"
)

// Resize changes how many workers there are, at least 1. Those that are missing
// are started; of those that are too many the least busy are retired, so that
// their calls finish. It returns at once and does nothing when the supervisor is
// not running; [Supervisor.Condition] shows the size that is wanted.
func (s *Supervisor) Resize(n int) {
	s.ask(func(l *loop) {
		l.size = max(n, 1)
		l.trim()
	})
}

// trim retires workers until there are no more than there should be.
func (l *loop) trim() {
	for len(l.current.up) > l.size {
		w, reason := l.spare()
		w.Retire(reason)
		l.current.left(w)
	}
}

// spare chooses who leaves next: one that has a replacement now, or else the
// one whose leaving disturbs the fewest calls.
func (l *loop) spare() (w *worker.Worker, reason string) {
	if len(l.replacing) > 0 {
		return l.replacing[0].old, l.replacing[0].reason
	}
	w = slices.MinFunc(l.current.byAge(), func(a, b *worker.Worker) int {
		return cmp.Or(takes(a)-takes(b), cmp.Compare(a.InFlight(), b.InFlight()), b.Started().Compare(a.Started()))
	})
	return w, "fewer workers are needed"
}

// takes is 0 for a worker that takes no calls now, else 1.
func takes(w *worker.Worker) int {
	if w.State().Takes() {
		return 1
	}
	return 0
}

// byAge returns the workers that are up, the oldest first.
func (g *generation) byAge() []*worker.Worker {
	return slices.SortedFunc(maps.Keys(g.up), func(a, b *worker.Worker) int {
		return cmp.Or(a.Started().Compare(b.Started()), cmp.Compare(a.ID(), b.ID()))
	})
}
