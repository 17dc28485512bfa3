package process

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"time"
)

// Bounds of what a Tail holds in memory, whatever the process writes.
const (
	// TailBytes is how much of the output's end is kept.
	TailBytes = 64 << 10
	// TailLines is how many lines of it are handed out.
	TailLines = 200
	// LineBytes is where a longer line is cut into several.
	LineBytes = 8 << 10

	queueLines = 256
	flushGrace = time.Second
)

// A Line is one line of a process's output, without its line end.
type Line struct {
	// Text is at most LineBytes long; invalid UTF-8 is replaced.
	Text string
	// Dropped counts the lines directly before this one that were lost
	// because the receiver was too slow for them.
	Dropped int
}

// A LineFunc receives lines one after another, from one goroutine. While it
// runs nothing waits for it: lines it is too slow for are dropped and counted.
type LineFunc func(Line)

// A Tail reads a pipe to its end as fast as the process writes. It keeps the
// last lines and offers every line to a LineFunc, without ever letting the
// process wait and in bounded memory. Its methods may be called concurrently.
type Tail struct {
	pipe   *os.File
	redact func(string) string
	queue  chan Line // nil when nobody wants the lines
	read   chan struct{}
	flush  chan struct{}

	mu   sync.Mutex
	ring ring

	partial []byte // reader only
	dropped int    // reader only
}

// Follow starts to read pipe, which it closes at the end. Finish must be
// called to end it, Flush to wait for sink.
func Follow(pipe *os.File, sink LineFunc, redact func(string) string) *Tail {
	if redact == nil {
		redact = func(s string) string { return s }
	}
	t := &Tail{pipe: pipe, redact: redact, read: make(chan struct{}), flush: make(chan struct{})}
	if sink == nil {
		close(t.flush)
	} else {
		t.queue = make(chan Line, queueLines)
		go t.deliver(sink)
	}
	go t.readAll()
	return t
}

// Lines returns the last lines, at most TailLines, oldest first.
func (t *Tail) Lines() []string {
	t.mu.Lock()
	raw := t.ring.bytes()
	t.mu.Unlock()
	text := strings.TrimRight(string(raw), "\n")
	if text == "" {
		return nil
	}
	lines := strings.Split(text, "\n")
	if len(lines) > TailLines {
		lines = lines[len(lines)-TailLines:]
	}
	for i, line := range lines {
		lines[i] = t.clean([]byte(line))
	}
	return lines
}

// Finish waits until the output ends, but no longer than grace, and closes the
// pipe. To be called when the process is dead.
func (t *Tail) Finish(grace time.Duration) {
	_ = t.pipe.SetReadDeadline(time.Now().Add(grace))
	<-t.read
}

// Flush waits until the receiver has had every line, or for a second.
func (t *Tail) Flush() {
	timer := time.NewTimer(flushGrace)
	defer timer.Stop()
	select {
	case <-t.flush:
	case <-timer.C:
	}
}

func (t *Tail) deliver(sink LineFunc) {
	defer close(t.flush)
	for line := range t.queue {
		sink(line)
	}
}

func (t *Tail) readAll() {
	defer close(t.read)
	buf := make([]byte, 32<<10)
	for {
		n, err := t.pipe.Read(buf)
		t.take(buf[:n])
		if err != nil {
			break
		}
	}
	if len(t.partial) > 0 {
		t.offer(t.partial)
	}
	if t.queue != nil {
		close(t.queue)
	}
	_ = t.pipe.Close()
}

func (t *Tail) take(b []byte) {
	t.mu.Lock()
	t.ring.write(b)
	t.mu.Unlock()
	if t.queue == nil {
		return
	}
	for len(b) > 0 {
		end := bytes.IndexByte(b, '\n')
		if end < 0 {
			t.extend(b)
			return
		}
		t.extend(b[:end])
		t.offer(t.partial)
		t.partial = t.partial[:0]
		b = b[end+1:]
	}
}

// extend adds to the line that has no end yet and cuts it where it is too long.
func (t *Tail) extend(b []byte) {
	for len(t.partial)+len(b) > LineBytes {
		n := LineBytes - len(t.partial)
		t.offer(append(t.partial, b[:n]...))
		t.partial, b = t.partial[:0], b[n:]
	}
	t.partial = append(t.partial, b...)
}

// offer never waits, and makes no string for a line that nobody will see.
func (t *Tail) offer(line []byte) {
	if len(t.queue) == cap(t.queue) {
		t.dropped++
		return
	}
	t.queue <- Line{Text: t.clean(line), Dropped: t.dropped}
	t.dropped = 0
}

func (t *Tail) clean(line []byte) string {
	line = bytes.TrimSuffix(line, []byte{'\r'})
	if len(line) > LineBytes {
		line = line[:LineBytes]
	}
	return t.redact(strings.ToValidUTF8(string(line), "\uFFFD"))
}
