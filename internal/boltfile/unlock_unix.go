//go:build unix

package boltfile

import (
	"os"
	"syscall"
)

// unlock gives up the lock on a file. Closing it is not enough where bbolt has
// mapped it and then panicked: the mapping keeps the file, and the lock with it.
func unlock(f *os.File) { _ = syscall.Flock(int(f.Fd()), syscall.LOCK_UN) }
