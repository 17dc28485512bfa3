package dspool

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/supervise"
	"github.com/dspool/dspool/internal/wire"
	"github.com/dspool/dspool/internal/worker"
)

// A roster knows the workers that a pool has and what became of them. It hears
// of every change, tells the dispatcher, and turns changes into events.
type roster struct {
	pool  *Pool
	ready chan struct{} // closed with the first worker

	mu         sync.Mutex
	members    map[string]*member
	startedAt  time.Time
	readyAfter time.Duration
	losses     []time.Time   // of workers that have not been replaced yet
	trouble    *fault.Error  // why there can be no workers now
	changed    chan struct{} // closed and replaced when trouble changes
	opened     bool
	info       worker.Info
	isolation  *wire.Isolation // what became of the sandbox, nil while nobody has told
	generation int
	python     string
	ordered    map[string]*order
	looping    bool
	final      bool // trouble does not pass
}

func newRoster(p *Pool) *roster {
	return &roster{
		pool: p, ready: make(chan struct{}), changed: make(chan struct{}),
		members: make(map[string]*member, p.cfg.Workers), ordered: make(map[string]*order),
	}
}

// begin marks the start of the pool.
func (r *roster) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.startedAt = time.Now()
}

// up takes a new worker into service.
func (r *roster) up(w *worker.Worker) {
	id, now := w.ID(), time.Now()
	r.mu.Lock()
	first := r.readyAfter == 0
	if first {
		r.readyAfter = now.Sub(r.startedAt)
	}
	lostAt, replaces := r.pop()
	o := r.ordered[id]
	delete(r.ordered, id)
	m := newMember(w, o.generation)
	r.pool.ward.admit(m)
	r.members[id] = m
	took := r.readyAfter
	if i := w.Hello().Sandbox; i != nil {
		r.isolated(i)
	}
	full := r.serving() >= r.pool.cfg.Workers
	r.mu.Unlock()
	r.pool.warmer.note(id, o, true)
	r.pool.counts.spawn.observe(o.took)

	r.pool.desk.Add(m, r.pool.cfg.WorkerConcurrency)
	if w.State().Final() {
		r.pool.desk.Remove(id) // lost again before it was added
	}
	if first {
		close(r.ready) // only now: whoever waited for it may ask for room
	}
	r.pool.ward.watch(m)
	r.pool.publish(PoolEvent{Kind: WorkerReady, Worker: id, PID: w.PID(), Took: o.took, Generation: o.generation})
	if replaces {
		r.pool.counts.restarts.Add(1)
		r.pool.publish(PoolEvent{Kind: WorkerReplaced, Worker: id, PID: w.PID(), Took: now.Sub(lostAt)})
	}
	if first {
		r.pool.cfg.Logger.Info("the pool serves calls", "after", took)
		r.pool.publish(PoolEvent{Kind: PoolReady, Worker: id, PID: w.PID(), Took: took})
	}
	if full {
		r.pool.warmer.complete(now.Sub(r.startedAt))
	}
}

// serving counts the workers that take calls, or may again. Callers hold mu.
func (r *roster) serving() (n int) {
	for _, m := range r.members {
		if !m.State().Final() {
			n++
		}
	}
	return n
}

// pop returns when the worker was lost that the next newcomer replaces. Callers
// hold mu.
func (r *roster) pop() (time.Time, bool) {
	if len(r.losses) == 0 {
		return time.Time{}, false
	}
	at := r.losses[0]
	r.losses = r.losses[1:]
	return at, true
}

// leaving takes a worker out of service that will never take a call again. If
// it is missed, another one is started for it.
func (r *roster) leaving(w *worker.Worker, missed bool) {
	r.pool.desk.Remove(w.ID())
	if !missed {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.losses = append(r.losses, time.Now())
}

// down forgets a worker that is gone.
func (r *roster) down(w *worker.Worker, exit worker.Exit) {
	r.pool.desk.Remove(w.ID())
	r.mu.Lock()
	m := r.members[w.ID()]
	if m == nil {
		m = newMember(w, 0) // it never served
	}
	delete(r.members, w.ID())
	delete(r.ordered, w.ID()) // it was never needed, or lost before it could serve
	r.mu.Unlock()

	ev := PoolEvent{Kind: WorkerRetired, Worker: w.ID(), PID: w.PID(), Reason: exit.Reason}
	r.pool.counts.gone(exit.Code)
	ev.Restart = r.pool.ward.discharge(m, exit)
	if !exit.Expected() {
		ev.Kind, ev.Err = WorkerCrashed, exit.CrashError()
		ev.Reason = ev.Err.Message
		r.pool.cfg.Logger.Warn("worker lost", "worker", w.ID(), "pid", w.PID(), "error", ev.Err)
	}
	r.pool.publish(ev)
	r.pool.board.forget(w.ID())
}

// moved hears of every change of a worker's state, on the paths of calls. That
// a worker rests while it is degraded is the ward's affair.
func (r *roster) moved(tr worker.Transition) {
	if tr.To.Final() {
		r.pool.desk.Remove(tr.Worker)
		if !tr.From.Final() {
			r.forsake(tr)
		}
	}
	if !tr.From.Takes() || !tr.To.Takes() {
		r.pool.cfg.Logger.Debug("worker moved", "worker", tr.Worker, "from", tr.From.String(), "to", tr.To.String(),
			"reason", tr.Reason, "took", tr.Took)
	}
	if !r.pool.events.Heard() {
		return
	}
	r.pool.publish(PoolEvent{
		Kind: WorkerChanged, At: tr.At, Worker: tr.Worker, PID: tr.PID, Took: tr.Took,
		From: WorkerState(tr.From.String()), To: WorkerState(tr.To.String()), Reason: tr.Reason,
	})
}

// forsake gives up what lives in a worker that takes no more calls.
func (r *roster) forsake(tr worker.Transition) {
	r.mu.Lock()
	m := r.members[tr.Worker]
	r.mu.Unlock()
	if m != nil {
		r.pool.objects.forsake(m, tr.Reason)
	}
}

// all returns the workers that there are.
func (r *roster) all() []*member {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := slices.Collect(maps.Values(r.members))
	slices.SortFunc(all, func(a, b *member) int {
		return cmp.Or(a.Started().Compare(b.Started()), cmp.Compare(a.ID(), b.ID()))
	})
	return all
}

// served reports whether there has been a worker.
func (r *roster) served() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.readyAfter > 0
}

// fail makes calls fail instead of waiting: there can be no worker now, or,
// if final, ever.
func (r *roster) fail(err *fault.Error, final bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.final {
		return
	}
	r.trouble, r.final = err, final
	if final {
		r.pool.board.raise(StartFailed, "", err.Message)
	}
	close(r.changed)
	r.changed = make(chan struct{})
	r.pool.desk.Fail(err)
}

// condition hears how the supervisor stands.
func (r *roster) condition(c supervise.Condition) {
	open := c.Phase == supervise.Open
	var why *fault.Error
	if open {
		why = crashLoop(c)
	}
	r.mu.Lock()
	changed := open != r.looping
	r.looping = open
	r.mu.Unlock()
	if open || changed {
		r.fail(why, false)
	}
	switch {
	case changed && open:
		r.pool.cfg.Logger.Error("workers cannot be kept alive", "error", why)
		r.pool.board.raise(CrashLoop, "", why.Message)
		r.pool.publish(PoolEvent{Kind: CrashLoopOpened, Err: why, Reason: why.Message})
	case changed:
		r.pool.board.clear(CrashLoop, "")
		r.pool.publish(PoolEvent{Kind: CrashLoopClosed})
	}
}

// crashLoop is what calls get while there is no worker and none is tried.
func crashLoop(c supervise.Condition) *fault.Error {
	err := fault.New(fault.Unavailable, "workers cannot be started")
	if c.Failure != nil {
		err = fault.Newf(fault.Unavailable, "workers cannot be started or kept alive: %s", c.Failure.Message)
		err.Details, err.Cause = c.Failure.Details, c.Failure.Cause
	}
	err.Started = fault.StartedNo
	if !c.RetryAt.IsZero() {
		err.RetryAfter = max(time.Until(c.RetryAt), time.Millisecond)
		err.Message += "; the next try is at " + c.RetryAt.Format("15:04:05.000")
	}
	return err
}

// await waits until enough workers are up for done, or for the reason why they
// are not.
func (r *roster) await(ctx context.Context, done <-chan struct{}, when string) error {
	for {
		select {
		case <-r.pool.stopping:
			return r.pool.refusal()
		default:
		}
		r.mu.Lock()
		trouble, changed := r.trouble, r.changed
		r.mu.Unlock()
		select {
		case <-done:
			return nil
		default:
		}
		if trouble != nil {
			return trouble
		}
		select {
		case <-done:
			return nil
		case <-changed:
		case <-r.pool.stopping:
			return r.pool.refusal()
		case <-ctx.Done():
			return leftError(ctx, fault.StartedNo, when)
		}
	}
}

// source remembers from where workers come now, and reports whether this is
// the first time.
func (r *roster) source(a *announced) (first bool) {
	info := a.Info()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pool.counts.sources.Add(1)
	first = !r.opened
	again := !first && r.generation == a.generation
	r.info, r.opened, r.generation, r.python = info, true, a.generation, a.python
	r.isolated(info.Isolation)
	if _, why := r.mode(); why != "" {
		r.pool.board.raise(SpawnFallback, "", "the fork server is not used: "+why)
	} else {
		r.pool.board.clear(SpawnFallback, "")
	}
	if again {
		r.pool.board.mention(SourceRestarted, "", "what workers are forked from had ended and was started again", mentionTime)
	}
	return first
}

// isolated remembers what became of the sandbox. Callers hold mu.
func (r *roster) isolated(i *wire.Isolation) {
	r.isolation = i
	if i != nil && len(i.Why) > 0 {
		r.pool.board.raise(SandboxUnavailable, "", "workers are not kept apart from the host as Config.Sandbox says: "+strings.Join(i.Why, "; "))
	} else {
		r.pool.board.clear(SandboxUnavailable, "")
	}
}

// runs remembers the interpreter.
func (r *roster) runs(python string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.python = python
}

// mode tells how workers are started, and why not as configured. Callers hold
// mu.
func (r *roster) mode() (StartMode, string) {
	if r.opened && r.info.Kind == worker.KindSpawn && r.pool.cfg.Start == ForkServer {
		return Spawn, "forking is not safe: " + strings.Join(r.info.Unsafe, "; ")
	}
	return r.pool.cfg.Start, ""
}

// describe fills in what the roster knows. The workers are asked without the
// lock: they tell of their moves under their own, which then waits for this one.
func (r *roster) describe(st *Status) {
	r.describeSelf(st)
	all := r.all()
	st.Workers = make([]WorkerStatus, 0, len(all))
	for _, m := range all {
		st.Workers = append(st.Workers, m.status())
		if m.State().Takes() {
			st.Serving++
		}
	}
}

func (r *roster) describeSelf(st *Status) {
	r.mu.Lock()
	defer r.mu.Unlock()
	st.StartedAt, st.ReadyAfter, st.Trouble, st.Python = r.startedAt, r.readyAfter, r.trouble, r.python
	st.Mode, st.ModeReason = r.mode()
	st.Sandbox = r.pool.cfg.Sandbox.status(r.isolation)
	st.ForkServerPID, st.Generation = r.info.PID, r.generation
}
