package bench

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// pss returns the proportional set size of a process in bytes: its private
// pages, and of every shared page its share. Summed over processes that share
// pages it counts each page once. Source: /proc/PID/smaps_rollup.
func pss(pid int) (int64, error) {
	f, err := os.Open(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
	}
	defer f.Close() //nolint:errcheck // read only
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		value, found := strings.CutPrefix(lines.Text(), "Pss:")
		if !found {
			continue
		}
		kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the memory of process %d: %w", pid, err)
		}
		return kib << 10, nil
	}
	return 0, fmt.Errorf("read the memory of process %d: no Pss line", pid)
}
