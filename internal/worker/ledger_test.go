package worker

import (
	"encoding/binary"
	"testing"
)

func note(t *testing.T, l *ledger, id uint64) {
	t.Helper()
	var cell [8]byte
	binary.LittleEndian.PutUint64(cell[:], id)
	if _, err := l.file.WriteAt(cell[:], int64(id%l.slots)*8); err != nil { //nolint:gosec // small
		t.Fatal(err)
	}
}

func TestLedgerTellsWhatWasStarted(t *testing.T) {
	t.Parallel()
	l, err := newLedger(16)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	note(t, l, 3)
	note(t, l, 16+5)
	tests := []struct {
		id   uint64
		want bool
	}{{3, true}, {16 + 3, false}, {5, false}, {16 + 5, true}, {7, false}}
	for _, tt := range tests {
		if got := l.Started(tt.id); got != tt.want {
			t.Errorf("Started(%d) = %v", tt.id, got)
		}
	}
}

// What cannot be read may have started: the call must not run twice.
func TestAnUnreadableLedgerSaysStarted(t *testing.T) {
	t.Parallel()
	l, err := newLedger(16)
	if err != nil {
		t.Fatal(err)
	}
	l.close()
	if !l.Started(1) {
		t.Error("a call counts as not started although nobody can tell")
	}
}

// A worker that cuts the file short would otherwise end every other call's
// certainty.
func TestLedgerCannotBeCutShort(t *testing.T) {
	t.Parallel()
	l, err := newLedger(16)
	if err != nil {
		t.Fatal(err)
	}
	defer l.close()
	if l.file.Truncate(0) == nil && !l.Started(1) {
		t.Error("a call counts as not started after the file was cut short")
	}
}
