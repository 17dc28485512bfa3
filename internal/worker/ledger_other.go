//go:build !linux

package worker

import "os"

// ledgerFile makes a file without a name.
func ledgerFile(size int64) (*os.File, error) {
	file, err := os.CreateTemp("", "dspool-ledger-*")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		_ = file.Close()
		return nil, err
	}
	if err := file.Truncate(size); err != nil {
		_ = file.Close()
		return nil, err
	}
	return file, nil
}
