//go:build unix

package mux

import (
	"errors"
	"io"
	"syscall"

	"golang.org/x/sys/unix"
)

// partsMax is the most parts that go into one gathered write.
const partsMax = 64

// tryWriter writes to a non-blocking descriptor without waiting for it. It is
// used by one goroutine at a time.
type tryWriter struct {
	raw    syscall.RawConn
	write1 func(fd uintptr) bool // bound once, so that a write allocates nothing
	parts  [][]byte
	n      int
	err    error
}

// newTryWriter returns nil if rw has no descriptor.
func newTryWriter(rw io.ReadWriteCloser) *tryWriter {
	conn, ok := rw.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil
	}
	w := &tryWriter{raw: raw}
	w.write1 = w.once
	return w
}

// write writes the parts and returns how many bytes the socket took, which is 0
// if it is full.
func (w *tryWriter) write(parts [][]byte) (int, error) {
	w.parts = parts[:min(len(parts), partsMax)]
	err := w.raw.Write(w.write1)
	w.parts = nil
	if err == nil {
		err = w.err
	}
	return w.n, err
}

// once makes one system call. It always returns true: never wait.
func (w *tryWriter) once(fd uintptr) bool {
	for {
		if len(w.parts) == 1 {
			w.n, w.err = unix.Write(int(fd), w.parts[0])
		} else {
			w.n, w.err = unix.Writev(int(fd), w.parts)
		}
		if !errors.Is(w.err, unix.EINTR) {
			break
		}
	}
	if errors.Is(w.err, unix.EAGAIN) {
		w.n, w.err = 0, nil
	}
	w.n = max(w.n, 0)
	return true
}
