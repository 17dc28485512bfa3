package dspool

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"
)

// A board holds the conditions of a pool. Each one is told when it is raised
// and when it is cleared, and not in between.
type board struct {
	pool *Pool

	mu    sync.Mutex
	notes map[note]*posted
}

// A note is what a condition is about: there is one of each.
type note struct {
	code   ConditionCode
	worker string
}

type posted struct {
	Condition
	until time.Time // when it ends by itself; zero: never
}

func newBoard(p *Pool) *board { return &board{pool: p, notes: map[note]*posted{}} }

// raise says that a condition holds. If it did already only its text changes.
func (b *board) raise(code ConditionCode, worker, text string) {
	b.post(code, worker, text, time.Time{})
}

// mention raises a condition that ends by itself.
func (b *board) mention(code ConditionCode, worker, text string, d time.Duration) {
	b.post(code, worker, text, time.Now().Add(d))
}

func (b *board) post(code ConditionCode, worker, text string, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	key := note{code, worker}
	if p := b.notes[key]; p != nil {
		p.Text, p.until = text, until
		return
	}
	p := &posted{Condition{code, code.Severity(), worker, text, time.Now()}, until}
	b.notes[key] = p
	b.tell(ConditionRaised, p)
}

// clear says that a condition does not hold.
func (b *board) clear(code ConditionCode, worker string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop(note{code, worker})
}

// forget clears all that was said of a worker.
func (b *board) forget(worker string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key := range b.notes {
		if key.worker == worker {
			b.drop(key)
		}
	}
}

// expire clears what has ended by itself.
func (b *board) expire(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for key, p := range b.notes {
		if !p.until.IsZero() && now.After(p.until) {
			b.drop(key)
		}
	}
}

// drop takes a condition away, if it is there. Callers hold mu.
func (b *board) drop(key note) {
	if p := b.notes[key]; p != nil {
		delete(b.notes, key)
		b.tell(ConditionCleared, p)
	}
}

// tell publishes and logs a change. Callers hold mu, which keeps the changes of
// a condition in order.
func (b *board) tell(kind PoolEventKind, p *posted) {
	level := slog.LevelInfo
	if kind == ConditionRaised {
		level = p.Severity.level()
	}
	b.pool.cfg.Logger.Log(context.Background(), level, string(kind), "code", p.Code, "severity", p.Severity, "worker", p.Worker, "text", p.Text)
	c := p.Condition
	b.pool.publish(PoolEvent{Kind: kind, Worker: p.Worker, Reason: p.Text, Condition: &c})
}

func (s Severity) level() slog.Level {
	switch s {
	case SeverityCritical:
		return slog.LevelError
	case SeverityWarning:
		return slog.LevelWarn
	case SeverityInfo:
	}
	return slog.LevelInfo
}

// list returns what holds now, the worst first.
func (b *board) list() []Condition {
	b.mu.Lock()
	all := make([]Condition, 0, len(b.notes))
	for _, p := range b.notes {
		all = append(all, p.Condition)
	}
	b.mu.Unlock()
	order := ConditionCodes()
	slices.SortFunc(all, func(x, y Condition) int {
		return cmp.Or(cmp.Compare(slices.Index(order, x.Code), slices.Index(order, y.Code)), x.Since.Compare(y.Since), cmp.Compare(x.Worker, y.Worker))
	})
	return all
}
