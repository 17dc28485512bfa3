package bench

import (
	"encoding/json"
	"fmt"
	"net"

	"github.com/dspool/dspool/internal/wire"
)

// An echoConn lets the ordinary client talk to a process that only sends bytes
// back. It puts a HELLO in front of what is read and turns every CALL that
// comes back into a RESULT by changing its type byte: a few nanoseconds a
// frame, paid by the floor.
type echoConn struct {
	net.Conn
	hello  []byte // still to be read
	skip   int    // payload bytes until the next header
	header [wire.HeaderSize]byte
	have   int // bytes of the header seen so far
}

const (
	lengthOffset = 0
	typeOffset   = 4
)

func newEchoConn(conn net.Conn, nonce string) (*echoConn, error) {
	body, err := json.Marshal(wire.Hello{Version: wire.Version, PID: 1, Nonce: nonce, Implementation: "echo"})
	if err != nil {
		return nil, fmt.Errorf("encode the floor's HELLO: %w", err)
	}
	hello := wire.Append(nil, wire.Frame{Type: wire.TypeHello, Body: body})
	return &echoConn{Conn: conn, hello: hello}, nil
}

// Read implements io.Reader.
func (c *echoConn) Read(p []byte) (int, error) {
	if len(c.hello) > 0 {
		n := copy(p, c.hello)
		c.hello = c.hello[n:]
		return n, nil
	}
	n, err := c.Conn.Read(p)
	c.rewrite(p[:n])
	return n, err //nolint:wrapcheck // io.Reader's own errors pass through
}

// rewrite walks over the frames in p, which may begin and end anywhere.
func (c *echoConn) rewrite(p []byte) {
	for len(p) > 0 {
		if c.skip > 0 {
			n := min(c.skip, len(p))
			c.skip -= n
			p = p[n:]
			continue
		}
		if at := typeOffset - c.have; at >= 0 && at < len(p) {
			p[at] = byte(wire.TypeResult)
		}
		n := copy(c.header[c.have:], p)
		c.have += n
		p = p[n:]
		if c.have == wire.HeaderSize {
			c.have = 0
			c.skip = payloadLength(c.header[lengthOffset:])
		}
	}
}

func payloadLength(b []byte) int {
	return int(b[0])<<24 | int(b[1])<<16 | int(b[2])<<8 | int(b[3])
}
