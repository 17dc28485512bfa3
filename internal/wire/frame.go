package wire

import "encoding/binary"

// Frame is one message as it stands on the wire. Meta is a JSON object or
// empty, Body a JSON value (followed by the attachments that Meta lists),
// opaque bytes if Flags has [Raw], or empty.
type Frame struct {
	Type  Type
	Flags Flags
	ID    uint64
	Meta  []byte
	Body  []byte
}

// Size returns the number of bytes that the frame takes on the wire.
func (f Frame) Size() int { return HeaderSize + len(f.Meta) + len(f.Body) }

// Append appends the frame's bytes to dst. It checks nothing: the caller keeps
// Meta within [MetaMax] and meta and body within the frame limit.
func Append(dst []byte, f Frame) []byte {
	dst = AppendHeader(dst, f.Type, f.Flags, f.ID, len(f.Meta), len(f.Body))
	dst = append(dst, f.Meta...)
	return append(dst, f.Body...)
}

// AppendHeader appends the header of a frame whose meta and body, of the given
// sizes in bytes, the caller sends behind it.
func AppendHeader(dst []byte, t Type, flags Flags, id uint64, meta, body int) []byte {
	dst = append(dst, make([]byte, HeaderSize)...)
	PutHeader(dst[len(dst)-HeaderSize:], t, flags, id, meta, body)
	return dst
}

// PutHeader writes the header into the first [HeaderSize] bytes of b, for a
// caller that learns the sizes only after it has written meta and body.
func PutHeader(b []byte, t Type, flags Flags, id uint64, meta, body int) {
	_ = b[HeaderSize-1]
	binary.BigEndian.PutUint32(b[0:], uint32(meta+body))
	b[4] = byte(t)
	b[5] = byte(flags)
	binary.BigEndian.PutUint16(b[6:], uint16(meta))
	binary.BigEndian.PutUint64(b[8:], id)
}

// header is a parsed frame header.
type header struct {
	length int64
	typ    Type
	flags  Flags
	meta   int
	id     uint64
}

// parseHeader reads a header from the first HeaderSize bytes of b.
func parseHeader(b []byte) header {
	_ = b[HeaderSize-1]
	return header{
		length: int64(binary.BigEndian.Uint32(b[0:])),
		typ:    Type(b[4]),
		flags:  Flags(b[5]),
		meta:   int(binary.BigEndian.Uint16(b[6:])),
		id:     binary.BigEndian.Uint64(b[8:]),
	}
}
