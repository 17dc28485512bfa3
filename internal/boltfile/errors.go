package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime/debug"
	"syscall"
	"time"

	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/dspool/dspool/fault"
)

// errBroken is for a file in which bbolt has found what cannot be.
var errBroken = errors.New("its pages make no sense")

// guard runs f. bbolt reads the file as memory, and panics, or faults, on one
// that is damaged or was cut off; neither may end the process.
func guard(f func() error) (err error) {
	was := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(was)
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errBroken, p)
		}
	}()
	return f()
}

// Explain turns an error of bbolt or of the system into one that says what to
// do: unavailable if another process has the file open, unsupported if a newer
// version wrote it, resource_exhausted for a full disk, invalid_argument for a
// file that is damaged or is something else, and for a path that cannot be used.
// Their details tell which, under "store". It returns nil for nil.
func (f *File) Explain(err error) error {
	if err == nil {
		return nil
	}
	kind, code, what := classify(err)
	if kind == "full" {
		what += ": " + f.o.Full
	}
	why := fault.Wrap(code, err, fmt.Sprintf("the %s %s %s", f.o.What, f.path, what))
	why.Details = map[string]string{"store": kind, "path": f.path}
	if kind == "locked" {
		why.RetryAfter = time.Second
	}
	return why
}

// classify finds what an error is about: a word, a code, and what to say.
func classify(err error) (kind string, code fault.Code, what string) {
	var newer newerError
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return "locked", fault.Unavailable, "is open in another process: stop that one, or give this one a file of its own"
	case errors.As(err, &newer):
		return "newer_version", fault.Unsupported, "was written by a newer version: use that one, or another file"
	case full(err):
		return "full", fault.ResourceExhausted, "has no room"
	case errors.Is(err, errForeign):
		return "foreign", fault.InvalidArgument, "is not one: give the path of another file"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS), errors.Is(err, bolterrors.ErrDatabaseReadOnly):
		return "read_only", fault.InvalidArgument, "cannot be written: make the file and its folder writable for this user, or give another path"
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.EISDIR):
		return "path", fault.InvalidArgument, "cannot be there: its folder must exist, and it must be a file"
	case errors.Is(err, bolterrors.ErrDatabaseNotOpen), errors.Is(err, bolterrors.ErrTxClosed), errors.Is(err, fs.ErrClosed):
		return "closed", fault.ShuttingDown, "has been closed: close it after the pool has stopped"
	case damaged(err):
		return "corrupt", fault.InvalidArgument, "is damaged: restore it from a backup, or move it away to begin with an empty one"
	case errors.Is(err, bolterrors.ErrKeyRequired), errors.Is(err, bolterrors.ErrKeyTooLarge), errors.Is(err, bolterrors.ErrValueTooLarge):
		return "record", fault.InvalidArgument, "cannot take the record"
	default:
		return "failed", fault.Unavailable, "failed"
	}
}

func full(err error) bool {
	return errors.Is(err, bolterrors.ErrMaxSizeReached) || errors.Is(err, syscall.ENOSPC) ||
		errors.Is(err, syscall.EDQUOT) || errors.Is(err, syscall.EFBIG)
}

func damaged(err error) bool {
	return errors.Is(err, errBroken) || errors.Is(err, bolterrors.ErrInvalid) || errors.Is(err, bolterrors.ErrChecksum) ||
		errors.Is(err, bolterrors.ErrVersionMismatch) || errors.Is(err, bolterrors.ErrInvalidMapping)
}
