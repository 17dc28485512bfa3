package lmbolt

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/dspool/dspool/lm"
)

// write gathers answers and writes them, until the cache is closed and nothing
// is left. It is the writer's goroutine.
func (c *Cache) write() {
	for {
		select {
		case <-c.wake:
		case <-c.closing:
			c.flush(time.Now())
			return
		}
		timer := time.NewTimer(c.o.FlushInterval)
		select {
		case <-timer.C:
		case <-c.closing:
			timer.Stop()
		}
		c.flush(time.Now())
	}
}

// A waiting answer is not written yet. Its turn tells it from what was put
// before and after.
type waiting struct {
	entry lm.Entry
	turn  uint64
}

// flush writes what is pending in one transaction. Readers find it in memory
// until it is in the file.
func (c *Cache) flush(now time.Time) {
	c.mu.Lock()
	batch := maps.Clone(c.pending)
	c.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	var grown books
	err := c.file.Update(func(tx *bbolt.Tx) error {
		grown = books{tx.Bucket([]byte(entriesBucket)), tx.Bucket([]byte(orderBucket)), 0, 0}
		for _, key := range inTurn(batch) {
			if err := grown.put(key, batch[key].entry, now); err != nil {
				return err
			}
		}
		return grown.trim(c, now)
	})
	if err != nil {
		c.refused.Add(1)
		c.lost.Add(int64(len(batch)))
	} else {
		c.bytes.Add(grown.bytes)
		c.entries.Add(grown.entries)
	}
	c.written(batch)
}

// inTurn orders the keys of a batch by when they were put: what was put longest
// ago is the first to go.
func inTurn(batch map[lm.CacheKey]waiting) []lm.CacheKey {
	return slices.SortedFunc(maps.Keys(batch), func(a, b lm.CacheKey) int { return cmp.Compare(batch[a].turn, batch[b].turn) })
}

// written forgets what is in the file, or cannot be, but for what was put anew
// meanwhile.
func (c *Cache) written(batch map[lm.CacheKey]waiting) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, w := range batch {
		if c.pending[key].turn == w.turn {
			c.size -= int64(len(w.entry.Body) + overhead)
			delete(c.pending, key)
		}
	}
	if len(c.pending) > 0 {
		select {
		case c.wake <- struct{}{}:
		default:
		}
	}
}

// books are the two buckets within a transaction, and how they have grown.
type books struct {
	records, order *bbolt.Bucket
	bytes, entries int64
}

// put writes an answer in place of an earlier one.
func (b *books) put(key lm.CacheKey, e lm.Entry, now time.Time) error {
	if err := b.remove(key[:]); err != nil {
		return err
	}
	number, err := b.order.NextSequence()
	if err != nil {
		return err
	}
	raw := record{number: number, written: now, entry: e}.encode(key)
	if err := b.records.Put(key[:], raw); err != nil {
		return err
	}
	b.entries++
	b.bytes += int64(len(raw) + overhead)
	return b.order.Put(numbered(number), key[:])
}

// remove takes an answer out, if it is there.
func (b *books) remove(key []byte) error {
	raw := b.records.Get(key)
	if raw == nil {
		return nil
	}
	b.entries--
	b.bytes -= int64(len(raw) + overhead)
	if len(raw) >= headSize {
		if err := b.order.Delete(bytes.Clone(raw[:8])); err != nil {
			return err
		}
	}
	return b.records.Delete(key)
}

// trim takes out the oldest answers until the rest keeps the limits.
func (b *books) trim(c *Cache, now time.Time) error {
	for {
		number, key := b.order.Cursor().First()
		if number == nil {
			return nil
		}
		key = bytes.Clone(key)
		raw := b.records.Get(key)
		sound := len(raw) >= headSize && binary.BigEndian.Uint64(raw) == binary.BigEndian.Uint64(number)
		if sound && c.bytes.Load()+b.bytes <= c.o.Bytes && !c.old(writtenAt(raw), now) {
			return nil
		}
		if !sound { // a number that names no record
			if err := b.order.Delete(bytes.Clone(number)); err != nil {
				return err
			}
			continue
		}
		if err := b.remove(key); err != nil {
			return err
		}
	}
}
