package wire

import (
	"errors"
	"io"
)

const (
	// readBuffer is the size of the decoder's buffer: one read takes in
	// hundreds of small frames.
	readBuffer = 64 << 10
	// direct is the payload size from which on a frame that has not arrived
	// in full is read straight into memory of its own, without a copy.
	direct = 8 << 10
	// emptyReads is how many reads in a row may bring nothing.
	emptyReads = 100
)

// Decoder reads frames from a byte stream. It is not safe for concurrent use.
type Decoder struct {
	r       io.Reader
	limit   int
	buf     []byte
	lo, hi  int   // buf[lo:hi] has been read and not yet used
	refused int64 // bytes of a refused payload that are still to be read away
}

// NewDecoder returns a Decoder for payloads of at most limit bytes; a limit of
// zero or less means [FrameLimitDefault]. It holds a buffer of 64 KiB.
func NewDecoder(r io.Reader, limit int) *Decoder {
	if limit <= 0 {
		limit = FrameLimitDefault
	}
	return &Decoder{r: r, limit: min(limit, FrameLimitMax), buf: make([]byte, readBuffer)}
}

// Buffered returns how many bytes have been read but not yet returned. Zero
// means that the next call of Next has to wait for the peer.
func (d *Decoder) Buffered() int { return d.hi - d.lo }

// Next returns the next frame. Its Meta is valid until the next call only; its
// Body belongs to the caller.
//
// The error is io.EOF when the stream ended between two frames,
// io.ErrUnexpectedEOF when it ended inside one, a *[FrameError] for bytes that
// are no frame (unless it is Fatal, Next can be called again and first reads
// the payload of the refused frame away), and otherwise whatever the reader
// returned.
func (d *Decoder) Next() (Frame, error) {
	if err := d.skip(); err != nil {
		return Frame{}, err
	}
	if err := d.fill(HeaderSize); err != nil {
		return Frame{}, err
	}
	h := parseHeader(d.buf[d.lo:])
	d.lo += HeaderSize
	if ferr := h.check(d.limit); ferr != nil {
		d.refused = h.length
		return Frame{}, ferr
	}
	payload, owned, err := d.payload(int(h.length))
	if err != nil {
		return Frame{}, err
	}
	f := Frame{Type: h.typ, Flags: h.flags, ID: h.id}
	if h.meta > 0 {
		f.Meta = payload[:h.meta:h.meta]
	}
	if body := payload[h.meta:]; len(body) > 0 {
		if !owned {
			body = append(make([]byte, 0, len(body)), body...)
		}
		f.Body = body
	}
	return f, nil
}

// payload returns the next n bytes; owned tells whether they are memory of
// their own or a part of the buffer.
func (d *Decoder) payload(n int) (b []byte, owned bool, err error) {
	if n > d.Buffered() && n >= direct {
		b, err = d.large(n)
		return b, true, err
	}
	if err := d.fill(n); err != nil {
		return nil, false, midFrame(err)
	}
	b = d.buf[d.lo : d.lo+n]
	d.lo += n
	return b, false, nil
}

// large reads n bytes into memory of their own.
func (d *Decoder) large(n int) ([]byte, error) {
	b := make([]byte, n)
	got := copy(b, d.buf[d.lo:d.hi])
	d.lo += got
	if _, err := io.ReadFull(d.r, b[got:]); err != nil {
		return nil, midFrame(err)
	}
	return b, nil
}

// fill makes sure that at least n bytes are in the buffer. It returns io.EOF
// only if not one byte of them came.
func (d *Decoder) fill(n int) error {
	if d.Buffered() >= n {
		return nil
	}
	d.hi = copy(d.buf, d.buf[d.lo:d.hi])
	d.lo = 0
	for empty := 0; d.hi < n; {
		got, err := d.r.Read(d.buf[d.hi:])
		d.hi += got
		switch {
		case d.hi >= n:
			return nil
		case err != nil && d.hi > 0:
			return midFrame(err)
		case err != nil:
			return err
		case got > 0:
			empty = 0
		default:
			if empty++; empty == emptyReads {
				return io.ErrNoProgress
			}
		}
	}
	return nil
}

// skip reads what is left of a refused payload away, in pieces.
func (d *Decoder) skip() error {
	have := min(d.refused, int64(d.Buffered()))
	d.lo += int(have)
	for d.refused -= have; d.refused > 0; {
		got, err := io.ReadFull(d.r, d.buf[:min(d.refused, int64(len(d.buf)))])
		if d.refused -= int64(got); err != nil {
			return midFrame(err)
		}
	}
	return nil
}

// midFrame turns the end of the stream into io.ErrUnexpectedEOF.
func midFrame(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
