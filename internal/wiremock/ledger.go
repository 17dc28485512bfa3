package wiremock

import (
	"encoding/binary"
	"sync/atomic"
	"unsafe"
)

// slotSize is the size of a ledger's slot in bytes.
const slotSize = 8

// slotOf returns the slot of a call, nil if there is no ledger. The memory is a
// mapping or an allocation of whole slots, so the slot is aligned.
func slotOf(ledger []byte, id uint64) *uint64 {
	slots := uint64(len(ledger) / slotSize)
	if slots == 0 {
		return nil
	}
	return (*uint64)(unsafe.Pointer(&ledger[id%slots*slotSize])) //nolint:gosec // shared memory has no other type
}

// littleEndian returns the number whose bytes in memory are id's in the order
// that the ledger has.
func littleEndian(id uint64) uint64 {
	var b [slotSize]byte
	binary.LittleEndian.PutUint64(b[:], id)
	return binary.NativeEndian.Uint64(b[:])
}

// Started reads a ledger: whether the call of that id has begun. It is the
// host's side, for tests that share the memory within one process.
func Started(ledger []byte, id uint64) bool {
	slot := slotOf(ledger, id)
	return slot != nil && atomic.LoadUint64(slot) == littleEndian(id)
}
