package adapter

import (
	"os"
	"runtime"
	"strconv"
	"strings"
)

// memory tells how much memory this process uses: resident and virtual bytes,
// and the resident share of the machine's in percent. Where the system does not
// say, it is what the Go runtime has, and no share.
func memory() object {
	pages := fields("/proc/self/statm")
	if len(pages) < 2 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return object{"rss": m.Sys, "vms": m.Sys, "percent": 0.0}
	}
	page := int64(os.Getpagesize())
	rss := pages[1] * page
	percent := 0.0
	if total := fields("/proc/meminfo"); len(total) > 0 && total[0] > 0 {
		percent = 100 * float64(rss) / float64(total[0]*1024)
	}
	return object{"rss": rss, "vms": pages[0] * page, "percent": percent}
}

// fields returns the numbers in the first line of a file of /proc.
func fields(path string) (out []int64) {
	raw, err := os.ReadFile(path) //nolint:gosec // a path of /proc
	if err != nil {
		return nil
	}
	line, _, _ := strings.Cut(string(raw), "\n")
	for _, word := range strings.Fields(line) {
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			out = append(out, n)
		}
	}
	return out
}
