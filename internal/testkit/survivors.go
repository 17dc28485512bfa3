package testkit

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"
)

// goneWithin is how long a process that has been told to die may take: the
// kernel needs a moment to take one apart.
const goneWithin = 2 * time.Second

// survivors returns the processes that carry the mark after a grace time, with
// their command lines. Where there is no /proc it returns none.
func survivors(mark string) []string {
	const step = 20 * time.Millisecond
	var left []string
	for end := time.Now().Add(goneWithin); time.Now().Before(end); time.Sleep(step) { //nolint:forbidigo // polls processes that are not ours to wait for
		if left = Marked(mark); len(left) == 0 {
			return nil
		}
	}
	return left
}

// Marked returns the living processes, other than this one, whose environment
// has [RunVariable] set to mark: "pid command line" each. Zombies do not count.
func Marked(mark string) []string {
	var found []string
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		folder := filepath.Dir(path)
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, err := os.ReadFile(path) //nolint:gosec // a path of /proc
		if err != nil || !carries(environ, mark) {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(folder, "cmdline")) //nolint:gosec // a path of /proc
		found = append(found, fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(command, []byte{0}, []byte{' '})))
	}
	return found
}

func carries(environ []byte, mark string) bool {
	want := []byte(RunVariable + "=" + mark)
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.Equal(variable, want) {
			return true
		}
	}
	return false
}
