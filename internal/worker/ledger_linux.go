package worker

import (
	"os"

	"golang.org/x/sys/unix"
)

// ledgerFile makes anonymous memory that nobody can shrink or grow.
func ledgerFile(size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("dspool-ledger", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	file := os.NewFile(uintptr(fd), "ledger") //nolint:gosec // a descriptor
	if err := file.Truncate(size); err != nil {
		_ = file.Close()
		return nil, err
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seals); err != nil { //nolint:gosec // a descriptor
		_ = file.Close()
		return nil, os.NewSyscallError("fcntl(F_ADD_SEALS)", err)
	}
	return file, nil
}
