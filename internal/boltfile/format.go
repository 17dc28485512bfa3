package boltfile

import (
	"errors"
	"fmt"
	"strconv"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// Every file has the bucket "dspool" with the key "format", a decimal number, and
// those that its Options name.
func aboutBucket() []byte { return []byte("dspool") }
func formatKey() []byte   { return []byte("format") }

// errForeign is for a sound bbolt file that somebody else wrote.
var errForeign = errors.New("it is a bbolt file of something else")

// A newerError is for a file that a newer version wrote.
type newerError struct{ version, known int }

func (e newerError) Error() string {
	return fmt.Sprintf("its format has version %d, and this version knows %d", e.version, e.known)
}

// prepare makes the buckets of a new file, or looks at those of an old one.
func (f *File) prepare() error {
	fresh := false
	err := f.db.View(func(tx *bbolt.Tx) error {
		name, _ := tx.Cursor().First()
		if fresh = name == nil; fresh {
			return nil
		}
		return f.checkFormat(tx)
	})
	if err != nil || !fresh {
		return err
	}
	return f.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range f.o.Buckets {
			if _, err := tx.CreateBucket([]byte(name)); err != nil {
				return err
			}
		}
		about, err := tx.CreateBucket(aboutBucket())
		if err != nil {
			return err
		}
		return about.Put(formatKey(), strconv.AppendInt(nil, int64(f.o.Version), 10))
	})
}

func (f *File) checkFormat(tx *bbolt.Tx) error {
	about := tx.Bucket(aboutBucket())
	if about == nil {
		return errForeign
	}
	for _, name := range f.o.Buckets {
		if tx.Bucket([]byte(name)) == nil {
			return errForeign
		}
	}
	version, err := strconv.Atoi(string(about.Get(formatKey())))
	switch {
	case err != nil || version < 1:
		return errForeign
	case version > f.o.Version:
		return newerError{version, f.o.Version}
	}
	return nil
}

// verify looks at the length of the file, and lets its user look at the rest.
func (f *File) verify() error {
	return f.db.View(func(tx *bbolt.Tx) error {
		if info, err := f.file.Stat(); err != nil || info.Size() < tx.Size() {
			return errors.Join(bolterrors.ErrInvalid, err)
		}
		if f.o.Verify == nil {
			return nil
		}
		return f.o.Verify(tx)
	})
}
