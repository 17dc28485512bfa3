package testkit

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
	"testing"
)

// noNamespaces says why a process of this user cannot be set apart, "" if
// it can. Nothing is run: a kernel that allows the namespaces goes on to look for
// the program, which is not there.
func noNamespaces(testing.TB) string {
	_, err := os.StartProcess("/nonexistent", []string{"none"}, &os.ProcAttr{Sys: &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNET | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}},
	}})
	if errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return "the kernel, or the container, allows no user namespaces (`dspool doctor` says which setting): " + err.Error()
}
