package pyenv

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/dspool/dspool/internal/delay"
)

// lockPause is how long a waiting process lets pass before it tries again.
const lockPause = 50 * time.Millisecond

// buildLock keeps other builders out of a folder of environments. The kernel
// gives it back when this process ends, in whatever way.
type buildLock struct {
	file *os.File
	// alone is false where the file system knows no locks: then somebody else
	// may be building in the same folder.
	alone bool
}

func (l *buildLock) release() { _ = l.file.Close() }

// lockFolder takes the build lock of a folder of environments.
func (s *setup) lockFolder(ctx context.Context, home string, tell *report) (*buildLock, error) {
	file, err := os.OpenFile(filepath.Join(home, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, s.cacheTrouble(err)
	}
	for waiting := false; ; waiting = true {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case err == nil:
			return &buildLock{file, true}, nil
		case errors.Is(err, syscall.EINTR):
			continue
		case !errors.Is(err, syscall.EWOULDBLOCK):
			// This file system has no locks. Building twice at once is a waste
			// and not a danger: see the package's documentation.
			s.log.Warn("no build lock", "folder", home, "error", err)
			return &buildLock{file, false}, nil
		}
		if !waiting {
			tell.step(StepWait, "another process builds the environment")
		}
		if err := delay.Wait(ctx, lockPause); err != nil {
			_ = file.Close()
			return nil, err
		}
	}
}
