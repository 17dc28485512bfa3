package worker

import (
	"context"
	"crypto/rand"
	"os"
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/process"
	"github.com/dspool/dspool/internal/wire"
)

// stopGrace is the time a fork server without children has to end.
const stopGrace = time.Second

// A ForkServer is a [Source] that forks workers from one warm Python process.
// When it breaks (Done), Start makes a new one.
type ForkServer struct {
	cfg *Config

	quit     context.Context // ends with Stop
	cancel   context.CancelFunc
	lives    sync.WaitGroup
	starting sync.Mutex // one start or stop at a time

	mu       sync.Mutex
	launcher *process.Launcher
	life     *zygote
	fallback *Spawner
	stopped  bool
	workers  sync.WaitGroup // added to under mu, and not after the stop
	never    chan struct{}
}

// NewForkServer returns a ForkServer. It does no I/O.
func NewForkServer(cfg Config) *ForkServer {
	quit, cancel := context.WithCancel(context.Background())
	return &ForkServer{cfg: cfg.withDefaults(), quit: quit, cancel: cancel, never: make(chan struct{})}
}

// Start starts the Python process and waits until it has imported everything.
// If it finds that forking is not safe, workers are spawned from then on.
func (f *ForkServer) Start(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(f.quit, cancel)()
	f.starting.Lock()
	defer f.starting.Unlock()
	switch alive, err := f.prepare(); {
	case err != nil:
		return err
	case alive:
		return nil
	case runtime.GOOS != "linux":
		return f.fallBack(ctx, []string{"there is no fork server on " + runtime.GOOS})
	}
	z, err := f.open(ctx)
	if err != nil {
		return err
	}
	if len(z.hello.Unsafe) > 0 {
		f.close(ctx, z)
		return f.fallBack(ctx, z.hello.Unsafe)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.life = z
	return nil
}

// prepare reports whether there is nothing to start.
func (f *ForkServer) prepare() (alive bool, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.stopped {
		return false, errStopped()
	}
	if f.launcher == nil {
		f.launcher = process.NewLauncher()
	}
	return f.fallback != nil || f.life != nil && !f.life.isBroken(), nil
}

func (f *ForkServer) fallBack(ctx context.Context, why []string) error {
	f.cfg.Logger.Warn("the fork server cannot be used; each worker starts a Python of its own", "reasons", why)
	s := newSpawner(f.cfg, why)
	f.mu.Lock()
	f.fallback = s
	f.mu.Unlock()
	return s.Start(ctx)
}

// open starts the process and waits for its hello.
func (f *ForkServer) open(ctx context.Context) (*zygote, error) {
	control, peer, err := socketPair(unix.SOCK_SEQPACKET)
	if err != nil {
		return nil, noEnds(err)
	}
	defer func() { _ = peer.Close() }()
	nonce := rand.Text()
	p, err := f.launch(ctx, peer, nonce)
	if err != nil {
		_ = control.Close()
		return nil, err
	}
	_ = peer.Close() // so that its end is this side's end-of-file
	z := newZygote(f.cfg, p, control)
	if err := z.greet(ctx, nonce); err != nil {
		_ = control.Close()
		p.Kill()
		<-p.Done()
		return nil, z.whyNot(ctx, err)
	}
	f.lives.Go(z.run)
	return z, nil
}

func (f *ForkServer) launch(ctx context.Context, peer *os.File, nonce string) (*process.Process, error) {
	text, err := asJSON(wire.ZygoteSettings{
		Nonce: nonce, Path: f.cfg.Path, Preload: f.cfg.Preload, Warm: f.cfg.Warm, LiteLLM: f.cfg.LiteLLM, Sandbox: f.cfg.Sandbox,
	})
	if err != nil {
		return nil, err
	}
	path, args, err := f.cfg.command("zygote", "--control", strconv.Itoa(firstFile), "--settings", text)
	if err != nil {
		return nil, err
	}
	return f.launcher.Start(ctx, process.Spec{
		Path: path, Args: args, Env: f.cfg.Env, Dir: f.cfg.Dir, Files: []*os.File{peer},
		Stdout: f.cfg.lines(ForkServerID, Stdout), Stderr: f.cfg.lines(ForkServerID, Stderr), Redact: f.cfg.Redact,
	})
}

// Spawn orders a fork and waits for the new worker's HELLO.
func (f *ForkServer) Spawn(ctx context.Context, id string) (*Worker, error) {
	z, s, err := f.enter()
	switch {
	case err != nil:
		return nil, err
	case s != nil:
		return s.Spawn(ctx, id)
	}
	e, err := openEnds(f.cfg.Slots)
	if err != nil {
		f.workers.Done()
		return nil, err
	}
	settings := f.cfg.settings(id)
	b, err := z.fork(ctx, settings, e)
	if err != nil {
		e.close()
		f.workers.Done()
		return nil, err
	}
	e.closePeer()
	return raise(ctx, f.cfg, settings, e, b, f.workers.Done)
}

// enter lets a start in, which Stop will wait for unless the fallback does.
func (f *ForkServer) enter() (*zygote, *Spawner, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.stopped:
		return nil, nil, errStopped()
	case f.fallback != nil:
		return nil, f.fallback, nil
	case f.life == nil:
		return nil, nil, fault.New(fault.Unavailable, "workers were ordered before the fork server was started")
	default:
		f.workers.Add(1)
		return f.life, nil, nil
	}
}

// Stop ends the fork server and everything it has forked.
func (f *ForkServer) Stop(ctx context.Context) error {
	f.mu.Lock()
	f.stopped = true
	f.mu.Unlock()
	f.cancel()
	f.starting.Lock()
	defer f.starting.Unlock()
	if f.life != nil {
		f.close(ctx, f.life)
	}
	if f.fallback != nil {
		_ = f.fallback.Stop(ctx)
	}
	if f.launcher != nil {
		_ = f.launcher.Close()
	}
	f.lives.Wait()
	f.workers.Wait()
	return nil
}

// close ends one life of the fork server.
func (f *ForkServer) close(ctx context.Context, z *zygote) {
	z.killAll()
	z.process.Stop(ctx, process.Ladder{Ask: z.stop, AskGrace: stopGrace, TermGrace: stopGrace})
	<-z.ended
}

// Done is closed when the fork server has ended. Its workers end with it.
func (f *ForkServer) Done() <-chan struct{} {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.life == nil {
		return f.never
	}
	return f.life.broken
}

// Info tells what the fork server said of itself.
func (f *ForkServer) Info() Info {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.fallback != nil:
		return f.fallback.Info()
	case f.life == nil:
		return Info{Kind: KindForkServer}
	default:
		return f.life.info()
	}
}

var _ Source = (*ForkServer)(nil)
