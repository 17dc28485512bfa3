package worker

import "github.com/dspool/dspool/internal/mux"

// A passage is one call's way through a worker: it counts the call out before
// its owner hears of the outcome, so that a freed slot finds the worker's state
// already right. Passages are used again, so that a call makes no closure.
type passage struct {
	worker  *Worker
	owner   func(mux.Outcome)
	settled func(mux.Outcome) // settle, bound once
}

func newPassage(w *Worker, owner func(mux.Outcome)) *passage {
	p, ok := w.passages.Get().(*passage)
	if !ok {
		p = &passage{worker: w}
		p.settled = p.settle
	}
	p.owner = owner
	return p
}

func (p *passage) settle(o mux.Outcome) {
	w, owner := p.worker, p.owner
	p.end()
	if o.Err == nil || o.Err.Remote {
		w.served.Add(1)
	}
	w.left()
	if owner != nil {
		owner(o)
	}
}

// end gives the passage back.
func (p *passage) end() {
	p.owner = nil
	p.worker.passages.Put(p)
}
