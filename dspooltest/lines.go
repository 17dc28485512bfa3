package dspooltest

import (
	"io"
	"sync"
	"sync/atomic"

	"github.com/dspool/dspool/fault"
)

// Lines are the connections between a pool and its workers, which a test can
// disturb. They are for the pools of a [Kit] whose Setup asks for Lines. Workers
// are named by their ids; one without a connection is not_found. All methods
// are safe for concurrent use.
type Lines struct {
	mu    sync.Mutex
	lines map[string]*line
}

func newLines() *Lines { return &Lines{lines: map[string]*line{}} }

func (l *Lines) tap(worker string, conn io.ReadWriteCloser) io.ReadWriteCloser {
	made := &line{ReadWriteCloser: conn, lines: l, worker: worker}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines[worker] = made
	return made
}

// Corrupt turns the bits of the first bytes that come from a worker from now on:
// the head of a frame, or a part of one.
func (l *Lines) Corrupt(worker string) error {
	return l.on(worker, func(at *line) { at.read.Store(true) })
}

// CorruptSent does the same to what the pool sends next.
func (l *Lines) CorruptSent(worker string) error {
	return l.on(worker, func(at *line) { at.sent.Store(true) })
}

// Cut closes a connection, while the worker lives on.
func (l *Lines) Cut(worker string) error {
	return l.on(worker, func(at *line) { _ = at.ReadWriteCloser.Close() })
}

func (l *Lines) on(worker string, do func(*line)) error {
	l.mu.Lock()
	at := l.lines[worker]
	l.mu.Unlock()
	if at == nil {
		return fault.Newf(fault.NotFound, "there is no connection to a worker %q", worker)
	}
	do(at)
	return nil
}

// corrupted is how many bytes are turned: more than a frame's head has.
const corrupted = 16

// A line is one connection.
type line struct {
	io.ReadWriteCloser

	lines      *Lines
	worker     string
	read, sent atomic.Bool // the next bytes are to be turned
}

// Read reads, and turns bits if it was told to.
func (l *line) Read(b []byte) (int, error) {
	n, err := l.ReadWriteCloser.Read(b)
	if n > 0 && l.read.CompareAndSwap(true, false) {
		turn(b[:n])
	}
	return n, err //nolint:wrapcheck // a connection's own
}

// Write writes, and turns bits of a copy if it was told to.
func (l *line) Write(b []byte) (int, error) {
	if len(b) > 0 && l.sent.CompareAndSwap(true, false) {
		b = append([]byte(nil), b...)
		turn(b)
	}
	return l.ReadWriteCloser.Write(b) //nolint:wrapcheck // a connection's own
}

// Close closes the connection and forgets it.
func (l *line) Close() error {
	l.lines.mu.Lock()
	if l.lines.lines[l.worker] == l {
		delete(l.lines.lines, l.worker)
	}
	l.lines.mu.Unlock()
	return l.ReadWriteCloser.Close() //nolint:wrapcheck // a connection's own
}

func turn(b []byte) {
	for i := range min(corrupted, len(b)) {
		b[i] ^= 0xFF
	}
}
