package breaker

import "time"

// slices is into how many parts a window is cut: results leave it a tenth at a
// time.
const slices = 10

// A window counts the results of the last while. The zero value, for no
// window, counts nothing.
type window struct {
	slice  time.Duration
	counts [slices]struct{ good, bad int }
	head   int64 // number of the newest slice, since the epoch
}

func newWindow(length time.Duration) window {
	if length <= 0 {
		return window{}
	}
	return window{slice: max(length/slices, 1)}
}

func (w *window) clear() { *w = window{slice: w.slice} }

// turn drops what has become too old.
func (w *window) turn(now time.Time) {
	number := now.UnixNano() / int64(w.slice)
	for n := max(w.head+1, number-slices+1); n <= number; n++ {
		w.counts[n%slices] = struct{ good, bad int }{}
	}
	w.head = max(w.head, number)
}

func (w *window) add(now time.Time, ok bool) {
	w.turn(now)
	if slot := &w.counts[w.head%slices]; ok {
		slot.good++
	} else {
		slot.bad++
	}
}

// full reports whether the share of failures has reached the rate.
func (w *window) full(now time.Time, rate float64, minimum int) bool {
	if w.slice <= 0 {
		return false
	}
	w.turn(now)
	good, bad := 0, 0
	for _, c := range w.counts {
		good, bad = good+c.good, bad+c.bad
	}
	return good+bad >= minimum && float64(bad) >= rate*float64(good+bad)
}
