package dspool

import (
	"context"
	"fmt"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/pyenv"
	"github.com/dspool/dspool/internal/worker"
)

// announced is a source that tells of each order.
type announced struct {
	worker.Source
	roster *roster
}

// Spawn starts a worker.
func (a announced) Spawn(ctx context.Context, id string) (*worker.Worker, error) {
	a.roster.order(id)
	w, err := a.Source.Spawn(ctx, id)
	if err != nil {
		a.roster.stillborn(ctx, id, fault.From(err))
	}
	return w, err
}

// order notes that a worker is on its way.
func (r *roster) order(id string) {
	r.mu.Lock()
	r.ordered[id] = time.Now()
	r.mu.Unlock()
	r.pool.publish(PoolEvent{Kind: WorkerStarting, Worker: id})
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
