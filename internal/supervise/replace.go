package supervise

import (
	"slices"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/worker"
)

// A replacement is a worker that is to leave once another one is up.
type replacement struct {
	old    *worker.Worker
	reason string
	told   []chan<- error // each has room for its answer
}

// Replace exchanges a worker for a new one: first the new one is started, and
// when it is up the old one is retired, so that its calls finish and the number
// of workers never falls. At most Config.Replacements are under way at once,
// the others wait for their turn. Replace returns at once; the channel gets one
// value: nil when the worker has left the service, for whatever reason, or why
// it stays.
func (s *Supervisor) Replace(w *worker.Worker, reason string) <-chan error {
	told := make(chan error, 1)
	if !s.ask(func(l *loop) { l.replace(w, reason, told) }) {
		told <- notReplaced()
	}
	return told
}

func notReplaced() error {
	return fault.New(fault.ShuttingDown, "the supervisor of workers is not running; the worker was not replaced")
}

// replace enters a replacement, or joins one that has been asked for.
func (l *loop) replace(w *worker.Worker, reason string, told chan<- error) {
	if _, up := l.current.up[w]; !up {
		told <- nil
		return
	}
	for _, r := range l.replacing {
		if r.old == w {
			r.told = append(r.told, told)
			return
		}
	}
	l.replacing = append(l.replacing, &replacement{old: w, reason: reason, told: []chan<- error{told}})
}

// replacements is how many are under way: for each there is one worker more.
func (l *loop) replacements() int { return min(len(l.replacing), l.cfg.Replacements) }

// relieved ends the replacement of a worker, if there is one.
func (l *loop) relieved(w *worker.Worker, err error) {
	for i, r := range l.replacing {
		if r.old == w {
			l.replacing = slices.Delete(l.replacing, i, i+1)
			r.tell(err)
			return
		}
	}
}

// stay gives up the replacements under way: a start has failed, and an old
// worker is better than none.
func (l *loop) stay(err error) {
	for range l.replacements() {
		l.relieved(l.replacing[0].old, err)
	}
}

// abandon gives up all of them: everything stops.
func (l *loop) abandon() {
	for _, r := range l.replacing {
		r.tell(notReplaced())
	}
	l.replacing = nil
}

func (r *replacement) tell(err error) {
	for _, told := range r.told {
		told <- err
	}
}
