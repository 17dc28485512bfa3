package dspool

import (
	"time"

	"github.com/dspool/dspool/internal/worker"
)

// A WorkerMove is a part of a worker's history.
type WorkerMove struct {
	From WorkerState `json:"from"`
	To   WorkerState `json:"to"`
	// Reason says why, in words.
	Reason string    `json:"reason"`
	At     time.Time `json:"at"`
	// Took is how long the worker had been in From; where that is ready or
	// busy, how long it had been in service, whichever of the two it was.
	Took time.Duration `json:"took"`
}

func movesOf(moves []worker.Move) []WorkerMove {
	list := make([]WorkerMove, len(moves))
	for i, m := range moves {
		list[i] = WorkerMove{
			From: WorkerState(m.From.String()), To: WorkerState(m.To.String()),
			Reason: m.Reason, At: m.At, Took: m.Took,
		}
	}
	return list
}
