package process

// A ring keeps the last TailBytes of what is written to it. Memory is taken
// with the first byte and does not grow after the ring is full.
type ring struct {
	buf  []byte
	next int
	full bool
}

func (r *ring) write(b []byte) {
	if len(b) == 0 {
		return
	}
	if len(b) > TailBytes {
		b = b[len(b)-TailBytes:]
	}
	if !r.full && len(r.buf)+len(b) <= TailBytes {
		r.buf = append(r.buf, b...)
		r.next = len(r.buf) % TailBytes
		return
	}
	r.fill()
	n := copy(r.buf[r.next:], b)
	copy(r.buf, b[n:])
	r.next = (r.next + len(b)) % TailBytes
}

// fill makes the buffer as long as it will ever be.
func (r *ring) fill() {
	if r.full {
		return
	}
	old := len(r.buf)
	whole := make([]byte, TailBytes)
	// What was written so far goes to the end, so that it is the newest.
	copy(whole[TailBytes-old:], r.buf)
	r.buf, r.next, r.full = whole, 0, true
}

// bytes returns a copy of what is kept, oldest first, without the line that
// the ring's start cut through.
func (r *ring) bytes() []byte {
	if !r.full {
		return append([]byte(nil), r.buf...)
	}
	out := append([]byte(nil), r.buf[r.next:]...)
	out = append(out, r.buf[:r.next]...)
	return afterFirstLine(out)
}

func afterFirstLine(b []byte) []byte {
	for i, c := range b[:len(b)-1] {
		if c == '\n' {
			return b[i+1:]
		}
	}
	return b
}
