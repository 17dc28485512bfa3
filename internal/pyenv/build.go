package pyenv

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
)

// build makes the environment with the first Python and tool that can. The
// caller holds the lock.
func (s *setup) build(ctx context.Context, tell *report) (record, error) {
	tell.step(StepFind, "")
	looked, fit := s.survey(ctx)
	if ctx.Err() != nil {
		return record{}, ended(ctx, ctx.Err())
	}
	if len(fit) == 0 {
		return record{}, noPython(looked)
	}
	p := fit[0]
	tell.step(StepFind, fmt.Sprintf("Python %s (%s)", p.Version, p.Path))
	var tried attempts
	for _, t := range s.tools(p) {
		if tried.pointless(t) {
			continue
		}
		r, err := s.buildWith(ctx, t, p, tell)
		if err == nil {
			tell.step(StepDone, r.Folder)
			return r, nil
		}
		if ctx.Err() != nil {
			return record{}, ended(ctx, err)
		}
		s.log.Info("environment not built", "tool", t.name, "python", p.Path, "error", err)
		tried = append(tried, attempt{t, err})
	}
	return record{}, s.notBuilt(p, tried)
}

// buildWith builds in a new folder and puts the record in place. On failure the
// folder is removed.
func (s *setup) buildWith(ctx context.Context, t tool, p interpreter, tell *report) (_ record, err error) {
	begun := time.Now()
	id := key(s.selector, p)
	folder, err := os.MkdirTemp(s.home(), fmt.Sprintf("py%d.%d-%s-*", p.Minor[0], p.Minor[1], id[:8]))
	if err != nil {
		return record{}, s.cacheTrouble(err)
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(folder)
		}
	}()
	if err := os.Chmod(folder, 0o755); err != nil {
		return record{}, s.cacheTrouble(err)
	}
	if err := s.fill(ctx, t, p, folder, tell); err != nil {
		return record{}, err
	}
	tell.step(StepCheck, "")
	packages, err := s.check(ctx, folder)
	if err != nil {
		return record{}, err
	}
	r := record{
		Folder: filepath.Base(folder), Version: p.Version, Key: id, Base: p.Base, Tool: t.name,
		Packages: packages, Built: begun.UTC().Truncate(time.Second), Seconds: time.Since(begun).Seconds(),
	}
	if err := writeJSON(filepath.Join(s.home(), recordName), r); err != nil {
		return record{}, s.cacheTrouble(err)
	}
	return r, nil
}

// fill makes the virtual environment and installs the lock into it.
func (s *setup) fill(ctx context.Context, t tool, p interpreter, folder string, tell *report) error {
	tell.step(StepCreate, "with "+t.name)
	if err := s.do(ctx, t.create(folder), nil); err != nil {
		return err
	}
	lock := filepath.Join(folder, "requirements.lock")
	if err := os.WriteFile(lock, []byte(s.recipe.lock), 0o644); err != nil {
		return s.cacheTrouble(err)
	}
	tell.step(StepInstall, "with "+t.name)
	count := &counter{tell: tell, total: s.recipe.packages()}
	if err := s.do(ctx, t.install(folder, lock), count.line); err != nil {
		return installError{err}
	}
	s.log.Debug("installed", "folder", folder, "python", p.Base)
	return nil
}

// do runs one command of a tool.
func (s *setup) do(ctx context.Context, c command, line func(string)) error {
	c.env = append(s.environ.forPython(), c.env...)
	c.dir, c.line = s.home(), line
	s.log.Debug("run", "command", shown(c))
	_, err := run(ctx, c)
	return err
}

// checkScript imports what has to work, compiles the worker's package and prints
// what is installed.
const checkScript = `
import compileall, importlib, json, sys
from importlib import metadata
for name in sys.argv[2:]:
    importlib.import_module(name)
compileall.compile_dir(sys.argv[1], quiet=2)
print(json.dumps({(d.metadata["Name"] or "").lower(): d.version for d in metadata.distributions()}))
`

// check proves that an environment works and returns its packages with their
// versions.
func (s *setup) check(ctx context.Context, folder string) (map[string]string, error) {
	pack, err := s.pack()
	if err != nil {
		return nil, err
	}
	out, err := run(ctx, command{
		path: interpreterIn(folder),
		args: append([]string{"-I", "-c", checkScript, pack}, s.recipe.imports...),
		env:  s.environ.forPython("DSPY_CACHEDIR=" + filepath.Join(s.cache, "dspy")),
		dir:  s.home(),
	})
	if err != nil {
		return nil, err
	}
	var packages map[string]string
	if err := json.Unmarshal([]byte(lastLine(out)), &packages); err != nil {
		return nil, fmt.Errorf("the new environment answers %.80q: %w", out, err)
	}
	return packages, nil
}

func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// sweep removes what builders that did not finish left in the recipe's folder, and
// an environment whose Python is gone.
func (s *setup) sweep() {
	entries, err := os.ReadDir(s.home())
	if err != nil {
		return
	}
	for _, entry := range entries {
		if name := entry.Name(); name != "lock" {
			_ = os.RemoveAll(filepath.Join(s.home(), name))
		}
	}
}

// installError is a failure of the installer, after the empty environment was
// made.
type installError struct{ error }

func (e installError) Unwrap() error { return e.error }

// attempt is one tool that failed.
type attempt struct {
	tool tool
	err  error
}

type attempts []attempt

// pointless reports whether the installer of t has failed before.
func (a attempts) pointless(t tool) bool {
	return slices.ContainsFunc(a, func(one attempt) bool {
		return one.tool.with == t.with && errors.As(one.err, new(installError))
	})
}

func (a attempts) String() string {
	var b strings.Builder
	for _, one := range a {
		fmt.Fprintf(&b, "\n- tried %s: %s", one.tool.name, strings.ReplaceAll(one.err.Error(), "\n", "\n    "))
	}
	return b.String()
}

// text is everything that was said, for [advice].
func (a attempts) text() string {
	var b strings.Builder
	for _, one := range a {
		var failed *commandError
		if errors.As(one.err, &failed) {
			b.WriteString(failed.said(tailLines))
		}
		b.WriteString(one.err.Error())
	}
	return b.String()
}

func (s *setup) notBuilt(p interpreter, tried attempts) error {
	return fault.Newf(fault.Unavailable, "the Python environment could not be built in %s with Python %s (%s)%s\nWhat to do: %s",
		s.home(), p.Version, p.Base, tried, advice(p, tried.text()))
}

func noPython(looked []Candidate) error {
	var b strings.Builder
	for _, c := range looked {
		fmt.Fprintf(&b, "\n- %s: %v", c.Path, c.Err)
	}
	if len(looked) == 0 {
		b.WriteString("\n- nothing called python3 is on PATH")
	}
	return fault.Newf(fault.Unavailable, "no usable Python was found (3.%d to 3.%d is needed); looked at:%s\nWhat to do: %s",
		minorMin, minorMax, b.String(), installPython())
}
