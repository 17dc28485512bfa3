package process

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// maxRSSUnit turns the kernel's ru_maxrss into bytes.
const maxRSSUnit = 1

// attributes: a group of its own. There is no parent-death signal here.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

// awaitDeath blocks until the child is dead and leaves it to be collected.
// waitid cannot be used: here it also returns for a process that is stopped.
func awaitDeath(pid int) {
	kq, err := unix.Kqueue()
	if err != nil {
		return
	}
	defer func() { _ = unix.Close(kq) }()
	watch := make([]unix.Kevent_t, 1)
	unix.SetKevent(&watch[0], pid, unix.EVFILT_PROC, unix.EV_ADD|unix.EV_ONESHOT)
	watch[0].Fflags = unix.NOTE_EXIT
	events := make([]unix.Kevent_t, 1)
	for {
		_, err := unix.Kevent(kq, watch, events, nil)
		if err != unix.EINTR {
			return
		}
	}
}
