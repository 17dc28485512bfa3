package supervise

import (
	"context"
	"slices"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/worker"
)

// A swap is a new generation of workers that is to take over.
type swap struct {
	source worker.Source
	gen    *generation // nil before its turn
	told   chan error  // has room for the answer
}

// Swap moves all work to workers of another source. These are all started
// beside the ones that serve; when as many are up as are wanted, they take over at
// once, and the old ones are retired: their calls finish, however long that
// takes, and the old source ends with the last of them (Config.OnEnded).
//
// Swap returns when the new workers have taken over. If the source cannot be
// started, its workers cannot be kept alive, or ctx ends, the old workers serve on
// as if nothing had happened, and Swap returns why once nothing is left of the
// new ones. Several swaps happen one after the other. The supervisor owns the
// source from now on and stops it in any case.
func (s *Supervisor) Swap(ctx context.Context, source worker.Source) error {
	w := &swap{source: source, told: make(chan error, 1)}
	if !s.ask(func(l *loop) { l.swaps = append(l.swaps, w) }) {
		_ = source.Stop(ctx)
		return notSwapped()
	}
	s.Demand()
	defer context.AfterFunc(ctx, func() {
		s.ask(func(l *loop) { l.withdraw(w, fault.From(context.Cause(ctx))) })
	})()
	return <-w.told
}

func notSwapped() *fault.Error {
	return fault.New(fault.ShuttingDown, "the supervisor of workers is not running; its workers were not exchanged")
}

// next is the generation that is to take over.
func (l *loop) next() *generation {
	if len(l.swaps) == 0 || l.swaps[0].gen == nil {
		return l.none
	}
	return l.swaps[0].gen
}

// advance brings the first swap on and returns how long it can wait until it is
// looked at again.
func (l *loop) advance() time.Duration {
	w := l.swaps[0]
	switch {
	case w.gen == nil:
		w.gen = l.generation(w.source)
	case w.gen.open:
		l.withdraw(w, w.gen.failure)
		return 0
	case len(w.gen.up) >= l.size:
		l.takeOver(w)
		return 0
	}
	return w.gen.fill(l.size)
}

// takeOver puts the new workers into service and takes the old ones out.
func (l *loop) takeOver(w *swap) {
	l.swaps = l.swaps[1:]
	before := l.current
	l.current = w.gen
	l.current.serving = true
	l.current.announce()
	for _, x := range l.current.byAge() {
		l.serve(x)
	}
	for _, x := range before.byAge() {
		x.Retire("replaced by a new generation of workers")
		before.left(x)
	}
	before.close(func() {
		if l.cfg.OnEnded != nil {
			l.cfg.OnEnded(before.source)
		}
	})
	l.trim()
	w.told <- nil
}

// refuse ends the swap of a generation that cannot serve.
func (g *generation) refuse(err *fault.Error) {
	if g == g.next() {
		g.withdraw(g.swaps[0], err)
	}
}

// withdraw ends a swap that has not succeeded. Its caller is told when nothing
// is left of it.
func (l *loop) withdraw(w *swap, err *fault.Error) {
	at := slices.Index(l.swaps, w)
	if at < 0 {
		return
	}
	l.swaps = slices.Delete(l.swaps, at, at+1)
	if w.gen == nil {
		w.gen = l.generation(w.source)
	}
	for x := range w.gen.alive {
		l.end(x)
	}
	w.gen.close(func() { w.told <- err })
}
