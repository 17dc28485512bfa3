package pyenv

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
)

// Environment variables that stand in for empty fields of [Config].
const (
	// PythonVariable names the interpreter to use as it is.
	PythonVariable = "DSPOOL_PYTHON"
	// CacheVariable names the cache folder.
	CacheVariable = "DSPOOL_CACHE"
)

// Config says which environment is wanted. The zero value is dspool's own
// environment in the user's cache folder.
type Config struct {
	// Python is an interpreter to use as it is: a path, or a name that is
	// looked up on PATH. Empty means $DSPOOL_PYTHON, and where that is empty
	// too, dspool's own environment.
	Python string
	// CacheDir is the folder for environments. Empty means $DSPOOL_CACHE, and
	// where that is empty too, "dspool" in the user's cache folder.
	CacheDir string
	// Lock is the text of a requirements file with hashes to build from instead
	// of dspool's own. An environment is built then even if an interpreter is
	// named. Imports are modules whose import proves that it works.
	Lock    string
	Imports []string
	// Progress is told how a build goes on; nil tells nobody. It is never
	// called by two goroutines at once, and not at all when there is nothing to
	// build. It must not block.
	Progress func(Progress)
	// Offline forbids the network: a build then succeeds only from what uv or
	// pip find on this machine.
	Offline bool
	// Logger gets the commands that a build runs. Nil discards.
	Logger *slog.Logger
}

// Env is an environment that workers can run in.
type Env struct {
	// Python is the absolute path of the interpreter.
	Python string
	// Package is the folder that holds dspool_worker. It goes first on
	// PYTHONPATH.
	Package string
	// Version is the interpreter's version, such as "3.11.7".
	Version string
	// DSPy is the version of dspy in the environment.
	DSPy string
	// Key identifies the contents of a managed environment. Empty for others.
	Key string
	// Folder is the virtual environment's folder. Empty if not managed.
	Folder string
	// Cache is the cache folder of dspool.
	Cache string
	// Managed tells whether dspool built the environment itself.
	Managed bool
}

// Environ returns the variables, as NAME=value, that a worker needs to run in
// e. DSPy's own cache is kept out of the user's home.
func (e Env) Environ() []string {
	return []string{
		"PYTHONPATH=" + e.Package,
		"PYTHONUNBUFFERED=1",
		"LITELLM_LOCAL_MODEL_COST_MAP=True",
		"DSPY_CACHEDIR=" + filepath.Join(e.Cache, "dspy"),
	}
}

// Step is a part of a build.
type Step string

// Steps in the order in which a build takes them.
const (
	StepWait    Step = "wait"    // another process builds the same environment
	StepFind    Step = "find"    // look for a Python
	StepCreate  Step = "create"  // make an empty virtual environment
	StepInstall Step = "install" // download and install packages
	StepCheck   Step = "check"   // import what was installed
	StepDone    Step = "done"    // ready
)

// Progress tells how far a build is. The same step is reported about once a
// second, so that somebody who watches sees the time go on.
type Progress struct {
	Step Step
	// Detail is for people: the interpreter found, the package at hand.
	Detail string
	// Done and Total count packages. Total is 0 where nothing is counted.
	Done, Total int
	// Elapsed is the time since the build began.
	Elapsed time.Duration
}

// CacheFolder returns the cache folder that cfg stands for, without creating it.
func CacheFolder(cfg Config) (string, error) {
	folder := firstOf(cfg.CacheDir, os.Getenv(CacheVariable))
	if folder == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fault.Wrap(fault.Unavailable, err,
				"there is no cache folder for the Python environment: set "+CacheVariable+" to a folder that can be written")
		}
		folder = filepath.Join(user, "dspool")
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return "", fault.Wrap(fault.Unavailable, err, "the cache folder "+folder+" has no absolute path")
	}
	return absolute, nil
}

func firstOf(values ...string) string {
	for _, v := range values {
		if strings.TrimSpace(v) != "" {
			return v
		}
	}
	return ""
}
