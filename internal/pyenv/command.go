package pyenv

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// tailLines is how many of a command's last lines go into an error.
const tailLines = 40

// command is one subprocess of a build.
type command struct {
	path string
	args []string
	env  []string
	dir  string
	line func(string) // told every line of output; nil: nobody
}

// commandError is a command that failed: what was run, how it ended and what it
// said last.
type commandError struct {
	command string
	cause   error
	tail    []string
}

// Error names the command, its end and its last words.
func (e *commandError) Error() string {
	text := fmt.Sprintf("`%s`: %v", e.command, e.cause)
	if said := e.said(4); said != "" {
		text += ":\n" + said
	}
	return text
}

func (e *commandError) Unwrap() error { return e.cause }

// said returns the last n lines of output.
func (e *commandError) said(n int) string {
	return strings.Join(e.tail[max(0, len(e.tail)-n):], "\n")
}

// run starts c, waits for it and returns its standard output. Output is also
// given to c.line. When ctx ends, c and everything it started are killed.
func run(ctx context.Context, c command) (string, error) {
	cmd := exec.CommandContext(ctx, c.path, c.args...)
	cmd.Env, cmd.Dir = c.env, c.dir
	// A group of its own: Ctrl-C reaches us only, and we end the whole group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(cmd.SysProcAttr)
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	var stdout bytes.Buffer
	said := &lines{tell: c.line}
	cmd.Stdout, cmd.Stderr = tee{&stdout, said}, said

	// The parent-death signal is sent when the thread that started the child
	// ends, so this one has to live as long as the child.
	runtime.LockOSThread()
	err := cmd.Run()
	runtime.UnlockOSThread()
	said.flush()
	if err == nil {
		return stdout.String(), nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return "", &commandError{command: brief(c), cause: err, tail: said.tail}
}

// shown is a command as a person would type it, shortened.
func shown(c command) string {
	words := []string{filepath.Base(c.path)}
	for _, arg := range c.args {
		if strings.ContainsAny(arg, "\n") {
			arg = "..."
		}
		words = append(words, arg)
	}
	return strings.Join(words, " ")
}

// brief is a command up to its first long option: enough to know it by.
func brief(c command) string {
	text, _, _ := strings.Cut(shown(c), " --")
	return text
}

type tee struct {
	buffer *bytes.Buffer
	lines  *lines
}

func (t tee) Write(p []byte) (int, error) {
	t.buffer.Write(p)
	return t.lines.Write(p)
}

// lines cuts output into lines, tells them and keeps the last ones. Standard
// output and error are written by two goroutines.
type lines struct {
	mu   sync.Mutex
	tell func(string)
	rest []byte
	tail []string
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rest = append(l.rest, p...)
	for {
		end := bytes.IndexAny(l.rest, "\r\n")
		if end < 0 {
			return len(p), nil
		}
		l.add(string(l.rest[:end]))
		l.rest = l.rest[end+1:]
	}
}

func (l *lines) flush() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(string(l.rest))
	l.rest = nil
}

func (l *lines) add(line string) {
	line = strings.TrimRight(line, " \t")
	// pip tells of every line of the lock that is for other Pythons.
	if line == "" || strings.HasPrefix(line, "Ignoring ") {
		return
	}
	if l.tail = append(l.tail, line); len(l.tail) > tailLines {
		l.tail = l.tail[1:]
	}
	if l.tell != nil {
		l.tell(line)
	}
}
