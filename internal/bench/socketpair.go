package bench

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// socketBuffer is what the pool asks for too.
const socketBuffer = 4 << 20

// socketPair makes the same kind of connection as a worker's.
func socketPair() (host net.Conn, peer *os.File, err error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a socket pair: %w", err)
	}
	for _, fd := range fds {
		unix.CloseOnExec(fd)
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, socketBuffer) // smaller is slower, not wrong
	}
	near := os.NewFile(uintptr(fds[0]), "host")  //nolint:gosec // a descriptor
	peer = os.NewFile(uintptr(fds[1]), "worker") //nolint:gosec // a descriptor
	if host, err = net.FileConn(near); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("make a socket pair: %w", err), near.Close(), peer.Close())
	}
	if err := near.Close(); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("make a socket pair: %w", err), host.Close(), peer.Close())
	}
	return host, peer, nil
}
