package cli

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	processesMin = 256
	memoryMin    = 512 << 20
)

// examinePlatform checks what only Linux has.
func examinePlatform() []check {
	return []check{
		processesCheck(), memoryCheck("/proc/meminfo"), memfdCheck(), parentDeathCheck(),
		leftoverCheck(workerProcesses("/proc")),
	}
}

func processesCheck() check {
	const name = "processes"
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NPROC, &limit); err != nil {
		return warn(name, err.Error(), "the limit could not be read")
	}
	switch {
	case limit.Cur == unix.RLIM_INFINITY:
		return okay(name, "no limit")
	case limit.Cur < processesMin:
		return warn(name, fmt.Sprintf("at most %d", limit.Cur), "raise it with `ulimit -u`: threads count too")
	default:
		return okay(name, "at most %d", limit.Cur)
	}
}

// memoryCheck reads how much memory is free for the fork server and its workers.
func memoryCheck(meminfo string) check {
	const name = "memory"
	data, err := os.ReadFile(meminfo)
	if err != nil {
		return warn(name, err.Error(), "the free memory could not be read")
	}
	for line := range strings.Lines(string(data)) {
		rest, ok := strings.CutPrefix(line, "MemAvailable:")
		if !ok {
			continue
		}
		kb, err := strconv.ParseUint(strings.Fields(rest)[0], 10, 64)
		if err == nil && kb<<10 < memoryMin {
			return warn(name, fmt.Sprintf("%d MB available", kb>>10), "a pool takes about 100 MB, and 15 MB a worker, before your own code")
		}
		return okay(name, "%d MB available", kb>>10)
	}
	return warn(name, "unknown", "the kernel does not tell")
}

func memfdCheck() check {
	const name = "shared memory"
	fd, err := unix.MemfdCreate("dspool-doctor", unix.MFD_CLOEXEC)
	if err != nil {
		return warn(name, "memfd_create: "+err.Error(), "a file that has no name is used instead: slower, still right")
	}
	_ = unix.Close(fd)
	return okay(name, "memfd")
}

func parentDeathCheck() check {
	const name = "parent-death signal"
	if _, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return warn(name, "prctl: "+err.Error(), "a sandbox forbids prctl: workers of a killed host end when they notice its socket closed")
	}
	return okay(name, "supported")
}

// workerProcesses returns this user's processes that run dspool's worker package.
func workerProcesses(proc string) []workerProcess {
	folders, err := filepath.Glob(filepath.Join(proc, "[0-9]*"))
	if err != nil {
		return nil
	}
	var found []workerProcess
	for _, folder := range folders {
		pid, err := strconv.Atoi(filepath.Base(folder))
		command, readErr := os.ReadFile(filepath.Join(folder, "cmdline"))
		if err != nil || readErr != nil || !runsWorker(command) || !mine(folder) {
			continue
		}
		found = append(found, workerProcess{pid: pid, orphan: parent(folder) == 1})
	}
	return found
}

// runsWorker recognises "python -m dspool_worker ...".
func runsWorker(command []byte) bool {
	words := strings.Split(string(bytes.TrimRight(command, "\x00")), "\x00")
	at := slices.Index(words, "dspool_worker")
	return at > 0 && words[at-1] == "-m"
}

func mine(folder string) bool {
	var stat unix.Stat_t
	return unix.Stat(folder, &stat) == nil && int(stat.Uid) == os.Geteuid()
}

// parent reads a process's parent; 0 if it is gone.
func parent(folder string) int {
	data, err := os.ReadFile(filepath.Join(folder, "stat"))
	if err != nil {
		return 0
	}
	// pid (name, which may hold spaces and brackets) state parent ...
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:]))
	if len(fields) < 2 {
		return 0
	}
	pid, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return pid
}
