package worker

import (
	"encoding/binary"
	"os"
)

// cellSize is the size of one slot of the ledger.
const cellSize = 8

// A ledger is the memory in which a worker notes the calls it has started
// (docs/PROTOCOL.md, section 4). This side only reads it, and only when a
// connection has ended, so it reads through the descriptor: there is nothing to
// unmap while somebody looks, and a file that user code cut short is an error
// here instead of a fault of the whole host.
type ledger struct {
	file  *os.File
	slots uint64
}

func newLedger(slots int) (*ledger, error) {
	file, err := ledgerFile(int64(slots) * cellSize)
	if err != nil {
		return nil, err
	}
	return &ledger{file: file, slots: uint64(slots)}, nil //nolint:gosec // a count
}

// Started reports whether user code of this call may have begun: the worker
// noted it, or the note cannot be read.
func (l *ledger) Started(id uint64) bool {
	var cell [cellSize]byte
	offset := int64(id%l.slots) * cellSize //nolint:gosec // below the file's size
	if n, err := l.file.ReadAt(cell[:], offset); err != nil || n != cellSize {
		return true
	}
	return binary.LittleEndian.Uint64(cell[:]) == id
}

func (l *ledger) close() { _ = l.file.Close() }
