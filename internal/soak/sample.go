package soak

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// A series is one thing that is sampled.
type series struct {
	name, unit string
	values     []float64
}

// samples are all series of a run, of the host and of the pool's processes.
type samples struct{ all []*series }

// take samples everything once. The workers' numbers are sums over the pool's
// processes, the fork server's among them.
func (s *samples) take(status dspool.Status) error {
	s.add("heap of the host", "bytes", heap())
	s.add("goroutines", "", float64(runtime.NumGoroutine()))
	host, err := usage(os.Getpid())
	if err != nil {
		return err
	}
	s.process("host", host)
	var workers used
	for _, pid := range processes(status) {
		one, err := usage(pid)
		if err != nil {
			return err
		}
		workers.rss += one.rss
		workers.descriptors += one.descriptors
		workers.threads += one.threads
	}
	s.process("workers", workers)
	return nil
}

func processes(status dspool.Status) []int {
	var pids []int
	if status.ForkServerPID > 0 {
		pids = append(pids, status.ForkServerPID)
	}
	for _, w := range status.Workers {
		pids = append(pids, w.PID)
	}
	return pids
}

func (s *samples) process(whose string, u used) {
	s.add("memory of the "+whose, "bytes", u.rss)
	s.add("descriptors of the "+whose, "", u.descriptors)
	s.add("threads of the "+whose, "", u.threads)
}

func (s *samples) add(name, unit string, v float64) {
	for _, one := range s.all {
		if one.name == name {
			one.values = append(one.values, v)
			return
		}
	}
	s.all = append(s.all, &series{name, unit, []float64{v}})
}

// heap is what the host keeps after a collection.
func heap() float64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return float64(stats.HeapAlloc)
}

// used is what one process uses.
type used struct{ rss, descriptors, threads float64 }

// usage reads /proc: there is nothing like it elsewhere.
func usage(pid int) (used, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return used{}, fault.Wrap(fault.Unsupported, err, "a soak needs /proc, and processes that stay")
	}
	descriptors, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return used{}, fault.Wrap(fault.Unsupported, err, "a soak needs /proc, and processes that stay")
	}
	const kibi = 1024
	return used{field(status, "VmRSS:") * kibi, float64(len(descriptors)), field(status, "Threads:")}, nil
}

// field returns the number of a line of /proc/PID/status.
func field(status []byte, name string) float64 {
	for line := range strings.Lines(string(status)) {
		if rest, found := strings.CutPrefix(line, name); found {
			n, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
			if err == nil {
				return n
			}
		}
	}
	return 0
}
