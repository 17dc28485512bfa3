package supervise

import (
	"context"
	"strconv"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/worker"
)

// A loop is the goroutine of a Supervisor with all that only it touches. Tasks
// run on goroutines of their own and report by a function that the loop runs;
// the loop ends when the last one has reported.
type loop struct {
	*Supervisor
	ctx    context.Context // of starts; ends with the stop
	cancel context.CancelFunc
	events chan func()
	tasks  int // goroutines that will still report

	up       map[*worker.Worker]struct{}
	origins  map[*worker.Worker]<-chan struct{} // the source's Done when it was made
	starting int
	next     int
	meter    *meter
	failure  *fault.Error
	retryAt  time.Time
	open     bool
	probing  bool // one start decides whether the others follow
	rounds   int  // of failed starts since a worker last came up

	replacing []*replacement // in the order in which they were asked for

	sourceUp       bool
	sourceStarting bool
	broken         <-chan struct{}
	timer          *time.Timer
}

func newLoop(s *Supervisor, ctx context.Context) *loop {
	l := &loop{
		Supervisor: s, events: make(chan func()),
		up: make(map[*worker.Worker]struct{}), origins: make(map[*worker.Worker]<-chan struct{}),
		meter: newMeter(s.cfg.Pace),
		timer: time.NewTimer(time.Hour),
	}
	l.ctx, l.cancel = context.WithCancel(ctx)
	return l
}

// run takes decisions until the stop.
func (l *loop) run() {
	defer l.timer.Stop()
	demand := l.demand
	wanted := false
	for {
		if wanted {
			l.fill()
		}
		l.publish(wanted)
		select {
		case event := <-l.events:
			event()
		case <-l.mail:
			l.answer()
		case <-l.broken:
			l.sourceBroke()
		case <-l.timer.C:
		case <-demand:
			wanted, demand = true, nil
		case <-l.halt:
			l.shutDown()
			return
		}
	}
}

// task runs work beside the loop; what it returns runs on the loop.
func (l *loop) task(work func() func()) {
	l.tasks++
	go func() {
		report := work()
		l.events <- func() {
			l.tasks--
			report()
		}
	}()
}

// fill orders what is missing, if nothing speaks against it.
func (l *loop) fill() {
	now := time.Now()
	if wait := l.retryAt.Sub(now); wait > 0 {
		l.timer.Reset(wait)
		return
	}
	if !l.retryAt.IsZero() {
		l.retryAt = time.Time{}
		l.probing = true
	}
	switch {
	case l.sourceStarting:
	case !l.sourceUp:
		l.startSource()
	default:
		for range l.missing() {
			l.spawn()
		}
	}
}

// missing is how many to order now: all, or one to see if it lives.
func (l *loop) missing() int {
	n := l.cfg.Size + l.replacements() - len(l.up) - l.starting
	if l.probing {
		n = min(n, 1-l.starting)
	}
	return max(n, 0)
}

func (l *loop) startSource() {
	l.sourceStarting = true
	l.task(func() func() {
		err := l.source.Start(l.ctx)
		return func() {
			l.sourceStarting = false
			if err != nil {
				l.failed(fault.From(err))
				return
			}
			l.sourceUp, l.broken = true, l.source.Done()
			if l.cfg.OnSource != nil {
				l.cfg.OnSource(l.source.Info())
			}
		}
	})
}

func (l *loop) spawn() {
	l.starting++
	l.next++
	id := "w" + strconv.Itoa(l.next)
	source := l.broken
	l.task(func() func() {
		w, err := l.source.Spawn(l.ctx, id)
		return func() {
			l.starting--
			switch {
			case err == nil:
				l.cameUp(w, source)
			case l.ctx.Err() == nil && !closed(source):
				l.failed(fault.From(err))
			}
		}
	})
}

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// cameUp takes a new worker into service and watches it.
func (l *loop) cameUp(w *worker.Worker, source <-chan struct{}) {
	l.up[w] = struct{}{}
	l.origins[w] = source
	l.probing, l.open, l.rounds = false, false, 0
	if !l.meter.looping(time.Now()) {
		l.failure = nil
	}
	l.list(func(all []*worker.Worker) []*worker.Worker { return append(all, w) })
	if l.cfg.OnUp != nil {
		l.cfg.OnUp(w)
	}
	if !closed(l.ready) {
		close(l.ready)
	}
	l.watch(w)
	l.relieve()
}

// answer decides what was asked since the last time.
func (l *loop) answer() {
	l.mu.Lock()
	asked := l.asked
	l.asked = nil
	l.mu.Unlock()
	for _, decide := range asked {
		decide(l)
	}
}

func (l *loop) watch(w *worker.Worker) {
	l.task(func() func() {
		<-w.Leaving()
		return func() {
			l.left(w)
			l.task(func() func() {
				exit := w.Exit()
				return func() { l.down(w, exit) }
			})
		}
	})
}

// list changes the list of workers that others may ask for.
func (l *loop) list(change func([]*worker.Worker) []*worker.Worker) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.workers = change(l.workers)
}

// publish tells of a changed condition.
func (l *loop) publish(wanted bool) {
	c := l.assess(wanted)
	l.mu.Lock()
	same := c.same(l.condition)
	l.condition = c
	l.mu.Unlock()
	if !same && l.cfg.OnState != nil {
		l.cfg.OnState(c)
	}
}

func (l *loop) assess(wanted bool) Condition {
	c := Condition{Up: len(l.up), Size: l.cfg.Size, Failure: l.failure, RetryAt: l.retryAt}
	switch {
	case !wanted:
		c.Phase = Idle
	case l.open:
		c.Phase = Open
	case c.Up == 0:
		c.Phase = Starting
	case c.Up < c.Size:
		c.Phase = Short
	default:
		c.Phase = Full
	}
	return c
}
