package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// proc writes a folder that looks like /proc/PID.
func proc(t *testing.T, root, pid, name, parent string, command ...string) {
	t.Helper()
	folder := filepath.Join(root, pid)
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(folder, "cmdline"), strings.Join(command, "\x00")+"\x00")
	writeFile(t, filepath.Join(folder, "stat"), pid+" ("+name+") S "+parent+" 1 1 0\n")
}

func TestWorkersAndTheirParentsAreFoundInProc(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	proc(t, root, "10", "python", "1", "/venv/bin/python", "-m", "dspool_worker", "zygote")
	proc(t, root, "11", "odd) name (x", "10", "/venv/bin/python", "-m", "dspool_worker", "worker")
	proc(t, root, "12", "vim", "1", "vim", "dspool_worker")
	proc(t, root, "13", "kernel", "2")
	got := workerProcesses(root)
	if len(got) != 2 || got[0] != (workerProcess{10, true}) || got[1] != (workerProcess{11, false}) {
		t.Errorf("found %+v", got)
	}
}

func TestMemoryIsReadFromTheKernel(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       checkStatus
	}{
		{"enough", "MemTotal: 9\nMemAvailable:   4000000 kB\n", checkOK},
		{"too little", "MemAvailable:   100000 kB\n", checkWarn},
		{"not told", "MemTotal: 9\n", checkWarn},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "meminfo")
			writeFile(t, file, tt.text)
			if got := memoryCheck(file); got.Status != tt.want {
				t.Errorf("got %+v, want %s", got, tt.want)
			}
		})
	}
	if got := memoryCheck("/nonexistent"); got.Status != checkWarn {
		t.Errorf("without a file: %+v", got)
	}
}

func TestThisMachinePassesItsOwnChecks(t *testing.T) {
	t.Parallel()
	for _, c := range append(examineSystem(nil), examinePlatform()...) {
		if c.Status == checkFail || c.Status == checkWarn && c.Advice == "" {
			t.Errorf("%+v", c)
		}
	}
}

func TestCacheFolderThatCannotBeWrittenIsAWarning(t *testing.T) {
	t.Parallel()
	if c := cacheCheck(filepath.Join(t.TempDir(), "none")); c.Status != checkWarn || c.Advice == "" {
		t.Errorf("got %+v", c)
	}
	if c := cacheCheck(t.TempDir()); c.Status == checkFail {
		t.Errorf("got %+v", c)
	}
}
