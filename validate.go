package dspool

import (
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// minFrameLimit keeps room for errors and definitions.
const (
	minFrameLimit = 64 << 10
	slots         = wire.SlotsDefault
	// concurrencyMax leaves slots for pings.
	concurrencyMax = slots - 64
)

// Validate returns everything that is wrong with the configuration in one
// error, each part with the path of its field, or nil. It does no I/O. Fields
// that were left out are taken as their defaults.
func (c Config) Validate() error {
	c = c.WithDefaults()
	k := &checker{path: "Config"}
	c.checkWorkers(k)
	c.checkSandbox(k)
	c.checkLimits(k)
	c.checkTimes(k)
	c.Affinity.check(k)
	c.Objects.check(k, c.FrameLimit)
	c.Restart.check(k)
	c.RetryBudget.check(k, "RetryBudget")
	c.Scale.check(k, c.Workers)
	c.Prewarm.check(k)
	c.Sessions.check(k, "Sessions.")
	c.Health.check(k)
	c.Recycle.check(k, c.Health)
	c.checkLMs(k)
	c.Egress.check(k)
	c.Tenants.check(k, c.Sandbox)
	return k.verdict()
}

func (c Config) checkWorkers(k *checker) {
	k.must(c.Workers >= 1, "Workers", "must be at least 1, got %d", c.Workers)
	k.must(c.Start == ForkServer || c.Start == Spawn, "Start", "must be %q or %q, got %q", ForkServer, Spawn, c.Start)
	k.must(c.Start != ForkServer || runtime.GOOS == "linux", "Start", "must be %q: the fork server works on Linux only", Spawn)
	k.must(len(c.Command) == 0 || c.Start == Spawn, "Start", "must be %q when Command is set", Spawn)
	k.must(len(c.Command) == 0 || c.Python == "", "Python", "has no meaning when Command is set")
	k.must(len(c.Command) == 0 || c.Command[0] != "", "Command[0]", "must name a program")
	for i, folder := range c.Path {
		k.must(folder != "", fmt.Sprintf("Path[%d]", i), "must not be empty")
	}
	for i, module := range c.Preload {
		k.must(dotted(module), fmt.Sprintf("Preload[%d]", i), "must be a Python module such as \"package.module\", got %q", module)
	}
	for i, entry := range c.Env {
		name, _, ok := strings.Cut(entry, "=")
		k.must(ok && name != "", fmt.Sprintf("Env[%d]", i), "must have the form NAME=value")
		k.must(!strings.ContainsRune(entry, 0), fmt.Sprintf("Env[%d]", i), "must not contain a zero byte")
	}
}

func (c Config) checkLimits(k *checker) {
	k.must(c.WorkerConcurrency >= 1, "WorkerConcurrency", "must be at least 1, got %d", c.WorkerConcurrency)
	k.must(c.WorkerConcurrency <= concurrencyMax, "WorkerConcurrency", "must be at most %d, got %d", concurrencyMax, c.WorkerConcurrency)
	k.must(c.Threads >= 1, "Threads", "must be at least 1, got %d", c.Threads)
	k.must(c.QueueSize >= -1, "QueueSize", "must be -1 (none) or more, got %d", c.QueueSize)
	k.must(c.FrameLimit >= minFrameLimit, "FrameLimit", "must be at least %d bytes, got %d", minFrameLimit, c.FrameLimit)
}

func (c Config) checkTimes(k *checker) {
	orOff := func(name string, d time.Duration) {
		k.must(d > 0 || d == -1, name, "must be -1 (off) or positive, got %s", d)
	}
	positive := func(name string, d time.Duration) { k.must(d > 0, name, "must be positive, got %s", d) }
	orOff("QueueTimeout", c.QueueTimeout)
	orOff("CallTimeout", c.CallTimeout)
	positive("CancelGrace", c.CancelGrace)
	positive("DrainTimeout", c.DrainTimeout)
	positive("TermGrace", c.TermGrace)
	positive("StartTimeout", c.StartTimeout)
}

func (c Config) checkLMs(k *checker) {
	family := familyOf(c)
	if c.LM.given() {
		k.errs = append(k.errs, c.LM.check("Config.LM")...)
		k.errs = append(k.errs, family.check("Config.LM", "")...)
	}
	for _, name := range slices.Sorted(maps.Keys(c.LMs)) {
		k.must(name != "", "LMs", "must not have an empty name: the default is Config.LM")
		k.must(!strings.Contains(name, tenantMark), fmt.Sprintf("LMs[%q]", name), "the name must not hold control characters")
		path := fmt.Sprintf("Config.LMs[%q]", name)
		k.errs = append(k.errs, c.LMs[name].check(path)...)
		k.errs = append(k.errs, family.check(path, name)...)
	}
}

// A checker collects what is wrong under one path.
type checker struct {
	path string
	errs []error
}

func (k *checker) must(ok bool, field, format string, args ...any) {
	if !ok {
		k.errs = append(k.errs, fmt.Errorf("%s.%s: %s", k.path, field, fmt.Sprintf(format, args...)))
	}
}

// joined puts the messages of errors into one line.
func joined(errs []error) string {
	return strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; ")
}

// verdict is everything that was wrong, as one error, or nil.
func (k *checker) verdict() error {
	if len(k.errs) == 0 {
		return nil
	}
	return fault.Wrap(fault.InvalidArgument, errors.Join(k.errs...), "the configuration is not usable")
}
