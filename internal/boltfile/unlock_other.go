//go:build !unix

package boltfile

import "os"

// unlock has nothing to do: closing the file gives up its lock.
func unlock(*os.File) {}
