package pyenv

import "syscall"

// dieWithParent makes the kernel kill the child when its parent is gone, however
// that ended.
func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
