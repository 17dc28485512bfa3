package worker

import (
	"slices"
	"time"
)

// historyMax is how many moves a worker remembers.
const historyMax = 32

// A Move is a part of a worker's history.
type Move struct {
	From, To State
	// Reason says why, for people.
	Reason string
	At     time.Time
	// Took is how long the worker had been in From; with From Ready or Busy,
	// how long it had been in service, since it goes to and fro between the
	// two with its calls.
	Took time.Duration
}

// history is a worker's last moves, without those between Ready and Busy,
// which would drive out all others. Guarded by the life's lock.
type history struct {
	since   time.Time // when the last move of any kind was
	settled time.Time // when the last move was that is remembered
	moves   []Move
}

// add takes in a move and returns how long the worker had been where it was.
func (h *history) add(m Move) time.Duration {
	took := m.At.Sub(h.since)
	if h.moves == nil {
		h.settled = h.since
	}
	h.since = m.At
	if m.From.Takes() && m.To.Takes() {
		return took
	}
	if len(h.moves) == historyMax {
		h.moves = slices.Delete(h.moves, 0, 1)
	}
	m.Took = m.At.Sub(h.settled)
	h.settled = m.At
	h.moves = append(h.moves, m)
	return took
}

// History returns the worker's last moves, oldest first: at most 32, without
// those between Ready and Busy.
func (w *Worker) History() []Move {
	w.life.report.Lock()
	defer w.life.report.Unlock()
	return slices.Clone(w.history.moves)
}
