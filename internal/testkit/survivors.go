package testkit

import (
	"time"

	marks "github.com/dspool/dspool/internal/mark"
)

// goneWithin is how long a process that has been told to die may take: the
// kernel needs a moment to take one apart.
const goneWithin = 2 * time.Second

// survivors returns the processes that carry the mark after a grace time, with
// their command lines. Where there is no /proc it returns none.
func survivors(mark string) []string {
	const step = 20 * time.Millisecond
	var left []string
	for end := time.Now().Add(goneWithin); time.Now().Before(end); time.Sleep(step) { //nolint:forbidigo // polls processes that are not ours to wait for
		if left = Marked(mark); len(left) == 0 {
			return nil
		}
	}
	return left
}

// Marked returns the living processes, other than this one, whose environment
// has [RunVariable] set to mark, as [marks.Processes] does.
func Marked(mark string) []string { return marks.Processes(RunVariable, mark) }
