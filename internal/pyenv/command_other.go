//go:build !linux

package pyenv

import "syscall"

// dieWithParent does nothing: only Linux has a parent-death signal. A builder
// left behind writes into a folder that nobody uses.
func dieWithParent(*syscall.SysProcAttr) {}
