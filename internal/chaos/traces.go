package chaos

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// traces is the file to which each execution appends the number of its call:
// what happened outside the pool, whatever the pool says.
type traces struct{ path string }

func newTraces(folder string) (traces, error) {
	t := traces{filepath.Join(folder, "traces")}
	if err := os.WriteFile(t.path, nil, 0o600); err != nil {
		return t, fmt.Errorf("chaos: %w", err)
	}
	return t, nil
}

// read returns how often each call ran, by its number, up to 255 times.
func (t traces) read(calls int64) (runs []uint8, err error) {
	file, err := os.Open(t.path)
	if err != nil {
		return nil, fmt.Errorf("chaos: %w", err)
	}
	defer file.Close() //nolint:errcheck // read only
	runs = make([]uint8, calls+1)
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		id, err := strconv.ParseInt(lines.Text(), 10, 64)
		if err != nil || id < 1 || id > calls {
			return nil, fmt.Errorf("chaos: %q in the file of traces is the number of no call", lines.Text())
		}
		runs[id] = max(runs[id], runs[id]+1) // stays where it would wrap
	}
	return runs, lines.Err() //nolint:wrapcheck // says it all
}
