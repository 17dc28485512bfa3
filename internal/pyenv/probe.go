package pyenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"
)

// probeTimeout bounds one question to one interpreter.
const probeTimeout = 30 * time.Second

// interpreter is what a Python says of itself.
type interpreter struct {
	Path           string `json:"-"`
	Version        string `json:"version"`
	Minor          []int  `json:"minor"`
	Implementation string `json:"implementation"`
	Executable     string `json:"executable"`
	Base           string `json:"base"` // the Python underneath, when Executable is in a virtual environment
	InVenv         bool   `json:"in_venv"`
	Tag            string `json:"tag"`
	Platform       string `json:"platform"`
	FreeThreaded   bool   `json:"free_threaded"`
	Venv           bool   `json:"venv"`
	Ensurepip      bool   `json:"ensurepip"`
	Pip            bool   `json:"pip"`
	Virtualenv     bool   `json:"virtualenv"`
}

// probeScript also has to be understood by Pythons that are too old.
const probeScript = `
import json, os, sys
out = {"version": "%d.%d.%d" % tuple(sys.version_info[:3]), "minor": list(sys.version_info[:2]), "executable": sys.executable}
if sys.version_info >= (3, 10):
    import importlib.util, sysconfig
    out["implementation"] = sys.implementation.name
    out["base"] = os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)
    out["in_venv"] = sys.prefix != sys.base_prefix
    out["tag"] = str(sysconfig.get_config_var("EXT_SUFFIX"))
    out["platform"] = sysconfig.get_platform()
    out["free_threaded"] = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))
    for name in ("venv", "ensurepip", "pip", "virtualenv"):
        out[name] = importlib.util.find_spec(name) is not None
print(json.dumps(out))
`

// probe asks the interpreter at path what it is. The error is the reason why it
// cannot be used.
func (s *setup) probe(ctx context.Context, path string) (interpreter, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	out, err := run(ctx, command{path: path, args: []string{"-I", "-c", probeScript}, env: s.environ.forPython(), dir: "/"})
	if err != nil {
		return interpreter{}, explain(err)
	}
	var p interpreter
	if err := json.Unmarshal([]byte(out), &p); err != nil {
		return interpreter{}, fmt.Errorf("it answers %.60q, which no Python does", strings.TrimSpace(out))
	}
	p.Path = path
	return p, p.unfit()
}

// explain turns the end of a probe into the reason that is shown: the first
// thing that was said, as pyenv's shims and launchers put it there.
func explain(err error) error {
	var failed *commandError
	if errors.As(err, &failed) && len(failed.tail) > 0 {
		return fmt.Errorf("%w: %s", failed.cause, failed.tail[0])
	}
	if errors.As(err, &failed) {
		return failed.cause
	}
	return err
}

// unfit returns why no environment can be built with p, or nil.
func (p interpreter) unfit() error {
	switch {
	case len(p.Minor) != 2 || p.Minor[0] != 3 || p.Minor[1] < minorMin:
		return fmt.Errorf("version %s is too old: 3.%d or newer is needed", p.Version, minorMin)
	case p.Minor[1] > minorMax:
		return fmt.Errorf("version %s is too new: DSPy knows 3.%d to 3.%d", p.Version, minorMin, minorMax)
	case p.Implementation != "cpython":
		return fmt.Errorf("it is %s: CPython is needed", p.Implementation)
	case p.FreeThreaded:
		return errors.New("it is a free-threaded build: some packages have no wheels for it")
	default:
		return nil
	}
}
