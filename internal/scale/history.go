package scale

import "time"

// parts is into how many parts a window is divided: a part is forgotten as a
// whole, so memory does not grow with the number of looks.
const parts = 60

// A history remembers the load of one window.
type history struct {
	span  time.Duration
	since time.Time
	parts []part
}

// A part is what was seen in one part of the window.
type part struct {
	from         time.Time
	sum, n, peak int
}

func newHistory(span time.Duration) history { return history{span: span} }

// add notes a load, in calls, and forgets what is older than the window.
func (h *history) add(now time.Time, calls int) {
	if h.since.IsZero() {
		h.since = now
	}
	width := h.span / parts
	if len(h.parts) == 0 || now.Sub(h.parts[len(h.parts)-1].from) >= width {
		h.parts = append(h.parts, part{from: now})
	}
	last := &h.parts[len(h.parts)-1]
	last.sum += calls
	last.n++
	last.peak = max(last.peak, calls)
	old := 0
	for now.Sub(h.parts[old].from) > h.span+width {
		old++
	}
	h.parts = append(h.parts[:0], h.parts[old:]...)
}

// full reports whether a whole window has been seen.
func (h *history) full(now time.Time) bool { return now.Sub(h.since) >= h.span }

// mean is the mean load.
func (h *history) mean() float64 {
	sum, n := 0, 0
	for _, p := range h.parts {
		sum, n = sum+p.sum, n+p.n
	}
	return float64(sum) / float64(max(n, 1))
}

// peak is the highest load.
func (h *history) peak() (most int) {
	for _, p := range h.parts {
		most = max(most, p.peak)
	}
	return most
}
