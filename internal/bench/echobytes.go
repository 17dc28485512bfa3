package bench

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// echoBuffer takes a burst of small frames in one read and a large frame in
// a few.
const echoBuffer = 256 << 10

// echoBytes is a read and a write in a loop, with blocking descriptors and
// without the runtime's poller: what a C program would do.
func echoBytes(fd int) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.SetNonblock(fd, false); err != nil {
		return fmt.Errorf("floor: make descriptor %d blocking: %w", fd, err)
	}
	buf := make([]byte, echoBuffer)
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
