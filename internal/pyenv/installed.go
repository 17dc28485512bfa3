package pyenv

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Installed is an environment in the cache folder.
type Installed struct {
	// Folder is the virtual environment.
	Folder string
	// Version is its Python's version.
	Version string
	// Key identifies its contents.
	Key string
	// Tool is what it was built with.
	Tool string
	// Base is the Python underneath.
	Base string
	// Packages are the installed packages with their versions.
	Packages map[string]string
	// Built is when, Took is how long.
	Built time.Time
	Took  time.Duration
	// Current tells whether this binary uses it; others belong to other versions
	// of dspool.
	Current bool
}

// List returns the complete environments in the cache folder, this binary's own
// first. It starts no process.
func List(cfg Config) ([]Installed, error) {
	s, err := newSetup(cfg)
	if err != nil {
		return nil, err
	}
	return s.list(), nil
}

func (s *setup) list() []Installed {
	homes, err := filepath.Glob(filepath.Join(s.cache, "env", "*"))
	if err != nil {
		return nil
	}
	var all []Installed
	for _, home := range homes {
		r, ok := readRecord(home)
		if !ok {
			continue
		}
		one := Installed{
			Folder: filepath.Join(home, r.Folder), Version: r.Version, Key: r.Key, Tool: r.Tool, Base: r.Base,
			Packages: r.Packages, Built: r.Built, Took: time.Duration(r.Seconds * float64(time.Second)),
			Current: home == s.home(),
		}
		if one.Current {
			all = append([]Installed{one}, all...)
		} else {
			all = append(all, one)
		}
	}
	return all
}

// Remove removes this binary's environment from the cache folder, or with all
// everything that dspool keeps there, and returns the folders removed. It waits
// for a build to end. Workers that run in the environment lose the modules they
// have not imported yet: stop pools first. A user's own environment is never
// touched.
func Remove(ctx context.Context, cfg Config, all bool) ([]string, error) {
	s, err := newSetup(cfg)
	if err != nil {
		return nil, err
	}
	homes := []string{s.home()}
	if all {
		if homes, err = filepath.Glob(filepath.Join(s.cache, "env", "*")); err != nil {
			return nil, s.cacheTrouble(err)
		}
	}
	var removed []string
	for _, home := range homes {
		gone, err := s.empty(ctx, home)
		removed = append(removed, gone...)
		if err != nil {
			return removed, err
		}
	}
	if !all {
		return removed, nil
	}
	return s.removeRest(removed)
}

// removeRest removes what lies beside the environments.
func (s *setup) removeRest(removed []string) ([]string, error) {
	for _, name := range []string{"worker", "check", "dspy"} {
		folder := filepath.Join(s.cache, name)
		if !exists(folder) {
			continue
		}
		if err := os.RemoveAll(folder); err != nil {
			return removed, s.cacheTrouble(err)
		}
		removed = append(removed, folder)
	}
	return removed, nil
}

// empty removes the environments in home. The record goes first, so that nobody
// starts to use what is being removed; the lock stays, others may wait for it.
func (s *setup) empty(ctx context.Context, home string) ([]string, error) {
	if !exists(home) {
		return nil, nil
	}
	tell := startReport(s.cfg.Progress)
	defer tell.stop()
	held, err := s.lockFolder(ctx, home, tell)
	if err != nil {
		return nil, ended(ctx, err)
	}
	defer held.release()
	if err := os.Remove(filepath.Join(home, recordName)); err != nil && !os.IsNotExist(err) {
		return nil, s.cacheTrouble(err)
	}
	folders, err := filepath.Glob(filepath.Join(home, "py*"))
	if err != nil {
		return nil, s.cacheTrouble(err)
	}
	for i, folder := range folders {
		if err := os.RemoveAll(folder); err != nil {
			return folders[:i], s.cacheTrouble(err)
		}
	}
	return folders, nil
}

// Size returns how many bytes the files in folder hold. It visits each of them.
func Size(folder string) int64 {
	var total int64
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil //nolint:nilerr // what cannot be read is not counted
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}
