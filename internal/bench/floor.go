package bench

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sys/unix"

	"github.com/dspool/dspool/internal/wire"
)

// FloorCommand is the argument that turns the binary into the floor's process:
// see [ServeFloor].
const FloorCommand = "bench-floor"

// echoBuffer takes a burst of small frames in one read and a large frame in
// a few.
const echoBuffer = 256 << 10

// ServeFloor is the whole of the floor's process. It says HELLO, so that a pool
// takes it for a worker, and then sends back every byte that comes in, with a
// CALL's type byte turned into a RESULT's. It parses and allocates nothing. args
// are those that a pool gives a worker: "worker --settings JSON".
func ServeFloor(args []string) error {
	flags := flag.NewFlagSet(FloorCommand, flag.ContinueOnError)
	text := flags.String("settings", "", "the worker's settings, JSON")
	if err := flags.Parse(args[min(1, len(args)):]); err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	var settings wire.Settings
	if err := json.Unmarshal([]byte(*text), &settings); err != nil {
		return fmt.Errorf("floor: settings: %w", err)
	}
	hello, err := json.Marshal(wire.Hello{
		Version: wire.Version, PID: os.Getpid(), Nonce: settings.Nonce, Implementation: "echo", Features: []string{},
	})
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	return echoBytes(settings.Socket, wire.Append(nil, wire.Frame{Type: wire.TypeHello, Body: hello}))
}

// echoBytes is a read and a write in a loop, with a blocking descriptor and
// without the runtime's poller: what a C program would do.
func echoBytes(fd int, hello []byte) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SetNonblock(fd, false); err != nil {
		return fmt.Errorf("floor: make descriptor %d blocking: %w", fd, err)
	}
	if err := writeAll(fd, hello); err != nil {
		return err
	}
	buf := make([]byte, echoBuffer)
	var turn turner
	for {
		n, err := unix.Read(fd, buf)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case err != nil:
			return fmt.Errorf("floor: read: %w", err)
		case n == 0:
			return nil
		}
		if turn.over(buf[:n]) {
			return nil
		}
		if err := writeAll(fd, buf[:n]); err != nil {
			return err
		}
	}
}

func writeAll(fd int, p []byte) error {
	for len(p) > 0 {
		n, err := unix.Write(fd, p)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("floor: write: %w", err)
		}
		p = p[max(n, 0):]
	}
	return nil
}

// A turner walks over the frames of a stream, which may begin and end anywhere
// in what it is given, and turns calls into results.
type turner struct {
	skip   int // payload bytes until the next header
	header [wire.HeaderSize]byte
	have   int // bytes of the header seen so far
}

// typeOffset is where a header has its type byte.
const typeOffset = 4

// over turns the calls in p and reports whether the host drains: then the
// floor ends.
func (t *turner) over(p []byte) (drained bool) {
	for len(p) > 0 {
		if t.skip > 0 {
			n := min(t.skip, len(p))
			t.skip -= n
			p = p[n:]
			continue
		}
		if at := typeOffset - t.have; at >= 0 && at < len(p) {
			drained = drained || p[at] == byte(wire.TypeDrain)
			p[at] = byte(wire.TypeResult)
		}
		n := copy(t.header[t.have:], p)
		t.have += n
		p = p[n:]
		if t.have == wire.HeaderSize {
			t.have = 0
			t.skip = int(binary.BigEndian.Uint32(t.header[:]))
		}
	}
	return drained
}
