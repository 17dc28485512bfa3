package supervise

import (
	"errors"
	"io/fs"
	"os/exec"
	"slices"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/worker"
)

// left takes a worker out of service, once. Its replacement is ordered next,
// without waiting for the report of how it ended.
func (g *generation) left(w *worker.Worker) {
	if _, up := g.up[w]; !up {
		return
	}
	delete(g.up, w)
	if !g.serving {
		return
	}
	g.relieved(w, nil)
	if g.cfg.OnLeaving != nil {
		g.cfg.OnLeaving(w, g == g.current && len(g.up) < g.size)
	}
}

func (g *generation) down(w *worker.Worker, exit worker.Exit) {
	g.list(func(all []*worker.Worker) []*worker.Worker {
		return slices.DeleteFunc(all, func(x *worker.Worker) bool { return x == w })
	})
	if g.early(w, exit) {
		g.diedEarly(exit)
	}
	delete(g.alive, w)
	if g.cfg.OnDown != nil {
		g.cfg.OnDown(w, exit)
	}
	g.finish()
}

// early reports whether the worker died by itself before it was given anything
// to do: only that tells something about the next one.
func (g *generation) early(w *worker.Worker, exit worker.Exit) bool {
	return !exit.Expected() && exit.Reason == "" && w.Began() == 0 && !closed(g.alive[w])
}

func (g *generation) diedEarly(exit worker.Exit) {
	now := time.Now()
	g.meter.fail(now)
	g.failure = exit.CrashError()
	if g.meter.looping(now) && now.After(g.retryAt) {
		g.pause()
	}
}

// futileRounds is how many rounds of starts may fail, one after the other and with
// no worker up, before callers are told instead of kept waiting. Most such
// failures do not pass by themselves; the tries go on.
const futileRounds = 2

// failed counts a start that did not succeed and pauses before the next one.
func (g *generation) failed(err *fault.Error) {
	g.cfg.Logger.Warn("a worker could not be started", "error", err)
	now := time.Now()
	g.meter.fail(now)
	g.failure = err
	if g.serving {
		g.stay(err)
	}
	if now.After(g.retryAt) {
		g.rounds++ // the first one of its round
		g.pause()
	}
	g.open = g.open || g.meter.looping(now) || hopeless(err) || len(g.up) == 0 && g.rounds >= futileRounds
}

// hopeless reports whether a start failed in a way that does not pass by itself.
func hopeless(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, exec.ErrNotFound)
}

func (g *generation) pause() {
	now := time.Now()
	g.open = g.meter.looping(now)
	g.retryAt = now.Add(g.meter.pause())
}

// sourceBroke gives up everything that came from the source. The next look at
// what is missing starts it again.
func (g *generation) sourceBroke() {
	g.sourceUp, g.broken = false, nil
	ended := g.source.Info().Ended
	g.cfg.Logger.Warn("the fork server has ended; it is started again and all workers are replaced", "how", ended)
	now := time.Now()
	g.meter.fail(now)
	if g.meter.looping(now) {
		g.failure = fault.New(fault.Unavailable, "the fork server ends again and again: "+ended)
		g.pause()
	}
	for w := range g.up {
		w.Kill("the fork server ended")
	}
}
