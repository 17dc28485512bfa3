package health

import (
	"sync"
	"time"
)

// window is over how many checks the average time is taken.
const window = 100

// A Record counts checks. The zero value is ready. Safe for concurrent use.
type Record struct {
	mu    sync.Mutex
	tally Tally
	took  [window]time.Duration // of checks that passed, a ring
	sum   time.Duration
	n     int // how many there have been
}

// A Tally is what a [Record] has counted.
type Tally struct {
	// Checks were made, Failures of them failed, Row of them in a row until now.
	Checks, Failures int64
	Row              int
	// Average is the time of the last hundred checks that passed.
	Average time.Duration
	// LastAt is when the last check ended, LastError how the last one failed
	// that did.
	LastAt    time.Time
	LastError string
	// Pulse is the last one felt.
	Pulse Pulse
}

// Add takes in a check.
func (r *Record) Add(c Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := &r.tally
	t.Checks++
	t.LastAt = c.At.Add(c.Took)
	if c.Alive {
		t.Pulse = c.Pulse
	}
	if c.Err != nil {
		t.Failures++
		t.Row++
		t.LastError = c.Err.Error()
		return
	}
	t.Row = 0
	slot := &r.took[r.n%window]
	r.sum += c.Took - *slot
	*slot = c.Took
	r.n++
}

// Tally returns the numbers of this moment.
func (r *Record) Tally() Tally {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.tally
	if n := min(r.n, window); n > 0 {
		t.Average = r.sum / time.Duration(n)
	}
	return t
}

// SuccessRate is the part of all checks that passed, in percent; 100 if there
// were none.
func (t Tally) SuccessRate() float64 {
	if t.Checks == 0 {
		return 100
	}
	return 100 * float64(t.Checks-t.Failures) / float64(t.Checks)
}
