package worker

import (
	"time"

	"golang.org/x/sys/unix"
)

// A handle stands for one process, whatever becomes of its number.
type handle struct{ fd int }

// openHandle returns a handle that knows nothing if the kernel gives none.
func openHandle(pid int) handle {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return handle{-1}
	}
	return handle{fd}
}

// exists reports whether the process has not been reaped yet, as far as is known.
func (h handle) exists() bool {
	return h.fd < 0 || unix.PidfdSendSignal(h.fd, 0, nil, 0) != unix.ESRCH
}

// await returns when the process is dead, or false when the time is over.
func (h handle) await(d time.Duration) bool {
	if h.fd < 0 {
		return true
	}
	end := time.Now().Add(d)
	for left := d; left > 0; left = time.Until(end) {
		fds := []unix.PollFd{{Fd: int32(h.fd), Events: unix.POLLIN}} //nolint:gosec // a descriptor
		n, err := unix.Poll(fds, int(left.Milliseconds())+1)
		if n > 0 || err != nil && err != unix.EINTR {
			return true
		}
	}
	return false
}

func (h handle) close() {
	if h.fd >= 0 {
		_ = unix.Close(h.fd)
	}
}
