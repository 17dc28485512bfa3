package process

import (
	"context"
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
)

const shell = "/bin/sh"

func setup(t *testing.T) (*Launcher, context.Context) {
	t.Helper()
	l := NewLauncher()
	t.Cleanup(func() { _ = l.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return l, ctx
}

func start(t *testing.T, script string, mods ...func(*Spec)) *Process {
	t.Helper()
	l, ctx := setup(t)
	spec := Spec{Path: shell, Args: []string{"-c", script}, Env: os.Environ()}
	for _, mod := range mods {
		mod(&spec)
	}
	p, err := l.Start(ctx, spec)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func await(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("%s did not happen within 20 s", what)
	}
}

func TestExitTellsCodeSignalAndLastLines(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, script string
		code         int
		signal       syscall.Signal
		text         string
	}{
		{"success", "exit 0", 0, 0, "exit code 0"},
		{"code", "echo one >&2; echo two >&2; exit 3", 3, 0, "exit code 3"},
		{"killed", "kill -KILL $$", -1, syscall.SIGKILL, "signal 9 (SIGKILL)"},
		{"segfault", "kill -SEGV $$", -1, syscall.SIGSEGV, "signal 11 (SIGSEGV)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := start(t, tt.script)
			await(t, "the exit", p.Done())
			e := p.Exit()
			if e.Code != tt.code || e.Signal != tt.signal || e.String() != tt.text {
				t.Errorf("exit = %d, %v, %q", e.Code, e.Signal, e)
			}
			if tt.name == "code" && e.Last(1) != "two" {
				t.Errorf("last line = %q", e.Last(1))
			}
			if e.MaxRSS <= 0 {
				t.Errorf("max rss = %d", e.MaxRSS)
			}
		})
	}
}

func TestTheLinesThatTellMost(t *testing.T) {
	t.Parallel()
	plain := []string{"a", "b", "c"}
	crash := []string{"before", "Fatal Python error: Segmentation fault", "", "Thread 1", "Thread 2"}
	tests := []struct {
		name  string
		lines []string
		n     int
		want  string
	}{
		{"the last", plain, 2, "b\nc"},
		{"all there are", plain, 9, "a\nb\nc"},
		{"nothing", nil, 3, ""},
		{"a crash in native code", crash, 1, "Fatal Python error: Segmentation fault"},
		{"a crash with room for all", crash, 9, "before\nFatal Python error: Segmentation fault\n\nThread 1\nThread 2"},
		{"a crash with room for some", crash, 3, "Fatal Python error: Segmentation fault\n\nThread 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := (Exit{Stderr: tt.lines}).Last(tt.n); got != tt.want {
				t.Errorf("Last(%d) = %q, want %q", tt.n, got, tt.want)
			}
		})
	}
}

func TestDescriptorsArriveFromThreeOn(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	p := start(t, "echo hello >&3", func(s *Spec) { s.Files = []*os.File{w} })
	_ = w.Close()
	buf := make([]byte, 16)
	n, err := r.Read(buf)
	if err != nil || string(buf[:n]) != "hello\n" {
		t.Errorf("read %q, %v", buf[:n], err)
	}
	await(t, "the exit", p.Done())
}

func TestTheEnvironmentIsOnlyWhatTheSpecSays(t *testing.T) {
	t.Parallel()
	lines := make(chan Line, 8)
	p := start(t, "echo \"[$HOME][$MINE]\"", func(s *Spec) {
		s.Env = []string{"MINE=1"}
		s.Stdout = func(l Line) { lines <- l }
	})
	await(t, "the exit", p.Done())
	if got := (<-lines).Text; got != "[][1]" {
		t.Errorf("environment = %q", got)
	}
}

// alive reports whether a process or zombie with this number exists.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestTheGroupDiesWithItsLeader(t *testing.T) {
	t.Parallel()
	lines := make(chan Line, 8)
	p := start(t, "sleep 1000 & echo $!; exit 7", func(s *Spec) {
		s.Stdout = func(l Line) { lines <- l }
	})
	await(t, "the exit", p.Done())
	child, err := strconv.Atoi((<-lines).Text)
	if err != nil {
		t.Fatal(err)
	}
	if state := stateOf(child); state != "" && state != "Z" {
		t.Errorf("the leader's child is still there (state %s)", state)
	}
	if code := p.Exit().Code; code != 7 {
		t.Errorf("code = %d, want the leader's own", code)
	}
}

// stateOf returns the process's state letter, "" if it is gone. A process that
// has just been sent SIGKILL may still be running for a moment.
func stateOf(pid int) string {
	end := time.Now().Add(5 * time.Second)
	for time.Now().Before(end) {
		raw, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			return ""
		}
		fields := strings.Fields(string(raw[strings.LastIndexByte(string(raw), ')')+1:]))
		if fields[0] == "Z" {
			return "Z"
		}
	}
	return "still running"
}

func TestStopLadder(t *testing.T) {
	t.Parallel()
	const never = 20 * time.Second
	tests := []struct {
		name, script string
		ladder       Ladder
		want         string
	}{
		{"term is enough", "echo up; exec sleep 1000", Ladder{TermGrace: never}, "signal 15 (SIGTERM)"},
		{"term is ignored", "trap '' TERM; echo up; while :; do sleep 1000; done", Ladder{TermGrace: 50 * time.Millisecond}, "signal 9 (SIGKILL)"},
		{"asked and ignored", "echo up; exec sleep 1000", Ladder{Ask: func() {}, AskGrace: time.Millisecond, TermGrace: never}, "signal 15 (SIGTERM)"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			up := make(chan struct{}, 1)
			p := start(t, tt.script, func(s *Spec) { s.Stdout = func(Line) { up <- struct{}{} } })
			await(t, "start", up)
			if got := p.Stop(context.Background(), tt.ladder).String(); got != tt.want {
				t.Errorf("exit = %q, want %q", got, tt.want)
			}
		})
	}
}

func TestStopWithAnEndedContextKillsAtOnce(t *testing.T) {
	t.Parallel()
	up := make(chan struct{}, 1)
	p := start(t, "trap '' TERM; echo up; while :; do sleep 1000; done", func(s *Spec) {
		s.Stdout = func(Line) { up <- struct{}{} }
	})
	await(t, "start", up)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if e := p.Stop(ctx, Ladder{TermGrace: time.Hour}); e.Signal != syscall.SIGKILL {
		t.Errorf("exit = %v", e)
	}
}

func TestSignalAfterTheEndDoesNothing(t *testing.T) {
	t.Parallel()
	p := start(t, "exit 0")
	await(t, "the exit", p.Done())
	p.Kill()
	if !p.Exit().OK() {
		t.Errorf("exit = %v", p.Exit())
	}
}

func TestCloseKillsWhatIsLeftAndRefusesMore(t *testing.T) {
	t.Parallel()
	l, ctx := setup(t)
	p, err := l.Start(ctx, Spec{Path: shell, Args: []string{"-c", "sleep 1000"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = l.Close()
	await(t, "the exit", p.Done())
	if p.Exit().Signal != syscall.SIGKILL || alive(p.PID()) {
		t.Errorf("exit = %v, alive = %v", p.Exit(), alive(p.PID()))
	}
	if _, err := l.Start(ctx, Spec{Path: shell}); fault.CodeOf(err) != fault.ShuttingDown {
		t.Errorf("start after close: %v", err)
	}
}

func TestStartsAndEndsLeakNoDescriptors(t *testing.T) { //nolint:paralleltest // counts the process's descriptors
	l, ctx := setup(t)
	round := func() {
		p, err := l.Start(ctx, Spec{Path: shell, Args: []string{"-c", "exit 0"}})
		if err != nil {
			t.Fatal(err)
		}
		await(t, "the exit", p.Done())
	}
	round()
	before := descriptors(t)
	for range 50 {
		round()
	}
	for range 10 {
		_, err := l.Start(ctx, Spec{Path: "/does/not/exist"})
		if err == nil {
			t.Fatal("started a file that does not exist")
		}
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after", before, after)
	}
}

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc/self/fd on this system")
	}
	return len(list)
}

func TestAFailedStartSaysWhy(t *testing.T) {
	t.Parallel()
	l, ctx := setup(t)
	_, err := l.Start(ctx, Spec{Path: "/does/not/exist", Args: []string{"--key", "sk-secret"}, Env: []string{"KEY=sk-secret"}})
	if fault.CodeOf(err) != fault.Unavailable || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("error = %v", err)
	}
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the cause is lost: %v", err)
	}
	if strings.Contains(err.Error(), "sk-secret") {
		t.Errorf("a secret in %q", err)
	}
}
