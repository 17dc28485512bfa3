package dspool

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/pyenv"
	"github.com/dspool/dspool/internal/worker"
)

// announced is a source that tells of each order. Each generation of workers
// has one.
type announced struct {
	worker.Source
	roster     *roster
	generation int
	python     string
	refused    func(*fault.Error) // hears that a sandbox that is required cannot be had
	proven     bool               // a start has succeeded
}

// Start prepares the source. A generation that is to take over must have all of
// its preload modules: what it cannot import, the one before may have.
func (a *announced) Start(ctx context.Context) error {
	err := a.Source.Start(ctx)
	if err != nil || a.proven || a.generation == 1 {
		return a.judged(err)
	}
	if missing := unloadable(a.Info()); missing != nil {
		return missing
	}
	a.proven = true
	return nil
}

// judged says of a start that failed for want of a sandbox which field of the
// configuration asks for that. If no worker has served yet, the pool's start has
// failed with it: to try again would change nothing.
func (a *announced) judged(err error) error {
	if err == nil || fault.CodeOf(err) != fault.Unsupported {
		return err
	}
	refused := sandboxRefused(err)
	if a.generation == 1 && !a.roster.served() {
		a.refused(refused)
	}
	return refused
}

// unloadable is the error of preload modules that could not be imported, nil if
// all could.
func unloadable(info worker.Info) *fault.Error {
	if len(info.Failed) == 0 {
		return nil
	}
	return fault.Newf(fault.Unavailable, "preload modules cannot be imported: %s", strings.Join(info.Failed, "; ")).
		WithStarted(fault.StartedNo)
}

// Spawn starts a worker.
func (a *announced) Spawn(ctx context.Context, id string) (*worker.Worker, error) {
	warmer := a.roster.pool.warmer
	if err := warmer.enter(ctx); err != nil {
		return nil, err
	}
	defer warmer.leave()
	o := &order{generation: a.generation, at: time.Now()}
	a.roster.order(id, o)
	w, err := a.Source.Spawn(ctx, id)
	if err == nil {
		o.warm.Start = time.Since(o.at)
		err = warmer.warm(ctx, w, o)
	}
	if err != nil {
		err = a.judged(err)
		a.roster.stillborn(ctx, id, fault.From(err))
		return nil, err
	}
	o.took = time.Since(o.at)
	return w, nil
}

// An order is a worker on its way.
type order struct {
	generation int
	at         time.Time
	took       time.Duration // until it could take calls
	warm       WorkerWarm
}

// order notes that a worker is on its way.
func (r *roster) order(id string, o *order) {
	r.mu.Lock()
	r.ordered[id] = o
	r.mu.Unlock()
	r.pool.publish(PoolEvent{Kind: WorkerStarting, Worker: id, Generation: o.generation})
}

// stillborn notes that a worker did not become ready.
func (r *roster) stillborn(ctx context.Context, id string, err *fault.Error) {
	r.mu.Lock()
	delete(r.ordered, id)
	r.mu.Unlock()
	if ctx.Err() == nil {
		r.pool.counts.stillborn.Add(1)
		r.pool.publish(PoolEvent{Kind: WorkerFailed, Worker: id, Err: err, Reason: err.Message})
	}
}

// output passes on a line that a worker wrote.
func (p *Pool) output(o worker.Output) {
	if p.cfg.Output != nil {
		p.cfg.Output(Output{Worker: o.Worker, Stream: o.Stream, Line: o.Line, Dropped: o.Dropped})
	} else {
		p.cfg.Logger.Info(o.Line, "worker", o.Worker, "stream", o.Stream, "dropped", o.Dropped)
	}
	if p.events.Heard() {
		p.publish(PoolEvent{Kind: OutputCaptured, Worker: o.Worker, Stream: o.Stream, Reason: o.Line})
	}
}

// progress passes on a step of making the environment.
func (p *Pool) progress(s pyenv.Progress) {
	p.cfg.Logger.Debug("environment", "step", s.Step, "detail", s.Detail, "done", s.Done, "total", s.Total)
	p.publish(PoolEvent{Kind: EnvironmentProgress, Reason: progressText(s), Took: s.Elapsed})
}

func progressText(s pyenv.Progress) string {
	text := string(s.Step)
	if s.Detail != "" {
		text += ": " + s.Detail
	}
	if s.Total > 0 {
		text += fmt.Sprintf(" (%d of %d)", s.Done, s.Total)
	}
	return text
}
