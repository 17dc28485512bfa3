package pyenv

import (
	"sync"
	"time"
)

// heartbeat is how often a step is told again while it lasts.
const heartbeat = time.Second

// report tells a build's progress, and tells it again every second.
type report struct {
	tell  func(Progress)
	begun time.Time
	quit  chan struct{}
	done  chan struct{}

	mu   sync.Mutex
	last Progress
}

// startReport starts the heartbeat; stop ends it and waits for it.
func startReport(tell func(Progress)) *report {
	r := &report{tell: tell, begun: time.Now(), quit: make(chan struct{}), done: make(chan struct{})}
	if tell == nil {
		r.tell = func(Progress) {}
	}
	go r.beat()
	return r
}

func (r *report) beat() {
	defer close(r.done)
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			r.update(func(*Progress) {})
		case <-r.quit:
			return
		}
	}
}

func (r *report) stop() {
	close(r.quit)
	<-r.done
}

// step begins a step.
func (r *report) step(step Step, detail string) {
	r.update(func(p *Progress) { *p = Progress{Step: step, Detail: detail} })
}

// update changes the step at hand and tells it. Nothing is told before the first
// step.
func (r *report) update(change func(*Progress)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.last)
	r.last.Elapsed = time.Since(r.begun)
	if r.last.Step != "" {
		r.tell(r.last)
	}
}
