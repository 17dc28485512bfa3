package worker

import (
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dspool/dspool/fault"
)

// ends are what connects the host with one worker: the host's side stays, the
// peer's side is closed as soon as the worker has it.
type ends struct {
	conn   *net.UnixConn
	socket *os.File
	ledger *ledger
	opened time.Time
}

func openEnds(slots int) (*ends, error) {
	book, err := newLedger(slots)
	if err != nil {
		return nil, noEnds(err)
	}
	conn, socket, err := socketPair(unix.SOCK_STREAM)
	if err != nil {
		book.close()
		return nil, noEnds(err)
	}
	return &ends{conn: conn, socket: socket, ledger: book, opened: time.Now()}, nil
}

func noEnds(err error) error {
	return fault.Wrap(fault.ResourceExhausted, err, "could not make the socket and memory of a worker; the limit of open files may be reached (ulimit -n)")
}

func (e *ends) closePeer() { _ = e.socket.Close() }

// close gives everything back when no worker came of it.
func (e *ends) close() {
	e.closePeer()
	_ = e.conn.Close()
	e.ledger.close()
}
