package worker

import (
	"context"

	"github.com/dspool/dspool/internal/wire"
)

// A Source starts workers. All methods may be called concurrently.
type Source interface {
	// Start prepares the source. It returns when workers can be ordered. A
	// source that is broken (Done) can be started again.
	Start(ctx context.Context) error
	// Spawn starts one worker and returns it when it has said HELLO. ctx bounds
	// the start only.
	Spawn(ctx context.Context, id string) (*Worker, error)
	// Stop ends the source, and with it whatever workers are still there.
	// Stopping twice, or before Start, is allowed.
	Stop(ctx context.Context) error
	// Done is closed when the source has broken by itself and has to be started
	// again. Ask for it after each Start.
	Done() <-chan struct{}
	// Info tells what the source is.
	Info() Info
}

// The kinds of [Info].
const (
	KindSpawn      = "spawn"
	KindForkServer = "forkserver"
)

// An Info describes a running source.
type Info struct {
	// Kind is how workers are really started: KindSpawn or KindForkServer.
	Kind string
	// PID is the fork server's process, 0 when there is none.
	PID int
	// Python and DSPy are versions, "" while nobody has told.
	Python, DSPy string
	// Isolation is what became of the fork server's sandbox, nil if there is
	// none. Spawned workers tell it each, in their Hello.
	Isolation *wire.Isolation
	// Unsafe says why a fork server was asked for and is not used.
	Unsafe []string
	// Ended says how the fork server ended, "" while it lives.
	Ended string
	// Failed says which preload modules could not be imported, and why.
	Failed []string
}
