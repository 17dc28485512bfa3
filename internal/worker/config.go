package worker

import (
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/wire"
)

// Defaults of [Config].
const (
	StartTimeoutDefault = 60 * time.Second
	CancelGraceDefault  = 2 * time.Second
	TermGraceDefault    = 2 * time.Second
	ThreadsDefault      = 64

	programsDefault = 1024
	lmsDefault      = 64
)

// ForkServerID is the name under which the fork server's output appears.
const ForkServerID = "forkserver"

// A Config says how workers are started and treated. The zero value of a
// field is its default. A Config is not changed after it is handed over.
type Config struct {
	// Settings is the template of every worker's settings: the sizes of its
	// caches and the kind of its loop. The rest is filled in here.
	Settings wire.Settings
	// Python is the interpreter; a bare name is searched for on PATH.
	Python string
	// Command replaces "Python -m dspool_worker". The mode and its options are
	// appended. Any program that speaks docs/PROTOCOL.md will do.
	Command []string
	// Env is the workers' whole environment. Nil is this process's own.
	Env []string
	// Dir is the workers' working directory, "" this process's own.
	Dir string
	// Path are folders of user code, Preload modules that the fork server
	// imports before it forks.
	Path, Preload []string
	// Warm makes the fork server touch all that a first prediction needs.
	Warm bool
	// LiteLLM makes the fork server import LiteLLM as well: seconds once, instead
	// of in each worker.
	LiteLLM bool
	// Sandbox sets the fork server, or each spawned worker, apart from the host;
	// nil is no sandbox. A Command is asked to do it too.
	Sandbox *wire.Sandbox
	// StartTimeout bounds the time until HELLO. Defaults to StartTimeoutDefault.
	StartTimeout time.Duration
	// CancelGrace is the time a cancelled call has to stop before its worker is
	// given up, and the time its neighbours have then. Defaults to
	// CancelGraceDefault.
	CancelGrace time.Duration
	// TermGrace is the time between the steps of the stop ladder, counted from
	// the last call's end. Defaults to TermGraceDefault.
	TermGrace time.Duration
	// FrameLimit and Slots are the connection's limits. Default to those of
	// package wire.
	FrameLimit, Slots int
	// Threads is the size of a worker's pool of threads for sync code. Defaults to
	// ThreadsDefault.
	Threads int
	// Resolve finds definitions that workers ask for. It must not block.
	Resolve func(kind, hash string) ([]byte, bool)
	// HostCall answers the calls of workers to this side.
	HostCall func(ctx context.Context, req *mux.HostRequest) (mux.HostReply, error)
	// OnTransition hears of every move of every worker, one worker's moves in
	// order. It is called on the paths of calls and must return at once.
	OnTransition func(Transition)
	// OnOutput gets the lines of the workers' standard output and error. A slow
	// receiver loses lines, which are counted. Defaults to the Logger at Info.
	OnOutput func(Output)
	// Redact takes secrets out of a line, before the shapes and variables that
	// are always looked for. Nil does nothing.
	Redact func(string) string
	// Logger defaults to one that discards.
	Logger *slog.Logger
}

func (c Config) withDefaults() *Config {
	setDefault(&c.StartTimeout, StartTimeoutDefault)
	setDefault(&c.CancelGrace, CancelGraceDefault)
	setDefault(&c.TermGrace, TermGraceDefault)
	setDefault(&c.FrameLimit, wire.FrameLimitDefault)
	setDefault(&c.Slots, wire.SlotsDefault)
	if c.Env == nil {
		c.Env = os.Environ()
	}
	// Python reads lists, not null.
	c.Path = append([]string{}, c.Path...)
	c.Preload = append([]string{}, c.Preload...)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.OnOutput == nil {
		c.OnOutput = logOutput(c.Logger)
	}
	c.Redact = redactor(c.Env, c.Redact)
	return &c
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
