//go:build !linux

package worker

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// openPair holds the fork lock because the flag is set in a second step.
func openPair(kind int) ([2]int, error) {
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	fds, err := unix.Socketpair(unix.AF_UNIX, kind, 0)
	if err == nil {
		unix.CloseOnExec(fds[0])
		unix.CloseOnExec(fds[1])
	}
	return fds, err
}
