package pyenv

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// surroundings are everything that a build takes from outside: a tiny package
// that lies on this disk instead of DSPy, and a PATH that holds what a test
// wants.
type surroundings struct {
	Cache   string
	Lock    string
	Environ []string
	Wheels  []string
}

func (a surroundings) setup() *setup {
	made := recipe{
		lock: a.Lock, imports: []string{"tiny"},
		files: fstest.MapFS{"p/__init__.py": {Data: []byte("")}},
	}
	return &setup{
		cfg:      Config{CacheDir: a.Cache, Offline: true},
		cache:    a.Cache,
		recipe:   made,
		selector: made.selector(),
		environ:  a.Environ,
		wheels:   a.Wheels,
		log:      slog.New(slog.DiscardHandler),
	}
}

// around returns surroundings in which the given Python is all there is on PATH.
func around(t *testing.T) surroundings {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a Python and builds environments: not with -short")
	}
	wheels := t.TempDir()
	a := surroundings{
		Cache: filepath.Join(t.TempDir(), "cache"),
		Lock:  tinyLock(t, wheels),
		Environ: []string{
			"PATH=" + t.TempDir(), "HOME=" + t.TempDir(),
			"PIP_FIND_LINKS=" + wheels, "UV_FIND_LINKS=" + wheels, "UV_CACHE_DIR=" + t.TempDir(), "PIP_NO_CACHE_DIR=1",
			"TINY_WHEELS=" + wheels,
		},
	}
	a.link(t, "python3", realPython(t))
	return a
}

func (a surroundings) path() string { return environ(a.Environ).get("PATH") }

// link puts a program on the PATH of these surroundings.
func (a surroundings) link(t *testing.T, name, target string) {
	t.Helper()
	if err := os.Symlink(target, filepath.Join(a.path(), name)); err != nil {
		t.Fatal(err)
	}
}

// script puts a shell script on the PATH of these surroundings.
func (a surroundings) script(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(a.path(), name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// tinyUv puts a program called uv on PATH that makes environments in a tenth of
// a second, and notes each installation in the file it returns. The text runs in
// the middle of an installation.
func (a surroundings) tinyUv(t *testing.T, middle string) string {
	t.Helper()
	notes := filepath.Join(t.TempDir(), "installs")
	a.script(t, "uv", fmt.Sprintf(`
PATH=/usr/bin:/bin
if [ "$1" = venv ]; then
  exec %[1]q -I -m venv --without-pip "$5"
fi
echo install >> %[2]q
%[3]s
echo "Resolved 1 package in 1ms"
exec "$4" -I -m zipfile -e "$TINY_WHEELS"/tiny-1.0-py3-none-any.whl "$("$4" -I -c 'import site; print(site.getsitepackages()[0])')"
`, realPython(t), notes, middle))
	return notes
}

func (a surroundings) ensure(t *testing.T) (Env, error) {
	t.Helper()
	return a.setup().ensure(soon(t))
}

func (a surroundings) mustEnsure(t *testing.T) Env {
	t.Helper()
	env, err := a.ensure(t)
	if err != nil {
		t.Fatal(err)
	}
	return env
}

// process returns a child process, not started, that ensures the environment of
// these surroundings.
func (a surroundings) process(t *testing.T) *exec.Cmd {
	t.Helper()
	given, err := json.Marshal(a)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(soon(t), os.Args[0])
	cmd.Env = append(os.Environ(), childVariable+"="+string(given))
	return cmd
}

// soon is a context that ends before the test run's patience does.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// works fails the test unless the environment's interpreter imports the tiny
// package.
func works(t *testing.T, env Env) {
	t.Helper()
	out, err := exec.CommandContext(soon(t), env.Python, "-I", "-c", "import tiny; print(tiny.ANSWER)").CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "42" {
		t.Errorf("%s cannot import the package: %v\n%s", env.Python, err, out)
	}
}

// realPython returns a Python that is no shim and in no virtual environment.
func realPython(t *testing.T) string {
	t.Helper()
	named := firstOf(os.Getenv("DSPOOL_TEST_PYTHON"), os.Getenv(PythonVariable), "python3")
	out, err := exec.CommandContext(soon(t), named, "-I", "-c", "import os, sys; print(os.path.realpath(sys._base_executable))").Output()
	if err != nil {
		if slices.Contains(strings.Split(os.Getenv("DSPOOL_REQUIRE"), ","), "python") {
			t.Fatalf("DSPOOL_REQUIRE asks for a Python, but %s: %v", named, err)
		}
		t.Skipf("no Python: %s: %v", named, err)
	}
	return strings.TrimSpace(string(out))
}

// tinyLock puts a wheel into folder and returns a lock that asks for it.
func tinyLock(t *testing.T, folder string) string {
	t.Helper()
	files := []struct{ name, text string }{
		{"tiny.py", "ANSWER = 42\n"},
		{"tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n"},
		{"tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{"tiny-1.0.dist-info/RECORD", "tiny.py,,\ntiny-1.0.dist-info/METADATA,,\ntiny-1.0.dist-info/WHEEL,,\ntiny-1.0.dist-info/RECORD,,\n"},
	}
	var wheel bytes.Buffer
	archive := zip.NewWriter(&wheel)
	for _, file := range files {
		w, err := archive.Create(file.name)
		if err == nil {
			_, err = w.Write([]byte(file.text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "tiny-1.0-py3-none-any.whl"), wheel.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("tiny==1.0 \\\n    --hash=sha256:%x\n", sha256.Sum256(wheel.Bytes()))
}
