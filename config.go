package dspool

import (
	"log/slog"
	"runtime"
	"time"
)

// Defaults of Config.
const (
	WorkersMin               = 2
	WorkersMax               = 4
	WorkerConcurrencyDefault = 256
	QueueSizeDefault         = 1024
	QueueTimeoutDefault      = 30 * time.Second
	CallTimeoutDefault       = 2 * time.Minute
	CancelGraceDefault       = 2 * time.Second
	DrainTimeoutDefault      = 10 * time.Second
	TermGraceDefault         = 2 * time.Second
	StartTimeoutDefault      = 60 * time.Second
	FrameLimitDefault        = 64 << 20
	ThreadsDefault           = 16
)

// StartMode says how worker processes come into being.
type StartMode string

const (
	// ForkServer imports DSPy and the preload modules once and forks a worker
	// per order, in milliseconds. Linux only. A preload module that makes
	// forking unsafe (it left a thread, a socket, a running loop) turns the
	// pool to Spawn, with a warning.
	ForkServer StartMode = "fork_server"
	// Spawn starts one Python interpreter per worker.
	Spawn StartMode = "spawn"
)

// Config says everything about a pool. The zero value works: every field has a
// default. -1 turns a limit off where the field says so.
type Config struct {
	// Workers is how many worker processes there are. Defaults to the number
	// of processors, but at least 2 and at most 4: a worker has many calls in
	// flight, so more are needed for Python's own work only. With Scale it is
	// the least there are.
	Workers int
	// Start says how workers are started. Defaults to ForkServer on Linux and
	// to Spawn elsewhere.
	Start StartMode
	// Lazy starts workers when the first call comes, not with Start.
	Lazy bool

	// Python is the interpreter of an environment that has dspy and msgspec.
	// Empty: DSPOOL_PYTHON, or else an environment that dspool makes once,
	// in the user's cache folder.
	Python string
	// CacheDir is where that environment and DSPy's cache live. Empty:
	// "dspool" in the user's cache folder.
	CacheDir string
	// Offline forbids to fetch anything.
	Offline bool
	// Command is a worker that is not ours: a program, with its arguments,
	// that speaks docs/PROTOCOL.md. No Python environment is needed then, and
	// Start is Spawn.
	Command []string
	// Path are folders with the user's own Python code. Relative ones are
	// taken from the working directory.
	Path []string
	// Preload are modules that the fork server imports before it forks, so that
	// every worker has them at once. One that fails to import fails the start
	// of the pool. With Spawn they have no effect: modules are imported at
	// their first use.
	Preload []string
	// Env are variables, "NAME=value", that workers get beyond this process's
	// own. Keys of language model providers and variables that move their
	// traffic (*_API_BASE, *_BASE_URL) are not inherited; naming them here
	// gives them to the user's code. Nor is a PYTHONPATH inherited; one that is
	// named here is searched after dspool's own folder.
	Env []string

	// LM is the language model of calls that name none. It may be left empty
	// when no program needs one.
	LM LM
	// LMs are further language models by name.
	LMs map[string]LM

	// PlainDSPy leaves DSPy as it is. Workers otherwise patch what it does again
	// and again for each prediction, never what it answers: a prediction takes
	// half of the processor time. The variable DSPOOL_DSPY_PATCHES leaves single
	// patches out, see docs/ARCHITECTURE.md.
	PlainDSPy bool

	// Tenants says what those have and may do whom calls are for.
	Tenants Tenants

	// Egress says how language models are reached, and what tenants may use.
	Egress Egress

	// Sandbox keeps workers apart from the host. Defaults to none.
	Sandbox Sandbox

	// WorkerConcurrency is how many calls a worker has in flight at once.
	// Defaults to 256.
	WorkerConcurrency int
	// Threads is how many of a worker's calls may be in synchronous code at
	// once. Defaults to 16.
	Threads int
	// QueueSize is how many calls may wait for a worker; the next one gets
	// queue_full. Defaults to 1024, -1 is none.
	QueueSize int
	// QueueTimeout is how long a call may wait for a worker before it gets
	// queue_timeout. Defaults to 30 s, -1 is as long as its budget.
	QueueTimeout time.Duration
	// CallTimeout is the time budget of a call whose context has no earlier
	// deadline; waiting and running spend it together. Defaults to 2 min, -1
	// is no limit.
	CallTimeout time.Duration

	// Affinity says how calls of one session come to the same worker.
	Affinity Affinity
	// Objects bounds the objects that live in workers.
	Objects Objects

	// CancelGrace is how long a worker has to end the work of a cancelled call
	// before it is taken out of service and killed. Defaults to 2 s.
	CancelGrace time.Duration
	// DrainTimeout is how long calls may run on when their worker is retired,
	// or when Stop is called with a context that has no deadline. Defaults to
	// 10 s.
	DrainTimeout time.Duration
	// TermGrace is the time between SIGTERM and SIGKILL. Defaults to 2 s.
	TermGrace time.Duration
	// StartTimeout is how long a worker, or the fork server, may take to be
	// ready. Defaults to 60 s.
	StartTimeout time.Duration
	// Restart says how fast lost workers are replaced.
	Restart Restart
	// Health says how workers are checked.
	Health Health
	// Recycle says when one is exchanged for a fresh one.
	Recycle Recycle
	// RetryBudget limits how many calls of idempotent programs are run again
	// after their workers were lost.
	RetryBudget RetryBudget
	// Scale lets the number of workers follow the load.
	Scale Scale
	// Prewarm says what each worker does before it takes calls.
	Prewarm Prewarm
	// FrameLimit is the largest request or response in bytes. Defaults to
	// 64 MiB.
	FrameLimit int

	// Sessions says how many sessions there may be, how long they live and where
	// they are kept, see [Pool.Session].
	Sessions SessionsConfig

	// Logger gets what an operator should know. Defaults to none.
	Logger *slog.Logger
	// Output gets each line that workers write to standard output and error.
	// It is called from one goroutine per worker and must not block for long:
	// lines that come meanwhile are dropped and counted. Nil: lines go to
	// Logger. Either way the last ones are kept for crash errors.
	Output func(Output)
}

// WithDefaults returns a copy in which every field that was left out has its
// default.
func (c Config) WithDefaults() Config {
	c.Workers = or(c.Workers, min(max(runtime.NumCPU(), WorkersMin), WorkersMax))
	c.Start = or(c.Start, defaultStart(c.Command))
	c.WorkerConcurrency = or(c.WorkerConcurrency, WorkerConcurrencyDefault)
	c.Threads = or(c.Threads, ThreadsDefault)
	c.QueueSize = or(c.QueueSize, QueueSizeDefault)
	c.QueueTimeout = or(c.QueueTimeout, QueueTimeoutDefault)
	c.CallTimeout = or(c.CallTimeout, CallTimeoutDefault)
	c.CancelGrace = or(c.CancelGrace, CancelGraceDefault)
	c.DrainTimeout = or(c.DrainTimeout, DrainTimeoutDefault)
	c.TermGrace = or(c.TermGrace, TermGraceDefault)
	c.StartTimeout = or(c.StartTimeout, StartTimeoutDefault)
	c.FrameLimit = or(c.FrameLimit, FrameLimitDefault)
	c.Sandbox = c.Sandbox.withDefaults()
	c.Affinity = c.Affinity.withDefaults()
	c.Objects = c.Objects.withDefaults(c.FrameLimit)
	c.Restart = c.Restart.withDefaults()
	c.Health = c.Health.withDefaults()
	c.Recycle = c.Recycle.withDefaults()
	c.RetryBudget = c.RetryBudget.withDefaults(PoolRetryRatioDefault, PoolRetryPerSecondDefault,
		max(PoolRetryBurstDefault, c.Workers*c.WorkerConcurrency))
	c.Scale = c.Scale.withDefaults(c.Workers)
	c.Prewarm = c.Prewarm.withDefaults()
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Sessions.Logger == nil {
		c.Sessions.Logger = c.Logger
	}
	c.Sessions = c.Sessions.withDefaults()
	return c
}

func defaultStart(command []string) StartMode {
	if runtime.GOOS == "linux" && len(command) == 0 {
		return ForkServer
	}
	return Spawn
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// off turns the -1 of a configuration into the 0 of the code.
func off[T int | time.Duration](value T) T { return max(value, 0) }
