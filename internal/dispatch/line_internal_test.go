package dispatch

import (
	"strconv"
	"testing"
)

// However many shares wait and leave while a queue is never empty, what is
// remembered of them stays within bounds, and is gone with the last waiter.
func TestSharesThatDoNotWaitAreForgotten(t *testing.T) {
	t.Parallel()
	q := newLines[seatID]()
	stays := &waiter[seatID]{ask: Ask{Share: &Share{Name: "stays"}}}
	q.add(stays)
	for i := range 4 * linesMax {
		w := &waiter[seatID]{ask: Ask{Share: &Share{Name: strconv.Itoa(i)}}}
		q.add(w)
		q.charge(w)
		q.remove(w)
	}
	if n := len(q.byName); n > 2*linesMax+1 {
		t.Errorf("%d lines are remembered, want at most %d", n, 2*linesMax)
	}
	if q.len != 1 || len(q.live) != 1 {
		t.Fatalf("%d calls wait in %d lines, want one", q.len, len(q.live))
	}
	q.remove(stays)
	if len(q.byName) != 0 || len(q.spare) > spareMax || q.now != 0 {
		t.Errorf("%d lines, %d spare ones and the time %v are left of an empty queue", len(q.byName), len(q.spare), q.now)
	}
}

type seatID string

func (s seatID) ID() string { return string(s) }
