package wire

import (
	"fmt"

	"github.com/dspool/dspool/fault"
)

// FrameError says why bytes from the peer are no frame. Unless Fatal, the next
// frame can be read: the receiver answers with ERROR and goes on.
type FrameError struct {
	// ID and Type are those of the frame's header; Type may be unknown.
	ID   uint64
	Type Type
	// Code is fault.Protocol or, for a payload above the limit,
	// fault.ResourceExhausted.
	Code fault.Code
	// Message says what is wrong with the frame.
	Message string
	// Fatal means that nothing tells where the next frame starts.
	Fatal bool
}

// Error returns the code, what is wrong and which frame it was.
func (e *FrameError) Error() string {
	return fmt.Sprintf("%s: %s (%s frame, id %d)", e.Code, e.Message, e.Type, e.ID)
}

// Fault returns the error as the body of the ERROR frame that answers it.
func (e *FrameError) Fault() Fault {
	return Fault{Code: e.Code, Message: fmt.Sprintf("%s frame, id %d: %s", e.Type, e.ID, e.Message)}
}

// check returns what is wrong with a header, or nil. Order matters: framing
// first, then size, then meaning, the same in both languages.
func (h header) check(limit int) *FrameError {
	switch {
	case h.length > FrameLimitMax:
		return h.fail(fault.Protocol, true,
			"length %d is above 2^31-1, the stream cannot be followed any further", h.length)
	case h.length > int64(limit):
		return h.fail(fault.ResourceExhausted, false,
			"payload of %d bytes is above the frame limit of %d bytes", h.length, limit)
	case !h.typ.Known():
		return h.fail(fault.Protocol, false, "unknown type %d", uint8(h.typ))
	case h.flags&^flagsKnown != 0:
		return h.fail(fault.Protocol, false, "unknown flag bits 0x%02x", uint8(h.flags&^flagsKnown))
	case int64(h.meta) > h.length:
		return h.fail(fault.Protocol, false,
			"meta size %d is above the payload's %d bytes", h.meta, h.length)
	}
	return nil
}

func (h header) fail(code fault.Code, fatal bool, format string, args ...any) *FrameError {
	return &FrameError{ID: h.id, Type: h.typ, Code: code, Fatal: fatal, Message: fmt.Sprintf(format, args...)}
}
