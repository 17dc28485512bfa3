package cli

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/dspool/dspool/internal/pyenv"
)

const (
	filesMin       = 1024 // descriptors: about 6 a worker, and the LM's connections
	socketBytesMin = 64 << 10
	diskMin        = 1 << 30
)

// examineSystem checks what the machine gives. The environment may be nil.
func examineSystem(env *pyenv.Env) []check {
	checks := []check{filesCheck(), socketCheck()}
	if env != nil {
		checks = append(checks, cacheCheck(env.Cache))
	}
	return append(checks, examinePlatform()...)
}

func filesCheck() check {
	const name = "open files"
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return warn(name, err.Error(), "the limit could not be read")
	}
	if limit.Cur < filesMin {
		return warn(name, fmt.Sprintf("at most %d", limit.Cur), fmt.Sprintf("raise it with `ulimit -n %d` before large pools", filesMin*4))
	}
	return okay(name, "at most %d", limit.Cur)
}

// socketCheck makes a pair of the sockets that workers are spoken to through.
func socketCheck() check {
	const name = "sockets"
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		return fail(name, "socketpair: "+err.Error(), "a sandbox forbids Unix sockets: workers cannot be spoken to")
	}
	defer func() {
		_ = unix.Close(pair[0])
		_ = unix.Close(pair[1])
	}()
	size, err := unix.GetsockoptInt(pair[0], unix.SOL_SOCKET, unix.SO_SNDBUF)
	switch {
	case err != nil:
		return warn(name, err.Error(), "the buffer's size could not be read")
	case size < socketBytesMin:
		return warn(name, fmt.Sprintf("buffer of %d KB", size>>10), "large calls take more system calls; raise net.core.wmem_default if you can")
	default:
		return okay(name, "Unix socket pairs, buffer of %d KB", size>>10)
	}
}

func cacheCheck(cache string) check {
	const name = "cache folder"
	if err := writable(cache); err != nil {
		return warn(name, err.Error(), "an environment that is complete can be used; DSPy's own cache and rebuilds cannot. Set "+pyenv.CacheVariable)
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(cache, &disk); err != nil {
		return warn(name, err.Error(), "the free space could not be read")
	}
	free := disk.Bavail * uint64(disk.Bsize) //nolint:unconvert // the types differ between systems
	if free < diskMin {
		return warn(name, fmt.Sprintf("%s, %d MB free", cache, free>>20), "make room: an environment takes about 400 MB")
	}
	return okay(name, "%s, %d GB free", cache, free>>30)
}
