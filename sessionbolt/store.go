package sessionbolt

import (
	"context"
	"hash/crc32"
	"io/fs"
	"slices"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/boltfile"
)

const (
	// FormatVersion is the version of the file's layout that this package
	// writes. It opens no newer ones.
	FormatVersion = 1
	// TimeoutDefault is how long [Open] waits for a file that another process
	// has open.
	TimeoutDefault = boltfile.TimeoutDefault
	// sessionsBucket has a record for each session's id.
	sessionsBucket = "sessions"
)

// Options say how a store is opened. The zero value works.
type Options struct {
	// Timeout is how long Open waits for another process to close the file.
	// Defaults to 1 s; a negative one does not wait.
	Timeout time.Duration
	// SizeMax is how large the file may become, in bytes; what does not fit is
	// refused with resource_exhausted. 0 is no limit.
	SizeMax int
	// Mode is what a new file permits. Defaults to 0600: sessions hold what
	// users have said.
	Mode fs.FileMode
}

// A Store keeps sessions in a file. It implements [dspool.SessionStore]. What
// Save and Delete have written survives a crash of the machine when they return:
// each is one transaction and waits for the disk. Safe for concurrent use.
type Store struct{ file *boltfile.File }

var _ dspool.SessionStore = (*Store)(nil)

// Open opens the store in a file, or makes one; the folder must exist. It reads
// the whole file once, so that one that is damaged is found now and not by a
// call.
//
// Errors are *fault.Error: unavailable if another process has the file open,
// unsupported if a newer version wrote it, resource_exhausted for a full disk,
// and invalid_argument for a file that is damaged or is no store, and for a path
// that cannot be used. Their details tell which, under "store".
func Open(path string, o Options) (*Store, error) {
	file, err := boltfile.Open(path, boltfile.Options{
		Timeout: o.Timeout, SizeMax: o.SizeMax, Mode: o.Mode,
		What: "session store", Full: "free some space, raise SizeMax, or end sessions",
		Buckets: []string{sessionsBucket}, Version: FormatVersion, Verify: verify,
	})
	if err != nil {
		return nil, err
	}
	return &Store{file: file}, nil
}

// verify touches every page that records are on. bbolt has no checksums there,
// so what is wrong shows as a page that makes no sense or is not in the file.
func verify(tx *bbolt.Tx) error {
	table, sum := crc32.MakeTable(crc32.Castagnoli), uint32(0)
	return records(tx).ForEach(func(id, record []byte) error {
		if len(id) == 0 || record == nil {
			return bolterrors.ErrInvalid
		}
		sum = crc32.Update(sum, table, record) // reads every byte; the sum says nothing
		return nil
	})
}

func records(tx *bbolt.Tx) *bbolt.Bucket { return tx.Bucket([]byte(sessionsBucket)) }

// Close closes the file. Later calls of other methods fail with shutting_down;
// a second Close does nothing.
func (s *Store) Close() error { return s.file.Close() }

// Load implements [dspool.SessionStore].
func (s *Store) Load(ctx context.Context, id string) (record []byte, err error) {
	err = s.read(ctx, func(b *bbolt.Bucket) error {
		record = slices.Clone(b.Get([]byte(id)))
		return nil
	})
	if err == nil && record == nil {
		err = fault.Newf(fault.NotFound, "the store has no session %q", id)
	}
	return record, err
}

// Save implements [dspool.SessionStore].
func (s *Store) Save(ctx context.Context, records map[string][]byte) error {
	if len(records) == 0 {
		return nil
	}
	return s.write(ctx, func(b *bbolt.Bucket) error {
		for id, record := range records {
			if err := b.Put([]byte(id), record); err != nil {
				return err
			}
		}
		return nil
	})
}

// Delete implements [dspool.SessionStore].
func (s *Store) Delete(ctx context.Context, ids ...string) error {
	if len(ids) == 0 {
		return nil
	}
	return s.write(ctx, func(b *bbolt.Bucket) error {
		for _, id := range ids {
			if err := b.Delete([]byte(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// List implements [dspool.SessionStore].
func (s *Store) List(ctx context.Context) (ids []string, err error) {
	err = s.read(ctx, func(b *bbolt.Bucket) error {
		return b.ForEach(func(id, _ []byte) error {
			ids = append(ids, string(id))
			return nil
		})
	})
	return ids, err
}

// read runs f on the records as they are now.
func (s *Store) read(ctx context.Context, f func(*bbolt.Bucket) error) error {
	if err := ctx.Err(); err != nil {
		return fault.From(err)
	}
	return s.file.View(func(tx *bbolt.Tx) error { return f(records(tx)) })
}

// write runs f on the records and makes what it did last, all or nothing.
func (s *Store) write(ctx context.Context, f func(*bbolt.Bucket) error) error {
	if err := ctx.Err(); err != nil {
		return fault.From(err)
	}
	return s.file.Update(func(tx *bbolt.Tx) error { return f(records(tx)) })
}
