package chaos

import (
	"errors"
	"fmt"
	"time"

	"github.com/dspool/dspool/fault"
)

// Defaults of Config.
const (
	DuringDefault      = 10 * time.Second
	CallersDefault     = 64
	CallTimeoutDefault = 30 * time.Second
	// successIdempotent is the share of answered calls below which a run with
	// idempotent programs has failed.
	successIdempotent = 0.9999
)

// A Config says what is done to a pool. Durations of 0 mean: not at all.
type Config struct {
	// Python is the interpreter of the environment, "" for the managed one.
	Python string
	// CacheDir is where the managed environment is, "" for the default.
	CacheDir string
	// Command is a mock worker's command to run instead of Python.
	Command []string
	// Workers is how many the pool has, 0 for its default.
	Workers int

	// During is how long calls are made. Defaults to 10 s. Calls ends the run
	// earlier, after so many; 0 is no limit.
	During time.Duration
	Calls  int64
	// Callers call at once, each again as soon as it has been answered.
	// Defaults to 64.
	Callers int
	// Work is how long each call takes in the worker.
	Work time.Duration
	// CallTimeout is each call's deadline. Defaults to 30 s.
	CallTimeout time.Duration
	// Idempotent declares the program to be so: the pool runs it again when a
	// worker was lost.
	Idempotent bool

	// KillEvery, FreezeEvery, KillForkServerEvery and SwapEvery say how often
	// a worker is killed, a worker is stopped by SIGSTOP, the fork server is
	// killed, and all workers are exchanged.
	KillEvery, FreezeEvery, KillForkServerEvery, SwapEvery time.Duration

	// Success is the share of calls that must be answered. -1 is none.
	// Defaults to 1 if nothing is done to the pool, to 0.9999 with idempotent
	// programs, and to none otherwise: a call that was lost may not be run
	// again, however often that is.
	Success float64
	// Progress hears of the counts each second; nil for nobody.
	Progress func(Tally)
}

// WithDefaults returns a copy in which every field that was left out has its
// default.
func (c Config) WithDefaults() Config {
	if c.During == 0 {
		c.During = DuringDefault
	}
	if c.Callers == 0 {
		c.Callers = CallersDefault
	}
	if c.CallTimeout == 0 {
		c.CallTimeout = CallTimeoutDefault
	}
	if c.Success == 0 {
		c.Success = c.bound()
	}
	if c.Progress == nil {
		c.Progress = func(Tally) {}
	}
	return c
}

func (c Config) bound() float64 {
	switch {
	case c.KillEvery == 0 && c.FreezeEvery == 0 && c.KillForkServerEvery == 0:
		return 1
	case c.Idempotent:
		return successIdempotent
	default:
		return -1
	}
}

// Validate returns everything that is wrong in one error, by field.
func (c Config) Validate() error {
	c = c.WithDefaults()
	var errs []error
	must := func(holds bool, format string, args ...any) {
		if !holds {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	for _, d := range []struct {
		name string
		d    time.Duration
	}{
		{"Work", c.Work},
		{"KillEvery", c.KillEvery},
		{"FreezeEvery", c.FreezeEvery},
		{"KillForkServerEvery", c.KillForkServerEvery},
		{"SwapEvery", c.SwapEvery},
	} {
		must(d.d >= 0, "%s: must not be negative, got %s", d.name, d.d)
	}
	must(c.During > 0, "During: must be positive, got %s", c.During)
	must(c.CallTimeout > 0, "CallTimeout: must be positive, got %s", c.CallTimeout)
	must(c.Callers >= 1, "Callers: must be at least 1, got %d", c.Callers)
	must(c.Workers >= 0, "Workers: must not be negative, got %d", c.Workers)
	must(c.Calls >= 0, "Calls: must not be negative, got %d", c.Calls)
	must(c.Success <= 1 && (c.Success >= 0 || c.Success == -1), "Success: must be from 0 to 1, or -1 for none, got %v", c.Success)
	if len(errs) == 0 {
		return nil
	}
	return fault.Wrap(fault.InvalidArgument, errors.Join(errs...), "chaos cannot be made like that")
}
