package process

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// SignalName returns the signal's usual name, such as "SIGKILL".
func SignalName(s syscall.Signal) string {
	if name := unix.SignalName(s); name != "" {
		return name
	}
	return "signal " + strconv.Itoa(int(s))
}
