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
func (l *loop) left(w *worker.Worker) {
	if _, up := l.up[w]; !up {
		return
	}
	delete(l.up, w)
	l.relieved(w, nil)
	if l.cfg.OnLeaving != nil {
		l.cfg.OnLeaving(w, len(l.up) < l.cfg.Size)
	}
}

func (l *loop) down(w *worker.Worker, exit worker.Exit) {
	l.list(func(all []*worker.Worker) []*worker.Worker {
		return slices.DeleteFunc(all, func(x *worker.Worker) bool { return x == w })
	})
	if l.early(w, exit) {
		l.diedEarly(exit)
	}
	delete(l.origins, w)
	if l.cfg.OnDown != nil {
		l.cfg.OnDown(w, exit)
	}
}

// early reports whether the worker died by itself before it was given anything
// to do: only that tells something about the next one.
func (l *loop) early(w *worker.Worker, exit worker.Exit) bool {
	return !exit.Expected() && exit.Reason == "" && w.Began() == 0 && !closed(l.origins[w])
}

func (l *loop) diedEarly(exit worker.Exit) {
	now := time.Now()
	l.meter.fail(now)
	l.failure = exit.CrashError()
	if l.meter.looping(now) && now.After(l.retryAt) {
		l.pause()
	}
}

// futileRounds is how many rounds of starts may fail, one after the other and with
// no worker up, before callers are told instead of kept waiting. Most such
// failures do not pass by themselves; the tries go on.
const futileRounds = 2

// failed counts a start that did not succeed and pauses before the next one.
func (l *loop) failed(err *fault.Error) {
	if l.ctx.Err() != nil {
		return
	}
	l.cfg.Logger.Warn("a worker could not be started", "error", err)
	now := time.Now()
	l.meter.fail(now)
	l.failure = err
	l.stay(err)
	if now.After(l.retryAt) {
		l.rounds++ // the first one of its round
		l.pause()
	}
	l.open = l.open || l.meter.looping(now) || hopeless(err) || len(l.up) == 0 && l.rounds >= futileRounds
}

// hopeless reports whether a start failed in a way that does not pass by itself.
func hopeless(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) || errors.Is(err, exec.ErrNotFound)
}

func (l *loop) pause() {
	now := time.Now()
	l.open = l.meter.looping(now)
	l.retryAt = now.Add(l.meter.pause())
}

// sourceBroke gives up everything that came from the source. The next look at
// what is missing starts it again.
func (l *loop) sourceBroke() {
	l.sourceUp, l.broken = false, nil
	ended := l.source.Info().Ended
	l.cfg.Logger.Warn("the fork server has ended; it is started again and all workers are replaced", "how", ended)
	now := time.Now()
	l.meter.fail(now)
	if l.meter.looping(now) {
		l.failure = fault.New(fault.Unavailable, "the fork server ends again and again: "+ended)
		l.pause()
	}
	for w := range l.up {
		w.Kill("the fork server ended")
	}
}
