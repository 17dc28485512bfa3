package pyenv

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// answer is a program that answers as the Python it claims to be.
func answer(version, minor, more string) string {
	return fmt.Sprintf(`echo '{"version": %q, "minor": [3, %s], "implementation": "cpython", %s "base": "'"$0"'", "executable": "'"$0"'"}'`,
		version, minor, more)
}

func empty(t *testing.T) surroundings {
	t.Helper()
	return surroundings{Cache: t.TempDir(), Lock: "tiny==1.0", Environ: []string{"PATH=" + t.TempDir()}}
}

func TestPythonsAreTriedInOrderAndRefusedWithAReason(t *testing.T) {
	t.Parallel()
	a := empty(t)
	a.script(t, "python3.13", "echo 'pyenv: python3.13: command not found' >&2; echo; exit 127")
	a.script(t, "python3.12", answer("3.12.1", "12", `"free_threaded": true,`))
	a.script(t, "python3.11", answer("3.9.2", "9", ""))
	a.script(t, "python3.10", answer("3.10.4", "10", ""))
	a.script(t, "python3.14", answer("3.15.0", "15", ""))
	a.script(t, "python3", "echo hello")
	looked, fit := a.setup().survey(soon(t))
	want := []struct{ name, reason string }{
		{"python3.13", "pyenv: python3.13: command not found"},
		{"python3.12", "free-threaded"},
		{"python3.11", "too old"},
		{"python3.10", ""},
		{"python3.14", "too new"},
		{"python3", "which no Python does"},
	}
	if len(looked) != len(want) {
		t.Fatalf("looked at %+v", looked)
	}
	for i, w := range want {
		got := looked[i]
		if filepath.Base(got.Path) != w.name || (got.Err == nil) != (w.reason == "") ||
			got.Err != nil && !strings.Contains(got.Err.Error(), w.reason) {
			t.Errorf("candidate %d is %+v, want %+v", i, got, w)
		}
	}
	if len(fit) != 1 || fit[0].Version != "3.10.4" {
		t.Errorf("fit: %+v", fit)
	}
}

// A newer Python that lacks what makes environments comes after an older one
// that has it, unless uv is there: uv needs nothing of the Python.
func TestPythonThatNeedsNoWorkaroundIsPreferred(t *testing.T) {
	t.Parallel()
	for _, uv := range []bool{false, true} {
		t.Run(fmt.Sprintf("uv %v", uv), func(t *testing.T) {
			t.Parallel()
			a := empty(t)
			a.script(t, "python3.12", answer("3.12.1", "12", `"venv": true,`))
			a.script(t, "python3.10", answer("3.10.4", "10", `"venv": true, "ensurepip": true,`))
			want := "3.10.4"
			if uv {
				a.script(t, "uv", "")
				want = "3.12.1"
			}
			if _, fit := a.setup().survey(soon(t)); len(fit) != 2 || fit[0].Version != want {
				t.Errorf("fit: %+v, want %s first", fit, want)
			}
		})
	}
}

func TestPythonOffPathIsFoundInTheUsualPlaces(t *testing.T) {
	t.Parallel()
	a := empty(t)
	home := t.TempDir()
	folder := filepath.Join(home, ".pyenv/versions/3.12.1/bin")
	mkdir(t, folder)
	if err := os.WriteFile(filepath.Join(folder, "python3"), []byte("#!/bin/sh\n"+answer("3.12.1", "12", "")), 0o755); err != nil {
		t.Fatal(err)
	}
	s := a.setup()
	s.places = usualPlaces(environ{"HOME=" + home})[3:]
	if _, fit := s.survey(soon(t)); len(fit) != 1 || fit[0].Version != "3.12.1" {
		t.Errorf("fit: %+v", fit)
	}
}

func TestNoPythonAtAllSaysWhatWasLookedAtAndWhatToInstall(t *testing.T) {
	t.Parallel()
	a := empty(t)
	_, err := a.ensure(t)
	wantError(t, err, "nothing called python3 is on PATH", "What to do:", "3.10")
	a.script(t, "python3", answer("3.8.1", "8", ""))
	_, err = a.ensure(t)
	wantError(t, err, filepath.Join(a.path(), "python3"), "version 3.8.1 is too old")
}

// A Debian Python without venv, pip and ensurepip, and no uv beside it.
func TestPythonThatCannotMakeEnvironmentsSaysWhatToInstall(t *testing.T) {
	t.Parallel()
	a := empty(t)
	a.script(t, "python3", answer("3.12.1", "12", ""))
	_, err := a.ensure(t)
	wantError(t, err, "Python 3.12.1", "What to do:", "venv", "uv")
}

func TestMisleadingVariablesAreKeptFromPython(t *testing.T) {
	t.Parallel()
	e := environ{"PYTHONPATH=/x", "PIP_TARGET=/x", "VIRTUAL_ENV=/x", "HTTPS_PROXY=p", "PIP_INDEX_URL=i", "A=1", "A=2"}
	got := strings.Join(e.forPython("B=3"), " ")
	for _, name := range []string{"PYTHONPATH", "PIP_TARGET", "VIRTUAL_ENV"} {
		if strings.Contains(got, name) {
			t.Errorf("%s reaches Python: %s", name, got)
		}
	}
	for _, entry := range []string{"HTTPS_PROXY=p", "PIP_INDEX_URL=i", "B=3"} {
		if !strings.Contains(got, entry) {
			t.Errorf("%s does not reach Python: %s", entry, got)
		}
	}
	if e.get("A") != "2" || e.get("NONE") != "" {
		t.Error("the last of two values counts")
	}
}

func mkdir(t *testing.T, folder string) {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
}
