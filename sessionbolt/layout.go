package sessionbolt

import (
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// The file has two buckets: "dspool" with the key "format", a decimal number,
// and "sessions" with a record for each session's id.
func aboutBucket() []byte    { return []byte("dspool") }
func formatKey() []byte      { return []byte("format") }
func sessionsBucket() []byte { return []byte("sessions") }

// errForeign is for a sound bbolt file that somebody else wrote.
var errForeign = errors.New("it is a bbolt file, but holds no sessions")

// A newerError is for a file that a newer version wrote.
type newerError struct{ version int }

func (e newerError) Error() string {
	return fmt.Sprintf("its format has version %d, and this version knows %d", e.version, FormatVersion)
}

// prepare makes the buckets of a new file, or looks at those of an old one.
func (s *Store) prepare() error {
	fresh := false
	err := s.db.View(func(tx *bbolt.Tx) error {
		name, _ := tx.Cursor().First()
		if fresh = name == nil; fresh {
			return nil
		}
		return checkFormat(tx)
	})
	if err != nil || !fresh {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		if _, err := tx.CreateBucket(sessionsBucket()); err != nil {
			return err
		}
		about, err := tx.CreateBucket(aboutBucket())
		if err != nil {
			return err
		}
		return about.Put(formatKey(), strconv.AppendInt(nil, FormatVersion, 10))
	})
}

func checkFormat(tx *bbolt.Tx) error {
	about := tx.Bucket(aboutBucket())
	if about == nil || tx.Bucket(sessionsBucket()) == nil {
		return errForeign
	}
	version, err := strconv.Atoi(string(about.Get(formatKey())))
	switch {
	case err != nil || version < 1:
		return errForeign
	case version > FormatVersion:
		return newerError{version}
	}
	return nil
}

// verify touches every page that records are on. bbolt has no checksums there,
// so what is wrong shows as a page that makes no sense or is not in the file.
func (s *Store) verify() error {
	return s.db.View(func(tx *bbolt.Tx) error {
		if info, err := s.file.Stat(); err != nil || info.Size() < tx.Size() {
			return errors.Join(bolterrors.ErrInvalid, err)
		}
		table, sum := crc32.MakeTable(crc32.Castagnoli), uint32(0)
		return tx.Bucket(sessionsBucket()).ForEach(func(id, record []byte) error {
			if len(id) == 0 || record == nil {
				return bolterrors.ErrInvalid
			}
			sum = crc32.Update(sum, table, record) // reads every byte; the sum says nothing
			return nil
		})
	})
}
