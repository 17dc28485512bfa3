package validate

// surplus takes members out of an object, each with one of the commas around
// it: the one before it where a member stays before it, else the one after it.
type surplus struct {
	edits   []edit
	dropped int
	kept    bool // a member stays before the current one
	keptEnd int
}

// droppable reads the value of a member of the root object, which begins right
// after the brace or comma before it, and takes the member out if the schema
// does not name it.
func (w *walk) droppable(rule *objectRule, begin int, key, quoted []byte, seen []bool) bool {
	if _, known := rule.members[string(key)]; known || w.attached(string(key)) {
		ok := w.value(w.named(rule, key, quoted, seen, true))
		w.surplus.keep(begin, w.pos)
		return ok
	}
	ok := w.value(nil)
	w.surplus.drop(begin, w.pos)
	return ok
}

// takeOut takes the members that were dropped out of the result, and returns how
// many there were.
func (w *walk) takeOut() int {
	w.edits = append(w.edits, w.surplus.edits...)
	n := w.surplus.dropped
	w.surplus = surplus{} // a union may read the object once more
	return n
}

// keep notes that the member between two places stays.
func (s *surplus) keep(start, end int) {
	if !s.kept && len(s.edits) > 0 {
		s.edits[0].to = start
	}
	s.kept, s.keptEnd = true, end
}

// drop takes out the member between two places.
func (s *surplus) drop(start, end int) {
	s.dropped++
	if s.kept {
		start = s.keptEnd
	}
	if n := len(s.edits); n > 0 && (!s.kept || s.edits[n-1].from == start) {
		s.edits[n-1].to = end
		return
	}
	s.edits = append(s.edits, edit{from: start, to: end})
}
