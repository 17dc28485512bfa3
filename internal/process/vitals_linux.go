package process

import (
	"bytes"
	"os"
	"strconv"
	"time"
)

const (
	// tick is the unit of times in /proc. The kernel's USER_HZ is 100 on every
	// architecture that Go runs on: man 5 proc_pid_stat.
	tick = 10 * time.Millisecond
	// Where the fields stand that follow the command's closing bracket.
	stateField, userField, systemField = 0, 11, 12
)

// VitalsOf looks at a process. It reports false if there is none, or the
// system does not tell. It costs one small read.
func VitalsOf(pid int) (Vitals, bool) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return Vitals{}, false
	}
	return readStat(stat)
}

// readStat reads /proc/PID/stat. The command may contain anything, brackets
// and blanks too.
func readStat(stat []byte) (Vitals, bool) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return Vitals{}, false
	}
	fields := bytes.Fields(stat[end+1:])
	if len(fields) <= systemField || len(fields[stateField]) != 1 {
		return Vitals{}, false
	}
	user, err := strconv.ParseInt(string(fields[userField]), 10, 64)
	if err != nil {
		return Vitals{}, false
	}
	system, err := strconv.ParseInt(string(fields[systemField]), 10, 64)
	if err != nil {
		return Vitals{}, false
	}
	return Vitals{State: fields[stateField][0], CPU: time.Duration(user+system) * tick}, true
}
