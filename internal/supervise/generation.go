package supervise

import (
	"context"
	"slices"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/worker"
)

// A generation is the workers of one source, and how their starts went. Only
// the loop touches it.
type generation struct {
	*loop
	source  worker.Source
	ctx     context.Context // of starts; ends when no more are wanted
	cancel  context.CancelFunc
	serving bool   // its workers take calls as they come up
	over    func() // called when nothing is left of it, once it is closed

	up       map[*worker.Worker]struct{} // those that take calls, or will
	alive    map[*worker.Worker]origin   // those whose end has not been reported
	starting int
	meter    *meter
	failure  *fault.Error
	retryAt  time.Time
	open     bool
	probing  bool // one start decides whether the others follow
	rounds   int  // of failed starts since a worker last came up

	sourceUp       bool
	sourceStarting bool
	broken         <-chan struct{}
}

// An origin is the source's Done when a worker was made.
type origin <-chan struct{}

func (l *loop) generation(source worker.Source) *generation {
	g := &generation{
		loop: l, source: source, meter: newMeter(l.cfg.Pace),
		up: make(map[*worker.Worker]struct{}), alive: make(map[*worker.Worker]origin),
	}
	g.ctx, g.cancel = context.WithCancel(l.ctx)
	return g
}

// fill orders what is missing from n, if nothing speaks against it. It returns
// how long it can wait until it is looked at again.
func (g *generation) fill(n int) time.Duration {
	if wait := time.Until(g.retryAt); wait > 0 {
		return wait
	}
	if !g.retryAt.IsZero() {
		g.retryAt = time.Time{}
		g.probing = true
	}
	switch {
	case g.sourceStarting:
	case !g.sourceUp:
		g.startSource()
	default:
		for range g.missing(n) {
			g.spawn()
		}
	}
	return time.Hour
}

// missing is how many to order now: all, or one to see if it lives.
func (g *generation) missing(n int) int {
	n -= len(g.up) + g.starting
	if g.probing {
		n = min(n, 1-g.starting)
	}
	return max(n, 0)
}

func (g *generation) startSource() {
	g.sourceStarting = true
	g.task(func() func() {
		err := g.source.Start(g.ctx)
		return func() { g.sourceStarted(err) }
	})
}

func (g *generation) sourceStarted(err error) {
	g.sourceStarting = false
	switch {
	case g.ctx.Err() != nil:
		g.finish()
	case err != nil && !g.serving:
		g.refuse(fault.From(err))
	case err != nil:
		g.failed(fault.From(err))
	default:
		g.sourceUp, g.broken = true, g.source.Done()
		if g.serving {
			g.announce()
		}
	}
}

func (g *generation) announce() {
	if g.cfg.OnSource != nil {
		g.cfg.OnSource(g.source)
	}
}

func (g *generation) spawn() {
	g.starting++
	id, from := g.id(), g.broken
	g.task(func() func() {
		w, err := g.source.Spawn(g.ctx, id)
		return func() { g.spawned(w, err, from) }
	})
}

func (g *generation) spawned(w *worker.Worker, err error, from <-chan struct{}) {
	g.starting--
	switch {
	case err == nil:
		g.cameUp(w, from)
	case g.ctx.Err() == nil && !closed(from):
		g.failed(fault.From(err))
	}
	g.finish()
}

// cameUp watches a new worker, and takes it into service if it is still needed.
func (g *generation) cameUp(w *worker.Worker, from <-chan struct{}) {
	g.alive[w] = from
	g.probing, g.open, g.rounds = false, false, 0
	if !g.meter.looping(time.Now()) {
		g.failure = nil
	}
	g.watch(w)
	switch {
	case g.ctx.Err() != nil:
		g.end(w)
	case !g.serving:
		g.up[w] = struct{}{}
	case len(g.up) >= g.size && len(g.replacing) == 0:
		w.Retire("not needed any more")
	default:
		g.up[w] = struct{}{}
		g.serve(w)
		g.trim()
	}
}

func (g *generation) watch(w *worker.Worker) {
	g.task(func() func() {
		<-w.Leaving()
		return func() {
			g.left(w)
			g.task(func() func() {
				exit := w.Exit()
				return func() { g.down(w, exit) }
			})
		}
	})
}

// close gives a generation up: nothing is started any more, and when the last
// worker is gone its source ends too, and then over is called. How its workers
// end is up to the caller.
func (g *generation) close(over func()) {
	g.cancel()
	g.broken, g.over = nil, over
	g.old = append(g.old, g)
	g.finish()
}

// forget takes a generation off the list of those that were given up. It
// reports false if it is not there.
func (g *generation) forget() bool {
	at := slices.Index(g.old, g)
	if at < 0 {
		return false
	}
	g.old = slices.Delete(g.old, at, at+1)
	return true
}

// finish ends the source of a generation that was given up and has nobody left.
func (g *generation) finish() {
	if g.loop.ctx.Err() != nil || g.ctx.Err() == nil || g.starting > 0 || g.sourceStarting || len(g.alive) > 0 || !g.forget() {
		return
	}
	g.task(func() func() {
		_ = g.source.Stop(g.patience)
		return g.over
	})
}
