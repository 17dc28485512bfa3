package dspool

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/dspool/dspool/internal/health"
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
	serving, served := 0, w.pool.roster.served() // before the workers: the first may come in between
	for _, m := range w.pool.roster.all() {
		if m.State().Takes() {
			serving++
		}
		w.inspect(m, now)
	}
	w.assess(serving, served)
	w.pool.board.expire(now)
}

// assess looks at the pool as a whole. That no worker takes calls is to be
// expected before the first one has, and once the pool stops.
func (w *ward) assess(serving int, served bool) {
	board := w.pool.board
	if serving == 0 && served && !w.pool.closing() {
		board.raise(NoWorkers, "", "no worker takes calls; they wait for the next one")
	} else {
		board.clear(NoWorkers, "")
	}
	if why := w.pool.sessions.Status().StoreError; why != "" {
		board.raise(StoreTrouble, "", "the session store takes no changes, which are kept in memory: "+why)
	} else {
		board.clear(StoreTrouble, "")
	}
	w.queue(board)
}

// queue looks whether calls still find places to wait.
func (w *ward) queue(board *board) {
	limit, queued := off(w.pool.cfg.QueueSize), w.pool.desk.Queued()
	switch {
	case limit > 0 && queued*10 >= limit*9:
		board.raise(QueueSaturated, "", fmt.Sprintf("%d of %d places in the queue are taken: calls come faster than they are served", queued, limit))
	case queued*2 <= limit:
		board.clear(QueueSaturated, "")
	}
}
