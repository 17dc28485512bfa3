package pyenv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
)

func TestEnvironmentIsBuiltOnceAndThenOnlyFound(t *testing.T) {
	t.Parallel()
	a := around(t)
	installs := a.tinyUv(t, "")
	first := a.mustEnsure(t)
	works(t, first)
	if !first.Managed || first.Version == "" || first.Key == "" || !strings.HasPrefix(first.Folder, a.Cache) {
		t.Errorf("the environment does not say what it is: %+v", first)
	}
	// From here on there is neither a Python nor a tool to build with.
	a.Environ = []string{"PATH=" + t.TempDir()}
	if again := a.mustEnsure(t); again != first {
		t.Errorf("second %+v, first %+v", again, first)
	}
	wantInstalls(t, installs, 1)
}

func TestEnvironmentIsFoundInAReadOnlyCache(t *testing.T) {
	t.Parallel()
	a := around(t)
	a.tinyUv(t, "")
	first := a.mustEnsure(t)
	readOnly(t, a.Cache)
	if again := a.mustEnsure(t); again != first {
		t.Errorf("second %+v, first %+v", again, first)
	}
}

func TestEightProcessesAtOnceBuildOneEnvironment(t *testing.T) {
	t.Parallel()
	a := around(t)
	installs := a.tinyUv(t, "")
	found := make([]Env, 8)
	var all sync.WaitGroup
	for i := range found {
		cmd := a.process(t)
		all.Go(func() {
			out, err := cmd.Output()
			if err == nil {
				err = json.Unmarshal(out, &found[i])
			}
			if err != nil {
				t.Errorf("process %d: %v: %s", i, err, stderr(err))
			}
		})
	}
	all.Wait()
	for _, env := range found {
		if env != found[0] {
			t.Errorf("two environments: %+v and %+v", env, found[0])
		}
	}
	works(t, found[0])
	wantInstalls(t, installs, 1)
}

// A builder that is killed with SIGKILL in the middle of an installation, while
// others wait for it, leaves nothing that anybody takes for an environment.
func TestBuilderKilledHalfWayHarmsNobody(t *testing.T) {
	t.Parallel()
	a := around(t)
	begun, hold := gate(t), gate(t)
	// The first installation says that it has begun and then waits for ever.
	once := filepath.Join(t.TempDir(), "once")
	installs := a.tinyUv(t, `if mkdir `+once+`; then echo begun > `+begun+`; read x < `+hold+`; fi`)
	victim := a.process(t)
	if err := victim.Start(); err != nil {
		t.Fatal(err)
	}
	passed(t, begun)
	waiter := a.process(t)
	var out bytes.Buffer
	waiter.Stdout = &out
	if err := waiter.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.setup().locate(); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("a half-built environment was found: %v", err)
	}
	if err := victim.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = victim.Wait()
	if err := waiter.Wait(); err != nil {
		t.Fatalf("the process that waited: %v", err)
	}
	var env Env
	if err := json.Unmarshal(out.Bytes(), &env); err != nil {
		t.Fatal(err)
	}
	works(t, env)
	wantInstalls(t, installs, 2)
	if left, _ := filepath.Glob(filepath.Join(a.setup().home(), "py*")); len(left) != 1 {
		t.Errorf("the killed builder's folder is still there: %v", left)
	}
}

func TestBuildEndsWithItsContextAndLeavesNothing(t *testing.T) {
	t.Parallel()
	a := around(t)
	begun, hold := gate(t), gate(t)
	a.tinyUv(t, `echo begun > `+begun+`; read x < `+hold)
	ctx, cancel := context.WithCancel(soon(t))
	var all sync.WaitGroup
	all.Go(func() {
		defer cancel()
		passed(t, begun)
	})
	_, err := a.setup().ensure(ctx)
	all.Wait()
	if fault.CodeOf(err) != fault.Canceled || !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want %s", err, fault.Canceled)
	}
	if left, _ := filepath.Glob(filepath.Join(a.setup().home(), "py*")); len(left) != 0 {
		t.Errorf("left over: %v", left)
	}
}

func TestWaitingForAnotherBuilderEndsWithTheContext(t *testing.T) {
	t.Parallel()
	a := around(t)
	s := a.setup()
	if err := os.MkdirAll(s.home(), 0o755); err != nil {
		t.Fatal(err)
	}
	held, err := s.lockFolder(soon(t), s.home(), startedReport(t))
	if err != nil {
		t.Fatal(err)
	}
	defer held.release()
	ctx, cancel := context.WithCancel(soon(t))
	waits := a.setup()
	waits.cfg.Progress = func(p Progress) {
		if p.Step == StepWait {
			cancel()
		}
	}
	if _, err := waits.ensure(ctx); fault.CodeOf(err) != fault.Canceled {
		t.Errorf("got %v, want %s", err, fault.Canceled)
	}
}

func TestEnvironmentWhosePythonIsGoneIsBuiltAgain(t *testing.T) {
	t.Parallel()
	a := around(t)
	installs := a.tinyUv(t, "")
	first := a.mustEnsure(t)
	if err := os.Remove(first.Python); err != nil {
		t.Fatal(err)
	}
	second := a.mustEnsure(t)
	works(t, second)
	wantInstalls(t, installs, 2)
	if exists(first.Folder) {
		t.Error("the broken environment is still there")
	}
}

func TestAnotherLockIsAnotherEnvironment(t *testing.T) {
	t.Parallel()
	a := around(t)
	installs := a.tinyUv(t, "")
	first := a.mustEnsure(t)
	a.Lock += "# changed\n"
	if second := a.mustEnsure(t); second.Folder == first.Folder || second.Key == first.Key {
		t.Errorf("the lock changed and the environment did not: %+v", second)
	}
	works(t, first)
	wantInstalls(t, installs, 2)
}

func TestProgressTellsStepsCountsAndTime(t *testing.T) {
	t.Parallel()
	a := around(t)
	a.tinyUv(t, "")
	s := a.setup()
	var told []Progress
	s.cfg.Progress = func(p Progress) { told = append(told, p) }
	if _, err := s.ensure(soon(t)); err != nil {
		t.Fatal(err)
	}
	var steps []Step
	counted := false
	for i, p := range told {
		if len(steps) == 0 || steps[len(steps)-1] != p.Step {
			steps = append(steps, p.Step)
		}
		counted = counted || p.Total == 1
		if i > 0 && p.Elapsed < told[i-1].Elapsed {
			t.Errorf("time runs backwards at %d: %v", i, told)
		}
	}
	want := []Step{StepFind, StepCreate, StepInstall, StepCheck, StepDone}
	if got := join(steps); got != join(want) {
		t.Errorf("steps %s, want %s", got, join(want))
	}
	if !counted {
		t.Errorf("no package count in %+v", told)
	}
}

func TestACacheFolderThatCannotBeWrittenIsExplained(t *testing.T) {
	t.Parallel()
	a := around(t)
	if err := os.WriteFile(a.Cache, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := a.ensure(t)
	wantError(t, err, a.Cache, CacheVariable)
}

func BenchmarkEnsureWhenComplete(b *testing.B) {
	cache := b.TempDir()
	s, err := newSetup(Config{CacheDir: cache})
	if err != nil {
		b.Fatal(err)
	}
	s.environ = nil
	folder := filepath.Join(s.home(), "py3.11-00000000-1")
	if err := os.MkdirAll(filepath.Join(folder, "bin"), 0o755); err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(interpreterIn(folder), nil, 0o600); err != nil {
		b.Fatal(err)
	}
	if err := writeJSON(filepath.Join(s.home(), recordName), record{Folder: filepath.Base(folder)}); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		// A new setup each time: hashing the lock is a part of the price.
		s, err := newSetup(Config{CacheDir: cache})
		if err != nil {
			b.Fatal(err)
		}
		s.environ = nil
		if _, err := s.ensure(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// readOnly takes the right to write from every folder under root. For root users
// the permission is no obstacle: then the test is a weaker one.
func readOnly(t *testing.T, root string) {
	t.Helper()
	chmod := func(mode os.FileMode) {
		_ = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
			if err == nil && entry.IsDir() {
				_ = os.Chmod(path, mode)
			}
			return nil
		})
	}
	chmod(0o555)
	t.Cleanup(func() { chmod(0o755) })
}

// gate makes a named pipe: who opens it for reading waits for a writer, and the
// other way round.
func gate(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "gate")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// passed waits until somebody writes into the gate.
func passed(t *testing.T, gate string) {
	t.Helper()
	file, err := os.OpenFile(gate, os.O_RDWR, 0) // does not wait for a writer
	if err != nil {
		t.Error(err)
		return
	}
	defer file.Close()
	if err := file.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Error(err)
	}
	if _, err := file.Read(make([]byte, 16)); err != nil {
		t.Errorf("nobody came to the gate: %v", err)
	}
}

func startedReport(t *testing.T) *report {
	t.Helper()
	r := startReport(nil)
	t.Cleanup(r.stop)
	return r
}

func wantInstalls(t *testing.T, notes string, want int) {
	t.Helper()
	data, err := os.ReadFile(notes)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(string(data), "install"); got != want {
		t.Errorf("%d installations, want %d", got, want)
	}
}

// wantError fails unless err is fault.Unavailable and its message holds every
// part.
func wantError(t *testing.T, err error, parts ...string) {
	t.Helper()
	if fault.CodeOf(err) != fault.Unavailable {
		t.Fatalf("got %v, want %s", err, fault.Unavailable)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q is not in: %v", part, err)
		}
	}
}

func stderr(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(exit.Stderr)
	}
	return ""
}

func join(steps []Step) string {
	words := make([]string, len(steps))
	for i, s := range steps {
		words[i] = string(s)
	}
	return strings.Join(words, " ")
}
