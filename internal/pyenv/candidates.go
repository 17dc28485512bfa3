package pyenv

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
)

// The Pythons that the lock file is made for.
const (
	minorMin = 10
	minorMax = 14
)

// Candidate is a Python that was looked at.
type Candidate struct {
	// Path is where it was found.
	Path string
	// Version is empty when it did not answer.
	Version string
	// Err says why it cannot be used; nil when it can.
	Err error
}

// Candidates looks at every Python that [Ensure] would consider, best first. It
// starts each of them once: 20 to 200 ms each.
func Candidates(ctx context.Context, cfg Config) ([]Candidate, error) {
	s, err := newSetup(cfg)
	if err != nil {
		return nil, err
	}
	all, _ := s.survey(ctx)
	return all, nil
}

// survey probes every Python there is. The fit ones come back twice: among the
// candidates and as interpreters, those first that need no workaround to make a
// virtual environment.
func (s *setup) survey(ctx context.Context) ([]Candidate, []interpreter) {
	var all []Candidate
	var fit []interpreter
	seen := map[string]bool{}
	for _, path := range s.paths() {
		resolved, err := filepath.EvalSymlinks(path)
		if err != nil || seen[resolved] {
			continue
		}
		seen[resolved] = true
		p, err := s.probeBase(ctx, path)
		if ctx.Err() != nil {
			break
		}
		all = append(all, Candidate{Path: path, Version: p.Version, Err: err})
		if err == nil && !slices.ContainsFunc(fit, func(q interpreter) bool { return q.Base == p.Base }) {
			fit = append(fit, p)
		}
	}
	slices.SortStableFunc(fit, func(a, b interpreter) int { return s.effort(a) - s.effort(b) })
	return all, fit
}

// probeBase probes the Python at path, or the one underneath it when that is in
// a virtual environment: an environment must not depend on another one.
func (s *setup) probeBase(ctx context.Context, path string) (interpreter, error) {
	p, err := s.probe(ctx, path)
	if err != nil {
		return p, err
	}
	if resolved, err := filepath.EvalSymlinks(p.Executable); err == nil && resolved == p.Base && !p.InVenv {
		return p, nil
	}
	base, err := s.probe(ctx, p.Base)
	if err != nil {
		return p, fmt.Errorf("the Python underneath it, %s: %w", p.Base, err)
	}
	base.Path = path
	return base, nil
}

// effort is 0 for a Python that an environment can be made with straight away.
func (s *setup) effort(p interpreter) int {
	if s.uv() != "" || p.Venv && p.Ensurepip {
		return 0
	}
	return 1
}

// paths returns where Pythons are, in the order of preference: first the
// versions that dspool is tested with, then what is called just python, all on
// PATH; then the usual places, for services with a short PATH.
func (s *setup) paths() []string {
	var paths []string
	for _, name := range names() {
		paths = append(paths, s.environ.lookAll(name)...)
	}
	for _, pattern := range s.places {
		found, err := filepath.Glob(pattern)
		if err == nil {
			paths = append(paths, slices.DeleteFunc(found, func(p string) bool { return !executable(p) })...)
		}
	}
	return paths
}

func names() []string {
	return []string{"python3.13", "python3.12", "python3.11", "python3.10", "python3.14", "python3", "python"}
}

// usualPlaces returns patterns of interpreters that need not be on PATH.
func usualPlaces(e environ) []string {
	patterns := []string{"/usr/bin/python3", "/usr/local/bin/python3", "/opt/homebrew/bin/python3"}
	home := e.get("HOME")
	if home == "" {
		return patterns
	}
	return append(patterns,
		filepath.Join(firstOf(e.get("PYENV_ROOT"), filepath.Join(home, ".pyenv")), "versions/3.1[0-4]*/bin/python3"),
		filepath.Join(home, ".local/share/uv/python/cpython-3.1[0-4]*/bin/python3"),
		filepath.Join(home, "miniconda3/bin/python3"),
	)
}
