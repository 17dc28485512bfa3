package lmbolt

import (
	"encoding/binary"
	"io/fs"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/boltfile"
	"github.com/dspool/dspool/lm"
)

const (
	// FormatVersion is the version of the file's layout that this package
	// writes. It opens no newer ones.
	FormatVersion = 1
	// BytesDefault is how much a cache keeps.
	BytesDefault = 1 << 30
	// AgeDefault is for how long it keeps an answer.
	AgeDefault = 30 * 24 * time.Hour
	// FlushDefault is how long answers are gathered before they are written.
	FlushDefault = 200 * time.Millisecond

	// pendingMax is how many bytes may wait to be written; what comes beyond,
	// because the disk is too slow, is lost.
	pendingMax = 32 << 20
)

// Options say how a cache is opened. The zero value works.
type Options struct {
	// Bytes is the most that is kept; what was written longest ago goes first.
	// The file itself can become somewhat larger and does not shrink. Defaults
	// to BytesDefault.
	Bytes int64
	// Age is how old an answer may become. Defaults to AgeDefault, -1 is
	// without limit.
	Age time.Duration
	// FlushInterval is how long answers are gathered before they are written in
	// one transaction; a process that is killed loses as much. Defaults to
	// FlushDefault.
	FlushInterval time.Duration
	// Timeout is how long Open waits for another process to close the file.
	// Defaults to 1 s; a negative one does not wait.
	Timeout time.Duration
	// Mode is what a new file permits. Defaults to 0600: answers are what users
	// have been told.
	Mode fs.FileMode
}

func (o Options) withDefaults() Options {
	if o.Bytes == 0 {
		o.Bytes = BytesDefault
	}
	if o.Age == 0 {
		o.Age = AgeDefault
	}
	if o.FlushInterval == 0 {
		o.FlushInterval = FlushDefault
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Bytes < 0:
		return fault.Newf(fault.InvalidArgument, "lmbolt.Options.Bytes: must be positive, got %d", o.Bytes)
	case o.Age < -1:
		return fault.Newf(fault.InvalidArgument, "lmbolt.Options.Age: must be -1 (no limit) or positive, got %s", o.Age)
	case o.FlushInterval < 0:
		return fault.Newf(fault.InvalidArgument, "lmbolt.Options.FlushInterval: must be positive, got %s", o.FlushInterval)
	}
	return nil
}

// A Cache keeps answers in a file. It implements [lm.Cache]: Get reads from
// memory that the system maps, Put only takes note, and a goroutine of the
// cache's own writes. Neither waits for the disk to write, and neither fails: what
// cannot be read is not there, and what cannot be written is lost; Stats tells
// how often that was. Safe for concurrent use.
type Cache struct {
	o    Options
	file *boltfile.File

	mu      sync.Mutex
	pending map[lm.CacheKey]waiting // not written yet
	turn    uint64                  // of the last Put
	size    int64                   // of pending
	closed  bool

	wake    chan struct{}
	closing chan struct{}
	writer  sync.WaitGroup

	bytes, entries         atomic.Int64 // in the file
	lost, damaged, refused atomic.Int64
}

var _ lm.Cache = (*Cache)(nil)

// Open opens the cache in a file, or makes one; the folder must exist. It looks
// at every record's place, not at its bytes. The cache has to be closed.
//
// Errors are *fault.Error: unavailable if another process has the file open,
// unsupported if a newer version wrote it, resource_exhausted for a full disk,
// and invalid_argument for options that make no sense, for a file that is
// damaged or is no cache, and for a path that cannot be used. Their details tell
// which, under "store". A cache that is damaged can be deleted: nothing but time
// and money is lost.
func Open(path string, o Options) (*Cache, error) {
	o = o.withDefaults()
	if err := o.check(); err != nil {
		return nil, err
	}
	c := &Cache{o: o, pending: map[lm.CacheKey]waiting{}, wake: make(chan struct{}, 1), closing: make(chan struct{})}
	file, err := boltfile.Open(path, boltfile.Options{
		Timeout: o.Timeout, Mode: o.Mode, What: "cache of answers", Full: "free some space",
		Buckets: []string{entriesBucket, orderBucket}, Version: FormatVersion, Verify: c.measure,
	})
	if err != nil {
		return nil, err
	}
	c.file = file
	c.writer.Go(c.write)
	return c, nil
}

// measure finds how much there is.
func (c *Cache) measure(tx *bbolt.Tx) error {
	order := tx.Bucket([]byte(orderBucket))
	return tx.Bucket([]byte(entriesBucket)).ForEach(func(key, raw []byte) error {
		if len(key) != len(lm.CacheKey{}) || len(raw) < headSize || order.Get(raw[:8]) == nil {
			return bolterrors.ErrInvalid
		}
		c.entries.Add(1)
		c.bytes.Add(int64(len(raw) + overhead))
		return nil
	})
}

// Get implements [lm.Cache].
func (c *Cache) Get(key lm.CacheKey) (lm.Entry, bool) {
	c.mu.Lock()
	w, there := c.pending[key]
	c.mu.Unlock()
	if there {
		return w.entry, true
	}
	var found record
	err := c.file.View(func(tx *bbolt.Tx) error {
		raw := tx.Bucket([]byte(entriesBucket)).Get(key[:])
		if there = raw != nil; !there {
			return nil
		}
		var err error
		found, err = decode(key, raw)
		return err
	})
	if err != nil {
		if fault.CodeOf(err) != fault.ShuttingDown {
			c.damaged.Add(1)
		}
		return lm.Entry{}, false
	}
	return found.entry, there && !c.old(found.written, time.Now())
}

// old reports whether an answer must not be given any more.
func (c *Cache) old(written, now time.Time) bool {
	return c.o.Age > 0 && now.Sub(written) > c.o.Age
}

// Put implements [lm.Cache].
func (c *Cache) Put(key lm.CacheKey, e lm.Entry) {
	size := int64(len(e.Body) + overhead)
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, there := c.pending[key]; there {
		size -= int64(len(before.entry.Body) + overhead)
	}
	if c.closed || c.size+size > pendingMax {
		c.lost.Add(1)
		return
	}
	c.turn++
	c.pending[key] = waiting{entry: e, turn: c.turn}
	c.size += size
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// Stats tell what a cache has and what it has lost.
type Stats struct {
	// Entries and Bytes are in the file, Pending waits to be written.
	Entries, Bytes, Pending int64
	// Lost counts answers that were not kept, because the disk was too slow or
	// refused them; Refused of them is how often the disk did.
	Lost, Refused int64
	// Damaged counts reads of records that are not as they were written.
	Damaged int64
}

// Stats returns the numbers of this moment.
func (c *Cache) Stats() Stats {
	c.mu.Lock()
	pending := len(c.pending)
	c.mu.Unlock()
	return Stats{
		Entries: c.entries.Load(), Bytes: c.bytes.Load(), Pending: int64(pending),
		Lost: c.lost.Load(), Refused: c.refused.Load(), Damaged: c.damaged.Load(),
	}
}

// Close writes what is pending and closes the file. From then on nothing is
// there and nothing is kept; a second Close does nothing.
func (c *Cache) Close() error {
	c.mu.Lock()
	first := !c.closed
	c.closed = true
	c.mu.Unlock()
	if first {
		close(c.closing)
	}
	c.writer.Wait()
	return c.file.Close()
}

// numbered is a number as a key that sorts.
func numbered(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }
