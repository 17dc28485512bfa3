package supervise

import (
	"context"
	"strconv"
	"time"

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
	timer  *time.Timer

	size      int
	ids       int            // of workers so far
	current   *generation    // whose workers take the calls
	none      *generation    // stands for the next one when there is none
	swaps     []*swap        // the first one is under way
	old       []*generation  // those that still drain
	replacing []*replacement // in the order in which they were asked for
}

func newLoop(s *Supervisor, ctx context.Context) *loop {
	l := &loop{
		Supervisor: s, events: make(chan func()), size: s.cfg.Size,
		timer: time.NewTimer(time.Hour),
	}
	l.ctx, l.cancel = context.WithCancel(ctx)
	l.none = &generation{loop: l}
	l.current = l.generation(s.source)
	l.current.serving = true
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
		case <-l.current.broken:
			l.current.sourceBroke()
		case <-l.next().broken:
			l.next().sourceBroke()
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

// fill orders what is missing, now or when the pauses are over.
func (l *loop) fill() {
	wait := l.current.fill(l.size + l.replacements())
	if len(l.swaps) > 0 {
		wait = min(wait, l.advance())
	}
	l.timer.Reset(wait)
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

// id names the next worker. No two workers of a supervisor share a name.
func (l *loop) id() string {
	l.ids++
	return "w" + strconv.Itoa(l.ids)
}

// serve takes a worker into service.
func (l *loop) serve(w *worker.Worker) {
	l.list(func(all []*worker.Worker) []*worker.Worker { return append(all, w) })
	if l.cfg.OnUp != nil {
		l.cfg.OnUp(w)
	}
	if !closed(l.ready) {
		close(l.ready)
	}
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
	g := l.current
	c := Condition{Up: len(g.up), Size: l.size, Next: len(l.next().up), Failure: g.failure, RetryAt: g.retryAt}
	switch {
	case !wanted:
		c.Phase = Idle
	case g.open:
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

func closed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
