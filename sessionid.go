package dspool

import (
	"unicode"
	"unicode/utf8"

	"github.com/dspool/dspool/fault"
)

// SessionIDMax is the longest id of a session, and of a program in one, in
// bytes.
const SessionIDMax = 256

// checkID refuses what cannot be an id. The message tells the path and what is
// wrong, never the id itself: it may be long, or hold anything.
func checkID(path, id string) *fault.Error {
	bad := func(format string, args ...any) *fault.Error {
		return fault.Newf(fault.InvalidArgument, path+": "+format, args...).WithStarted(fault.StartedNo)
	}
	switch {
	case id == "":
		return bad("must not be empty")
	case len(id) > SessionIDMax:
		return bad("must be at most %d bytes, got %d", SessionIDMax, len(id))
	case !utf8.ValidString(id):
		return bad("must be valid UTF-8")
	}
	for at, r := range id {
		if unicode.IsControl(r) {
			return bad("must not contain control characters, found %U at byte %d", r, at)
		}
	}
	return nil
}
