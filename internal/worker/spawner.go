package worker

import (
	"context"
	"os"
	"sync"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/process"
)

// A Spawner is a [Source] that starts one program per worker. It cannot break.
type Spawner struct {
	cfg    *Config
	never  chan struct{}
	unsafe []string // why it stands in for a fork server

	mu       sync.Mutex
	launcher *process.Launcher
	stopped  bool
	workers  sync.WaitGroup // added to under mu, and not after the stop
}

// NewSpawner returns a Spawner. It does no I/O.
func NewSpawner(cfg Config) *Spawner { return newSpawner(cfg.withDefaults(), nil) }

func newSpawner(cfg *Config, unsafe []string) *Spawner {
	return &Spawner{cfg: cfg, never: make(chan struct{}), unsafe: unsafe}
}

// Start takes the OS thread that will start the workers.
func (s *Spawner) Start(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stopped {
		return errStopped()
	}
	if s.launcher == nil {
		s.launcher = process.NewLauncher()
	}
	return nil
}

// Spawn starts one program and waits for its HELLO.
func (s *Spawner) Spawn(ctx context.Context, id string) (*Worker, error) {
	launcher, err := s.enter()
	if err != nil {
		return nil, err
	}
	e, err := openEnds(s.cfg.Slots)
	if err != nil {
		s.workers.Done()
		return nil, err
	}
	settings := s.cfg.settings(id)
	settings.Socket, settings.Ledger, settings.Sandbox = firstFile, firstFile+1, s.cfg.Sandbox
	p, err := s.launch(ctx, launcher, id, settings, e)
	if err != nil {
		e.close()
		s.workers.Done()
		return nil, err
	}
	e.closePeer()
	return raise(ctx, s.cfg, settings, e, spawned{p}, s.workers.Done)
}

func (s *Spawner) launch(ctx context.Context, l *process.Launcher, id string, settings any, e *ends) (*process.Process, error) {
	text, err := asJSON(settings)
	if err != nil {
		return nil, err
	}
	path, args, err := s.cfg.command("worker", "--settings", text)
	if err != nil {
		return nil, err
	}
	return l.Start(ctx, process.Spec{
		Path: path, Args: args, Env: s.cfg.Env, Dir: s.cfg.Dir,
		Files:  []*os.File{e.socket, e.ledger.file},
		Stdout: s.cfg.lines(id, Stdout), Stderr: s.cfg.lines(id, Stderr), Redact: s.cfg.Redact,
	})
}

// enter lets a start in, which Stop will wait for.
func (s *Spawner) enter() (*process.Launcher, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.stopped:
		return nil, errStopped()
	case s.launcher == nil:
		return nil, fault.New(fault.Unavailable, "workers were ordered before the source was started")
	default:
		s.workers.Add(1)
		return s.launcher, nil
	}
}

// Stop kills the processes that are still there and gives the thread back.
func (s *Spawner) Stop(context.Context) error {
	s.mu.Lock()
	launcher := s.launcher
	s.stopped = true
	s.mu.Unlock()
	if launcher == nil {
		return nil
	}
	err := launcher.Close()
	s.workers.Wait()
	return err
}

// Done is never closed.
func (s *Spawner) Done() <-chan struct{} { return s.never }

// Info tells that workers are spawned, and why if a fork server was asked for.
func (s *Spawner) Info() Info { return Info{Kind: KindSpawn, Unsafe: s.unsafe} }

func errStopped() error {
	return fault.New(fault.ShuttingDown, "the source of workers has been stopped")
}

var _ Source = (*Spawner)(nil)
