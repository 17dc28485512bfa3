package dspool

import (
	"unicode"
	"unicode/utf8"

	"github.com/dspool/dspool/fault"
)

// checkID refuses what cannot be the id of a session, or of a program in one.
// The message tells the path and what is wrong, never the id itself: it may be
// long, or hold anything.
func checkID(path, id string) *fault.Error {
	switch {
	case id == "":
		return badField(path, "must not be empty")
	case len(id) > SessionMax:
		return badField(path, "must be at most %d bytes long, got %d", SessionMax, len(id))
	case !utf8.ValidString(id):
		return badField(path, "must be UTF-8")
	}
	for i, r := range id {
		if unicode.IsControl(r) {
			return badField(path, "must not hold control characters, found %U at byte %d", r, i)
		}
	}
	return nil
}
