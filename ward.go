package dspool

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dspool/dspool/internal/health"
	"github.com/dspool/dspool/internal/worker"
)

const (
	// surveyInterval is how often the ward looks at what nobody tells it: ages,
	// idle times, the queue. Numbers of calls are told.
	surveyInterval = time.Second
	// mentionTime is how long a condition stands that is over when it is known.
	mentionTime = 5 * time.Minute
)

// A ward looks after the workers of a pool: it has them checked, acts on what
// the checks say, and replaces those that have reached a limit.
type ward struct {
	pool    *Pool
	monitor *health.Monitor
	probe   *probe
	record  health.Record // of all checks

	quit  chan struct{}
	look  chan struct{} // holds a token when a worker may have reached a limit
	ended sync.WaitGroup
}

func newWard(p *Pool) (*ward, error) {
	w := &ward{
		pool: p, monitor: health.New(p.cfg.Health.monitor()),
		quit: make(chan struct{}), look: make(chan struct{}, 1),
	}
	var err error
	w.probe, err = newProbe(p)
	return w, err
}

// start begins the surveys.
func (w *ward) start() { w.ended.Go(w.run) }

// stop ends everything and waits for it.
func (w *ward) stop() {
	close(w.quit)
	w.monitor.Stop()
	w.ended.Wait()
}

// admit takes in a worker that is to be put into service, before any call can
// reach it.
func (w *ward) admit(m *member) {
	m.limits = w.pool.cfg.Recycle.limits(rand.Float64()) //nolint:gosec // jitter
	m.full = w.nudge
}

// watch has a worker checked that is in service now.
func (w *ward) watch(m *member) { m.watch.Store(w.monitor.Watch(patient{m, w})) }

// discharge takes note of a worker's end and tells why it had to be replaced,
// "" if it had not.
func (w *ward) discharge(m *member, exit worker.Exit) RestartReason {
	why := m.endedBy(exit)
	if why == "" {
		return ""
	}
	w.pool.counts.reasons.add(why)
	if exit.Expected() {
		w.pool.publish(PoolEvent{
			Kind: WorkerRecycled, Worker: m.ID(), PID: m.PID(), Reason: exit.Reason, Restart: why,
			Took: time.Since(m.Started()),
		})
	}
	return why
}

// nudge makes the ward look at once. It never blocks.
func (w *ward) nudge() {
	select {
	case w.look <- struct{}{}:
	default:
	}
}

func (w *ward) run() {
	tick := time.NewTicker(surveyInterval)
	defer tick.Stop()
	for {
		select {
		case <-w.quit:
			return
		case <-w.look:
		case <-tick.C:
		}
		w.survey(time.Now())
	}
}

// survey looks at everything once.
func (w *ward) survey(now time.Time) {
	serving := 0
	for _, m := range w.pool.roster.all() {
		if m.State().Takes() {
			serving++
		}
		w.inspect(m, now)
	}
	w.assess(serving)
	w.pool.board.expire(now)
}

// assess looks at the pool as a whole.
func (w *ward) assess(serving int) {
	board, cfg := w.pool.board, w.pool.cfg
	if serving == 0 && w.pool.roster.served() {
		board.raise(NoWorkers, "", "no worker takes calls; they wait for the next one")
	} else {
		board.clear(NoWorkers, "")
	}
	limit, queued := off(cfg.QueueSize), w.pool.desk.Queued()
	switch {
	case limit > 0 && queued*10 >= limit*9:
		board.raise(QueueSaturated, "", fmt.Sprintf("%d of %d places in the queue are taken: calls come faster than they are served", queued, limit))
	case queued*2 <= limit:
		board.clear(QueueSaturated, "")
	}
}

// inspect replaces a worker that has reached a limit.
func (w *ward) inspect(m *member, now time.Time) {
	use := m.use(now)
	if cause := m.limits.Reached(use); cause != health.None {
		w.replace(m, RestartReason(cause), limitText(cause, use))
	}
	w.replaced(m)
}

// limitText says what a worker has reached.
func limitText(cause health.Cause, use health.Use) string {
	switch cause {
	case health.ByCalls:
		return fmt.Sprintf("it has served %d calls", use.Calls)
	case health.ByErrors:
		return fmt.Sprintf("%d calls in a row failed on it", use.Errors)
	case health.ByAge:
		return fmt.Sprintf("it is %s old", use.Age.Round(time.Millisecond))
	case health.ByIdle:
		return fmt.Sprintf("it has had nothing to do for %s", use.Idle.Round(time.Millisecond))
	case health.ByMemory:
		return fmt.Sprintf("it uses %s of memory", mebibytes(use.Memory))
	case health.None:
	}
	return string(cause)
}

func mebibytes(n int64) string { return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20)) }

// replace has a worker exchanged for a fresh one, once at a time.
func (w *ward) replace(m *member, cause RestartReason, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.told != nil || m.State().Final() {
		return
	}
	m.ends(cause)
	m.told = w.pool.crew.replace(m.Worker, text)
}

// replaced looks what became of the order to replace a worker. One that failed
// is given again at the next look.
func (w *ward) replaced(m *member) {
	m.mu.Lock()
	defer m.mu.Unlock()
	select {
	case err := <-m.told: // nil: never
		m.told = nil
		if err == nil {
			w.pool.board.clear(RecycleFailed, m.ID())
			return
		}
		m.ends("")
		w.pool.board.raise(RecycleFailed, m.ID(), "it could not be replaced: "+err.Error())
	default:
	}
}

// A patient is a worker as the monitor sees it.
type patient struct {
	*member
	ward *ward
}

var _ health.Subject = patient{}

// Ping feels the worker's pulse.
func (s patient) Ping(ctx context.Context) (health.Pulse, error) {
	pong, err := s.Worker.Ping(ctx)
	if err != nil {
		return health.Pulse{}, err
	}
	// The worker measures one turn of its loop; what came before its reader
	// saw the ping is in the round trip.
	return health.Pulse{Lag: max(pong.Lag, pong.RTT), RSS: pong.RSS}, nil
}

// Try makes the check's call.
func (s patient) Try(ctx context.Context) error { return s.ward.probe.run(ctx, s.member) }

// Vitals looks at the process.
func (s patient) Vitals() (health.Vitals, bool) {
	v, ok := s.Worker.Vitals()
	return health.Vitals{CPU: v.CPU, Stopped: v.Stopped(), Waiting: v.Waits()}, ok
}

// Leaving reports whether the worker only finishes what it has.
func (s patient) Leaving() bool { return s.State().Final() }

// Checked takes in a result.
func (s patient) Checked(r health.Result) {
	s.record.Add(r)
	s.ward.record.Add(r)
	if r.Alive {
		s.lag(r.Pulse.Lag)
		s.memory(r.Pulse.RSS)
	}
}

func (s patient) lag(lag time.Duration) {
	limit, board := off(s.ward.pool.cfg.Health.LagMax), s.ward.pool.board
	switch {
	case limit > 0 && lag > limit:
		board.raise(LoopLagHigh, s.ID(), fmt.Sprintf("its event loop is %s late: code that does not await holds it up", lag.Round(time.Millisecond)))
	case lag <= limit/2:
		board.clear(LoopLagHigh, s.ID())
	}
}

func (s patient) memory(rss int64) {
	soft, hard, board := s.limits.Memory, s.ward.pool.cfg.Recycle.MemoryMax, s.ward.pool.board
	switch {
	case soft > 0 && rss >= soft, hard > 0 && rss >= hard/10*9:
		board.raise(MemoryHigh, s.ID(), fmt.Sprintf("it uses %s of memory", mebibytes(rss)))
	default:
		board.clear(MemoryHigh, s.ID())
	}
	switch {
	case hard > 0 && rss >= hard:
		s.ends(ByMemoryMax)
		s.Kill(fmt.Sprintf("it used %s of memory, Recycle.MemoryMax is %s", mebibytes(rss), mebibytes(hard)))
	case soft > 0 && rss >= soft:
		s.ward.nudge()
	}
}

// Degrade takes the worker out of service. It rests before its state changes,
// so that a call which finds it degraded does not choose it again.
func (s patient) Degrade(reason string) {
	desk := s.ward.pool.desk
	desk.Rest(s.ID())
	if !s.Worker.Degrade(reason) {
		desk.Wake(s.ID())
		return
	}
	s.ward.pool.board.raise(WorkerDegraded, s.ID(), reason)
}

// Restore takes it back.
func (s patient) Restore(reason string) {
	if s.Worker.Restore(reason) {
		s.ward.pool.desk.Wake(s.ID())
	}
	s.ward.pool.board.clear(WorkerDegraded, s.ID())
}

// Replace exchanges it, gently.
func (s patient) Replace(reason string) { s.ward.replace(s.member, ByNotReady, reason) }

// GiveUp kills it.
func (s patient) GiveUp(reason string) { s.Abort(reason) }
