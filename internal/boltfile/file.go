package boltfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/dspool/dspool/fault"
)

// TimeoutDefault is how long [Open] waits for a file that another process has
// open.
const TimeoutDefault = time.Second

// Options say how a file is opened and what is in it.
type Options struct {
	// Timeout is how long Open waits for another process to close the file.
	// Defaults to TimeoutDefault; a negative one does not wait.
	Timeout time.Duration
	// SizeMax is how large the file may become, in bytes. 0 is no limit.
	SizeMax int
	// Mode is what a new file permits. Defaults to 0600.
	Mode fs.FileMode
	// What is what the file is to its users, as in "session store".
	What string
	// Full says what to do when there is no room.
	Full string
	// Buckets are what the file has, beside one with its version.
	Buckets []string
	// Version is that of the layout: an older file is opened, a newer one not.
	Version int
	// Verify, if not nil, looks at the content before Open returns.
	Verify func(*bbolt.Tx) error
}

// A File is an open file. Safe for concurrent use.
type File struct {
	path string
	o    Options
	db   *bbolt.DB
	// file is closed by hand where bbolt gives up on it without doing so.
	file *os.File
}

// Open opens a file, or makes one; the folder must exist. Errors are
// *fault.Error, see [File.Explain].
func Open(path string, o Options) (*File, error) {
	if o.Timeout == 0 {
		o.Timeout = TimeoutDefault
	}
	if o.Mode == 0 {
		o.Mode = 0o600
	}
	f := &File{path: path, o: o}
	if path == "" {
		return nil, fault.Newf(fault.InvalidArgument, "the path of a %s must not be empty", o.What)
	}
	err := guard(f.open)
	if err == nil {
		err = guard(f.prepare)
	}
	if err == nil {
		err = guard(f.verify)
	}
	if err != nil {
		f.abandon()
		return nil, f.Explain(err)
	}
	return f, nil
}

func (f *File) open() (err error) {
	f.db, err = bbolt.Open(f.path, f.o.Mode, &bbolt.Options{
		Timeout: max(f.o.Timeout, time.Nanosecond), MaxSize: f.o.SizeMax, FreelistType: bbolt.FreelistMapType, NoStatistics: true,
		OpenFile: func(name string, flag int, mode fs.FileMode) (*os.File, error) {
			var err error
			f.file, err = os.OpenFile(name, flag, mode)
			return f.file, err
		},
	})
	var system syscall.Errno
	if err != nil && !errors.Is(err, bolterrors.ErrTimeout) && !errors.As(err, &system) {
		return fmt.Errorf("%w: %w", errBroken, err) // bbolt read something that it did not like
	}
	return err
}

// abandon lets go of a file that could not be opened.
func (f *File) abandon() {
	if f.db != nil {
		_ = guard(f.db.Close)
	}
	if f.file != nil && f.db == nil {
		unlock(f.file)
		_ = f.file.Close()
	}
}

// Close closes the file. Later calls of other methods fail with shutting_down;
// a second Close does nothing.
func (f *File) Close() error { return f.Explain(guard(f.db.Close)) }

// View runs read on the file as it is now.
func (f *File) View(read func(*bbolt.Tx) error) error {
	return f.Explain(guard(func() error { return f.db.View(read) }))
}

// Update runs write and makes what it did last, all or nothing: it waits for
// the disk.
func (f *File) Update(write func(*bbolt.Tx) error) error {
	return f.Explain(guard(func() error { return f.db.Update(write) }))
}
