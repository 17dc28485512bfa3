package pyenv

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
)

// owned returns surroundings with a finished environment, and a wrapper around
// its interpreter that notes each start, to be used as the user's own.
func owned(t *testing.T) (a surroundings, python, starts string) {
	t.Helper()
	a = around(t)
	a.tinyUv(t, "")
	env := a.mustEnsure(t)
	starts = filepath.Join(t.TempDir(), "starts")
	python = a.script(t, "mypython", "echo start >> "+starts+"\nexec "+env.Python+" \"$@\"\n")
	return a, python, starts
}

func count(t *testing.T, file string) int {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(data), "\n")
}

func TestOwnInterpreterIsCheckedOnceAndUsedAsItIs(t *testing.T) {
	t.Parallel()
	a, python, starts := owned(t)
	a.Environ = append(a.Environ, PythonVariable+"=mypython")
	env := a.mustEnsure(t)
	if env.Python != python || env.Managed || env.Key != "" || env.Package == "" || env.Version == "" {
		t.Errorf("got %+v", env)
	}
	before := count(t, starts)
	if again := a.mustEnsure(t); again != env || count(t, starts) != before {
		t.Errorf("the interpreter was started again, or is another one: %+v", again)
	}
	if located, err := a.setup().locate(); err != nil || located != env {
		t.Errorf("located %+v, %v", located, err)
	}
}

func TestOwnInterpreterIsCheckedAgainWhenItChanges(t *testing.T) {
	t.Parallel()
	a, python, starts := owned(t)
	a.Environ = append(a.Environ, PythonVariable+"="+python)
	a.mustEnsure(t)
	before := count(t, starts)
	if err := os.Chtimes(python, time.Time{}, time.Unix(1, 0)); err != nil {
		t.Fatal(err)
	}
	a.mustEnsure(t)
	if count(t, starts) == before {
		t.Error("the changed interpreter was not checked")
	}
}

func TestOwnInterpreterThatLacksAPackageSaysHowToInstallIt(t *testing.T) {
	t.Parallel()
	a := around(t)
	s := a.setup()
	s.cfg.Python = filepath.Join(a.path(), "python3")
	_, err := s.ensure(soon(t))
	wantError(t, err, s.cfg.Python, "No module named 'tiny'", "-m pip install tiny==1.0")
}

func TestOwnInterpreterThatCannotBeUsedIsRefused(t *testing.T) {
	t.Parallel()
	a := empty(t)
	a.script(t, "old", answer("3.8.1", "8", ""))
	plain := filepath.Join(t.TempDir(), "plain")
	if err := os.WriteFile(plain, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct{ name, python, want string }{
		{"not on PATH", "nosuchpython", "no such program on PATH"},
		{"no such file", "/nonexistent/python", "no such file"},
		{"a folder that is no environment", t.TempDir(), "folder without bin/python"},
		{"not executable", plain, "not an executable file"},
		{"too old", "old", "too old"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			own := a
			own.Environ = append([]string{PythonVariable + "=" + tt.python}, a.Environ...)
			_, err := own.ensure(t)
			wantError(t, err, tt.want, PythonVariable, tt.python)
		})
	}
}

func TestOwnEnvironmentMayBeNamedByItsFolder(t *testing.T) {
	t.Parallel()
	a := around(t)
	a.tinyUv(t, "")
	built := a.mustEnsure(t)
	s := a.setup()
	s.cfg.Python = built.Folder
	if env, err := s.ensure(soon(t)); err != nil || env.Python != built.Python || env.Managed {
		t.Errorf("got %+v, %v", env, err)
	}
}

func TestRemoveTakesTheEnvironmentAwayAndNothingElse(t *testing.T) {
	t.Parallel()
	a := around(t)
	a.tinyUv(t, "")
	env := a.mustEnsure(t)
	other := filepath.Join(a.Cache, "other")
	mkdir(t, other)
	s := a.setup()
	removed, err := s.empty(soon(t), s.home())
	if err != nil || len(removed) != 1 || removed[0] != env.Folder || exists(env.Folder) || !exists(other) {
		t.Errorf("removed %v, %v", removed, err)
	}
	if _, err := s.locate(); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("located after removal: %v", err)
	}
	if again, err := s.empty(soon(t), s.home()); err != nil || len(again) != 0 {
		t.Errorf("second removal: %v, %v", again, err)
	}
	works(t, a.mustEnsure(t))
}
