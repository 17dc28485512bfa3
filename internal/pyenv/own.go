package pyenv

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
)

// verdict is what is remembered of a user's own interpreter, so that it is
// started once and not before every pool. It holds as long as the interpreter
// and the folders its packages lie in are the same.
type verdict struct {
	Version  string               `json:"version"`
	Packages map[string]string    `json:"packages"`
	Times    map[string]time.Time `json:"times"` // by path
}

// own checks the interpreter that the user named, once per state of it.
func (s *setup) own(ctx context.Context, named string) (Env, error) {
	path, err := s.resolve(named)
	if err != nil {
		return Env{}, err
	}
	if v, ok := s.remembered(path); ok {
		return s.ownEnv(path, v)
	}
	v, err := s.judge(ctx, path)
	if err != nil {
		return Env{}, err
	}
	s.remember(path, v)
	if want := pinned(s.recipe.lock, "dspy"); want != "" && v.Packages["dspy"] != want {
		s.log.Warn("another dspy than the one dspool is made for", "python", path, "found", v.Packages["dspy"], "made_for", want)
	}
	return s.ownEnv(path, v)
}

func (s *setup) knownOwn(named string) (Env, error) {
	path, err := s.resolve(named)
	if err != nil {
		return Env{}, err
	}
	v, _ := s.remembered(path)
	return s.ownEnv(path, v)
}

func (s *setup) ownEnv(path string, v verdict) (Env, error) {
	pack, err := s.pack()
	if err != nil {
		return Env{}, err
	}
	return Env{Python: path, Package: pack, Version: v.Version, DSPy: v.Packages["dspy"], Cache: s.cache}, nil
}

// resolve makes the name of an interpreter an absolute path. Links stay: the
// interpreter of a virtual environment is one.
func (s *setup) resolve(named string) (string, error) {
	path := named
	if !strings.ContainsRune(named, filepath.Separator) {
		if path = s.environ.look(named); path == "" {
			return "", s.refuse(named, "there is no such program on PATH", "")
		}
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return "", s.refuse(named, err.Error(), "")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return "", s.refuse(named, err.Error(), "")
	case info.IsDir():
		if inside := interpreterIn(path); executable(inside) {
			return inside, nil
		}
		return "", s.refuse(named, "it is a folder without bin/python", "")
	case !executable(path):
		return "", s.refuse(named, "it is not an executable file", "")
	}
	return path, nil
}

// judgeScript imports what a worker needs and prints what there is, with the
// folders that change when packages come and go.
const judgeScript = `
import importlib, json, os, sys
from importlib import metadata
folders = []
for name in sys.argv[1:]:
    module = importlib.import_module(name)
    folders.append(os.path.dirname(os.path.dirname(os.path.abspath(module.__file__))))
packages = {}
for name in sys.argv[1:] + ["uvloop"]:
    try:
        packages[name] = metadata.version(name)
    except metadata.PackageNotFoundError:
        pass
print(json.dumps({"version": "%d.%d.%d" % sys.version_info[:3], "packages": packages, "folders": sorted(set(folders))}))
`

// judge starts the interpreter and imports what a worker needs.
func (s *setup) judge(ctx context.Context, path string) (verdict, error) {
	p, err := s.probe(ctx, path)
	if err != nil {
		return verdict{}, ended(ctx, s.refuse(path, err.Error(), ""))
	}
	out, err := run(ctx, command{
		path: path, args: append([]string{"-c", judgeScript}, s.recipe.imports...),
		env: s.environ.forPython("DSPY_CACHEDIR=" + filepath.Join(s.cache, "dspy")), dir: "/",
	})
	if err != nil {
		return verdict{}, ended(ctx, s.refuse(path, lastSaid(err),
			"install what it needs with `"+path+" -m pip install "+s.needs()+"`, or"))
	}
	var said struct {
		verdict
		Folders []string `json:"folders"`
	}
	if err := json.Unmarshal([]byte(lastLine(out)), &said); err != nil {
		return verdict{}, s.refuse(path, "it does not answer as a Python does", "")
	}
	said.verdict.Version = p.Version
	said.verdict.Times = times(append(said.Folders, path))
	return said.verdict, nil
}

// lastSaid returns the last line of a traceback: class and message.
func lastSaid(err error) string {
	var failed *commandError
	if errors.As(err, &failed) && len(failed.tail) > 0 {
		return failed.tail[len(failed.tail)-1]
	}
	return err.Error()
}

// needs returns the packages of the recipe as pip takes them on a command line.
func (s *setup) needs() string {
	words := make([]string, 0, len(s.recipe.imports))
	for _, name := range s.recipe.imports {
		if version := pinned(s.recipe.lock, name); version != "" {
			name += "==" + version
		}
		words = append(words, name)
	}
	return strings.Join(words, " ")
}

// pinned returns the version of a package in a lock, or "".
func pinned(lock, name string) string {
	for line := range strings.Lines(lock) {
		if rest, ok := strings.CutPrefix(line, name+"=="); ok {
			return strings.Fields(rest)[0]
		}
	}
	return ""
}

func (s *setup) refuse(named, why, instead string) error {
	who := PythonVariable + "=" + named
	if s.cfg.Python != "" {
		who = named
	}
	if instead == "" {
		instead = "name another interpreter, or"
	}
	return fault.Newf(fault.Unavailable,
		"the interpreter %s cannot be used: %s. What to do: %s leave the choice to dspool (no Python named, %s unset)",
		who, why, instead, PythonVariable)
}

// memory is the file that holds the verdict on the interpreter at path.
func (s *setup) memory(path string) string {
	return filepath.Join(s.cache, "check", digest(path, s.selector)[:16]+".json")
}

func (s *setup) remembered(path string) (verdict, bool) {
	var v verdict
	if !readJSON(s.memory(path), &v) || len(v.Times) == 0 {
		return verdict{}, false
	}
	for file, then := range v.Times {
		if now, ok := modified(file); !ok || !now.Equal(then) {
			return verdict{}, false
		}
	}
	return v, true
}

// remember saves a verdict. Where that cannot be done, the interpreter is
// started again the next time.
func (s *setup) remember(path string, v verdict) {
	file := s.memory(path)
	err := os.MkdirAll(filepath.Dir(file), 0o755)
	if err == nil {
		err = writeJSON(file, v)
	}
	if err != nil {
		s.log.Debug("verdict not saved", "file", file, "error", err)
	}
}

func times(paths []string) map[string]time.Time {
	all := map[string]time.Time{}
	for _, path := range paths {
		if at, ok := modified(path); ok {
			all[path] = at
		}
	}
	return all
}

func modified(path string) (time.Time, bool) {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}, false
	}
	return info.ModTime().UTC(), true
}
