package process

import (
	"syscall"

	"golang.org/x/sys/unix"
)

// maxRSSUnit turns the kernel's ru_maxrss into bytes.
const maxRSSUnit = 1024

// attributes: a group of its own, and death with the thread that forked.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitDeath blocks until the child is dead and leaves it to be collected.
func awaitDeath(pid int) {
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_PID, pid, &info, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}
