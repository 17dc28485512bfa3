package worker

import (
	"strings"
	"syscall"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/process"
)

func TestCrashErrorsSayHowTheProcessEnded(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		exit    Exit
		message string
		details map[string]string
	}{
		{
			"exit code",
			Exit{Exit: process.Exit{Code: 3, Stderr: []string{"a", "boom"}}, Known: true, Code: fault.WorkerCrashed},
			"exit code 3; its last words: boom",
			map[string]string{"exit": "3", "stderr": "a\nboom", "signal": ""},
		},
		{
			"signal",
			Exit{Exit: process.Exit{Code: -1, Signal: syscall.SIGSEGV}, Known: true, Code: fault.WorkerCrashed},
			"signal 11 (SIGSEGV); native code",
			map[string]string{"signal": "SIGSEGV", "exit": ""},
		},
		{
			"killed by this side",
			Exit{Exit: process.Exit{Code: -1, Signal: syscall.SIGKILL}, Known: true, Code: fault.WorkerUnresponsive, Reason: "a call hung"},
			"signal 9 (SIGKILL); a call hung",
			map[string]string{"signal": "SIGKILL", "reason": "a call hung"},
		},
		{
			"not reported",
			Exit{Exit: process.Exit{Code: -1}, Code: fault.WorkerCrashed},
			"not known yet",
			map[string]string{"exit": "", "signal": ""},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.exit.Worker = "w1"
			err := tt.exit.CrashError()
			if err.Code != tt.exit.Code || err.Worker != "w1" || !strings.Contains(err.Message, tt.message) {
				t.Errorf("error = %v, want %q in it", err, tt.message)
			}
			for name, want := range tt.details {
				if err.Details[name] != want {
					t.Errorf("detail %s = %q, want %q", name, err.Details[name], want)
				}
			}
		})
	}
}

func TestCrashErrorsCarryABoundedTail(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 1000)
	lines := make([]string, 100)
	for i := range lines {
		lines[i] = long
	}
	err := Exit{Exit: process.Exit{Code: 1, Stderr: lines}, Known: true, Code: fault.WorkerCrashed}.CrashError()
	if n := len(err.Details["stderr"]); n > crashBytes || n < crashBytes-1001 {
		t.Errorf("%d bytes of standard error", n)
	}
}
