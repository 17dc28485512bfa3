package worker

import (
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// sendBuffer is asked for on both ends; the kernel gives what its limit
// allows. A whole large frame in the buffer means one switch of processes
// instead of one for every 200 kB.
const sendBuffer = 4 << 20

// socketPair makes two connected sockets: the host's, and the one a worker gets.
// Neither is inherited by other processes that are started meanwhile.
func socketPair(kind int) (host *net.UnixConn, peer *os.File, err error) {
	fds, err := openPair(kind)
	if err != nil {
		return nil, nil, os.NewSyscallError("socketpair", err)
	}
	for _, fd := range fds {
		// A smaller buffer than asked for is slower, not wrong.
		_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, sendBuffer)
	}
	peer = os.NewFile(uintptr(fds[1]), "worker socket") //nolint:gosec // a descriptor
	if host, err = hostEnd(fds[0]); err != nil {
		_ = peer.Close()
		return nil, nil, err
	}
	return host, peer, nil
}

func hostEnd(fd int) (*net.UnixConn, error) {
	file := os.NewFile(uintptr(fd), "host socket") //nolint:gosec // a descriptor
	defer func() { _ = file.Close() }()
	conn, err := net.FileConn(file) // works on a copy of its own
	if err != nil {
		return nil, err
	}
	if unixConn, ok := conn.(*net.UnixConn); ok {
		return unixConn, nil
	}
	_ = conn.Close()
	return nil, syscall.EPROTOTYPE
}
