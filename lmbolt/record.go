package lmbolt

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"time"

	"github.com/dspool/dspool/lm"
)

// The file has the buckets "entries", with a record for each key, and "order",
// with the key for each number that a record was given when it was written:
// the smallest one is the oldest. A record is
//
//	number 8 | written 8, ns since 1970 | checksum 4 | length of type 2 | type | body
//
// in big-endian; the checksum is CRC-32C over the key and all but itself.
const (
	entriesBucket = "entries"
	orderBucket   = "order"

	headSize   = 8 + 8 + 4 + 2
	checksumAt = 16
	// overhead is what a record takes in the file beside its bytes: key, number
	// and place in two buckets.
	overhead = 128
)

// errRecord is for a record that is not as it was written.
var errRecord = errors.New("a record is damaged")

// A record is an answer in the file.
type record struct {
	number  uint64
	written time.Time
	entry   lm.Entry
}

// encode writes a record.
func (r record) encode(key lm.CacheKey) []byte {
	kind := r.entry.ContentType
	if len(kind) > 1<<16-1 {
		kind = ""
	}
	raw := make([]byte, headSize, headSize+len(kind)+len(r.entry.Body))
	binary.BigEndian.PutUint64(raw, r.number)
	binary.BigEndian.PutUint64(raw[8:], uint64(r.written.UnixNano())) //nolint:gosec // only read back
	binary.BigEndian.PutUint16(raw[20:], uint16(len(kind)))           //nolint:gosec // checked above
	raw = append(append(raw, kind...), r.entry.Body...)
	binary.BigEndian.PutUint32(raw[checksumAt:], checksum(key, raw))
	return raw
}

// decode reads a record. The body is a copy: the bytes are the file's.
func decode(key lm.CacheKey, raw []byte) (record, error) {
	if len(raw) < headSize || binary.BigEndian.Uint32(raw[checksumAt:]) != checksum(key, raw) {
		return record{}, errRecord
	}
	size := int(binary.BigEndian.Uint16(raw[20:]))
	if headSize+size > len(raw) {
		return record{}, errRecord
	}
	kind, body := raw[headSize:headSize+size], raw[headSize+size:]
	return record{
		number: binary.BigEndian.Uint64(raw), written: writtenAt(raw),
		entry: lm.Entry{ContentType: string(kind), Body: append([]byte{}, body...)},
	}, nil
}

func writtenAt(raw []byte) time.Time {
	return time.Unix(0, int64(binary.BigEndian.Uint64(raw[8:]))) //nolint:gosec // as it was written
}

func checksum(key lm.CacheKey, raw []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, key[:])
	sum = crc32.Update(sum, table, raw[:checksumAt])
	return crc32.Update(sum, table, raw[checksumAt+4:])
}
