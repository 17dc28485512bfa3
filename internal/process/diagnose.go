package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// exhausted reports whether err means that the host ran out of something.
func exhausted(err error) bool {
	return errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) ||
		errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.ENOMEM)
}

// Diagnose explains in one sentence why path could not be started, and what
// to do about it. err is what the attempt returned. It looks at the file, so
// it is for failures only. Nothing of the arguments or the environment is in
// its words.
func Diagnose(err error, path string) string {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return "this process has no file descriptors left; raise the limit (ulimit -n) or use fewer workers"
	case errors.Is(err, syscall.ENFILE):
		return "the system has no file descriptors left"
	case errors.Is(err, syscall.EAGAIN):
		return "the limit of processes is reached (ulimit -u, or pids.max of the container); raise it or use fewer workers"
	case errors.Is(err, syscall.ENOMEM):
		return "there is not enough memory for another process"
	}
	if why := lookAt(path); why != "" {
		return why
	}
	if err == nil {
		return "the file looks right"
	}
	var p *fs.PathError
	if errors.As(err, &p) {
		err = p.Err
	}
	return err.Error()
}

// lookAt names what is wrong with the file itself, "" if nothing is.
func lookAt(path string) string {
	if path == "" {
		return "no program is configured"
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return missing(path)
	case errors.Is(err, fs.ErrPermission):
		return "a folder above the file may not be entered by this user"
	case err != nil:
		return err.Error()
	case info.IsDir():
		return "it is a folder, not a program"
	case info.Mode()&0o111 == 0:
		return fmt.Sprintf("the file is not executable (mode %v); use chmod +x", info.Mode().Perm())
	default:
		return lookInto(path)
	}
}

func missing(path string) string {
	if target, err := os.Readlink(path); err == nil {
		return "it is a link to " + target + ", which does not exist"
	}
	if !filepath.IsAbs(path) && !strings.ContainsRune(path, filepath.Separator) {
		return "the file does not exist; a bare name is not searched for on PATH, give the whole path"
	}
	return "the file does not exist"
}

// hints pairs what an ill-started Python says with what it means. The first
// match counts.
func hints() [][2]string {
	return [][2]string{
		{"No module named dspool_worker", "this Python does not find dspool's worker package; its folder must be first on PYTHONPATH"},
		{"ModuleNotFoundError", "a Python module is missing; install it into the environment of the workers, or add its folder to the pool's path"},
		{"ImportError", "a Python module could not be imported; its packages may belong to another Python version or architecture"},
		{"SyntaxError", "a Python file does not parse with this Python version"},
		{"GLIBC_", "a library needs a newer C library than this system has"},
		{"error while loading shared libraries", "a shared library is missing"},
		{"Too many open files", "the process ran out of file descriptors; raise the limit (ulimit -n)"},
		{"Resource temporarily unavailable", "the limit of processes or threads is reached (ulimit -u, or pids.max of the container)"},
		{"MemoryError", "the process ran out of memory"},
		{"No space left on device", "a file system is full"},
		{"Permission denied", "a file may not be used by this user"},
	}
}

// Hint explains how a process could end like this, "" if nothing is known.
func (e Exit) Hint() string {
	text := strings.Join(e.Stderr, "\n")
	for _, h := range hints() {
		if strings.Contains(text, h[0]) {
			return h[1]
		}
	}
	if e.Signal != 0 {
		return signalHint(e.Signal)
	}
	switch e.Code {
	case 126:
		return "the command was found but could not be executed"
	case 127:
		return "a command or its interpreter was not found"
	default:
		return ""
	}
}

func signalHint(s syscall.Signal) string {
	switch s {
	case syscall.SIGKILL:
		return "it was killed from outside; when nobody did that, the kernel or the container ran out of memory"
	case syscall.SIGSEGV, syscall.SIGBUS:
		return "native code of an extension module crashed"
	case syscall.SIGILL:
		return "native code uses instructions this processor does not have"
	case syscall.SIGABRT:
		return "native code gave up (abort)"
	case syscall.SIGXCPU:
		return "the limit of processor time is reached (ulimit -t)"
	default:
		return ""
	}
}
