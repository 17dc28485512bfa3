//go:build !linux

package worker

import "time"

// A handle stands for one process. There is no fork server on this system and
// so nothing that needs one.
type handle struct{}

func openHandle(int) handle { return handle{} }

func (handle) exists() bool             { return true }
func (handle) await(time.Duration) bool { return true }
func (handle) close()                   {}
