package validate

// surplus takes members out of an object, each with one of the commas around
// it: the one before it where a member stays before it, else the one after it.
type surplus struct {
	edits   []edit
	kept    bool // a member stays before the current one
	keptEnd int
}

// keep notes that the member between two places stays. The place of a member
// begins right after the comma before it.
func (s *surplus) keep(start, end int) {
	if !s.kept && len(s.edits) > 0 {
		s.edits[0].to = start
	}
	s.kept, s.keptEnd = true, end
}

// drop takes out the member between two places.
func (s *surplus) drop(start, end int) {
	if s.kept {
		start = s.keptEnd
	}
	if n := len(s.edits); n > 0 && (!s.kept || s.edits[n-1].from == start) {
		s.edits[n-1].to = end
		return
	}
	s.edits = append(s.edits, edit{from: start, to: end})
}
