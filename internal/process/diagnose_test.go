package process

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestDiagnoseNamesTheCause(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, content string, mode os.FileMode) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "nowhere"), link); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, path string
		err        error
		want       string
	}{
		{"nothing configured", "", nil, "no program is configured"},
		{"missing", filepath.Join(dir, "none"), syscall.ENOENT, "does not exist"},
		{"bare name", "python-that-is-not-there", syscall.ENOENT, "not searched for on PATH"},
		{"broken link", link, syscall.ENOENT, "it is a link to"},
		{"folder", dir, syscall.EACCES, "it is a folder"},
		{"not executable", write("plain", "#!/bin/sh\n", 0o644), syscall.EACCES, "not executable"},
		{"no interpreter", write("script", "#!/no/such/sh\n", 0o755), syscall.ENOENT, "interpreter /no/such/sh does not exist"},
		{"interpreter not named", write("blank", "#! \n\n", 0o755), syscall.ENOEXEC, "names no interpreter"},
		{"empty", write("empty", "", 0o755), syscall.ENOEXEC, "empty or too short"},
		{"damaged binary", write("elf", "\x7fELF and no more", 0o755), syscall.ENOEXEC, "damaged binary"},
		{"other processor", write("riscv", foreignELF(), 0o755), syscall.ENOEXEC, "another processor (EM_RISCV)"},
		{"sound file", "/bin/sh", nil, "looks right"},
		{"no descriptors", "/bin/sh", os.NewSyscallError("pipe2", syscall.EMFILE), "ulimit -n"},
		{"no processes", "/bin/sh", &os.PathError{Op: "fork/exec", Path: "/bin/sh", Err: syscall.EAGAIN}, "ulimit -u"},
		{"no memory", "/bin/sh", syscall.ENOMEM, "not enough memory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := Diagnose(tt.err, tt.path); !strings.Contains(got, tt.want) {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}

// foreignELF is the header of a program for a processor nobody tests on.
func foreignELF() string {
	h := make([]byte, 64)
	copy(h, "\x7fELF\x02\x01\x01")
	h[16], h[18], h[19], h[20] = 2, 243, 0, 1
	h[52], h[54], h[58] = 64, 56, 64
	return string(h)
}

func TestExitHints(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		exit Exit
		want string
	}{
		{"worker package", Exit{Code: 1, Stderr: []string{"/usr/bin/python3: No module named dspool_worker"}}, "PYTHONPATH"},
		{"user's module", Exit{Code: 1, Stderr: []string{"ModuleNotFoundError: No module named 'numpy'"}}, "install it"},
		{"command not found", Exit{Code: 127}, "not found"},
		{"not executable", Exit{Code: 126}, "could not be executed"},
		{"killed", Exit{Code: -1, Signal: syscall.SIGKILL}, "out of memory"},
		{"segfault", Exit{Code: -1, Signal: syscall.SIGSEGV}, "native code"},
		{"nothing known", Exit{Code: 3}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := tt.exit.Hint()
			if !strings.Contains(got, tt.want) || (tt.want == "") != (got == "") {
				t.Errorf("got %q, want %q in it", got, tt.want)
			}
		})
	}
}
