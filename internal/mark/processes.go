package mark

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
)

// Processes returns the living processes, other than this one, in whose
// environment the variable has that value: "pid command line" each. Zombies do
// not count. Where there is no /proc it returns none.
func Processes(variable, value string) []string {
	var found []string
	want := []byte(variable + "=" + value)
	paths, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range paths {
		folder := filepath.Dir(path)
		pid, err := strconv.Atoi(filepath.Base(folder))
		if err != nil || pid == os.Getpid() {
			continue
		}
		environ, err := os.ReadFile(path) //nolint:gosec // a path of /proc
		if err != nil || !carries(environ, want) {
			continue
		}
		command, _ := os.ReadFile(filepath.Join(folder, "cmdline")) //nolint:gosec // a path of /proc
		found = append(found, fmt.Sprintf("%d %s", pid, bytes.ReplaceAll(command, []byte{0}, []byte{' '})))
	}
	return found
}

func carries(environ, want []byte) bool {
	for variable := range bytes.SplitSeq(environ, []byte{0}) {
		if bytes.Equal(variable, want) {
			return true
		}
	}
	return false
}
