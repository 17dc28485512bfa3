package dspool

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/pyenv"
	"github.com/dspool/dspool/internal/supervise"
	"github.com/dspool/dspool/internal/wire"
	"github.com/dspool/dspool/internal/worker"
)

const (
	// How many definitions a worker keeps.
	workerPrograms = 1024
	workerLMs      = 64
)

// A crew brings the pool's workers up in the background: the environment, the
// source, the supervisor. One goroutine does it, and stop waits for that.
type crew struct {
	pool   *Pool
	wanted chan struct{} // closed when somebody needs workers
	once   sync.Once
	cancel context.CancelFunc
	boss   atomic.Pointer[supervise.Supervisor] // nil until workers are needed
	hired  chan struct{}                        // closed when there is one
	broken chan *fault.Error                    // a start that failed for good; room for one
	ended  chan struct{}                        // closed when the goroutine has ended

	swaps  *swaps
	scaler *scaler // nil if the number of workers is fixed

	life     context.Context // ends with the stop, once accepted calls are over
	patience context.Context // ends when nobody waits for a gentle stop any more
	hurry    context.CancelFunc
}

func newCrew(p *Pool) *crew {
	return &crew{
		pool: p, wanted: make(chan struct{}), hired: make(chan struct{}), swaps: newSwaps(p.cfg), scaler: newScaler(p),
		broken: make(chan *fault.Error, 1), ended: make(chan struct{}),
	}
}

// want says that workers are needed now. It costs one atomic load once they
// have been asked for.
func (c *crew) want() { c.once.Do(func() { close(c.wanted) }) }

// needed reports whether workers have been asked for.
func (c *crew) needed() bool {
	select {
	case <-c.wanted:
		return true
	default:
		return false
	}
}

func (c *crew) start(ctx context.Context) {
	c.patience, c.hurry = context.WithCancel(ctx)
	c.life, c.cancel = context.WithCancel(ctx)
	if !c.pool.cfg.Lazy {
		c.want()
	}
	go c.run(c.life)
}

// stop ends every worker: calls in flight may finish until ctx ends.
func (c *crew) stop(ctx context.Context) {
	defer context.AfterFunc(ctx, c.hurry)()
	c.cancel()
	<-c.ended
	c.swaps.close()
	c.hurry()
}

// run prepares the environment and keeps workers until the stop.
func (c *crew) run(ctx context.Context) {
	defer close(c.ended)
	cfg, err := c.workerConfig(ctx, c.pool.cfg)
	if err != nil {
		c.failed(ctx, fault.From(err))
		return
	}
	c.pool.roster.runs(cfg.Python)
	select {
	case <-c.wanted:
		c.keep(ctx, cfg)
	case <-ctx.Done():
	}
}

// keep runs the supervisor until the stop, or until the start has failed for
// good.
func (c *crew) keep(ctx context.Context, cfg worker.Config) {
	r := c.pool.roster
	s := supervise.New(supervise.Config{
		Size: c.pool.cfg.Workers, Pace: c.pool.cfg.Restart.pace(), Logger: c.pool.cfg.Logger,
		OnUp: r.up, OnLeaving: r.leaving, OnDown: r.down, OnState: r.condition, OnSource: c.opened, OnEnded: c.over,
	}, c.source(cfg, 1))
	c.boss.Store(s)
	close(c.hired)
	var helpers sync.WaitGroup
	defer helpers.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.scaler != nil {
		helpers.Go(func() { c.scaler.run(ctx, s) })
	}
	if err := s.Start(ctx); err != nil {
		c.failed(ctx, fault.From(err))
	}
	select {
	case <-ctx.Done():
	case err := <-c.broken:
		c.failed(ctx, err)
	}
	_ = s.Stop(c.patience)
}

// replace exchanges a worker for a new one, which is started first; the old one
// finishes its calls. The channel gets nil when it has left the service, or why
// it stays.
func (c *crew) replace(w *worker.Worker, reason string) <-chan error {
	return c.boss.Load().Replace(w, reason) // there is a worker, so there is a supervisor
}

func (c *crew) source(cfg worker.Config, generation int) *announced {
	a := &announced{roster: c.pool.roster, generation: generation, python: cfg.Python, refused: c.breaks}
	if c.pool.cfg.Start == ForkServer {
		a.Source = worker.NewForkServer(cfg)
	} else {
		a.Source = worker.NewSpawner(cfg)
	}
	return a
}

// opened hears of each start of the source. A preload module that cannot be
// imported fails the pool's first start; later it is only reported.
func (c *crew) opened(source worker.Source) {
	a, ours := source.(*announced)
	if !ours {
		return
	}
	first := c.pool.roster.source(a)
	err := unloadable(a.Info())
	if err == nil {
		return
	}
	c.pool.cfg.Logger.Error("preload failed", "error", err)
	if first {
		c.breaks(err)
	}
}

// breaks ends the start of the pool; the first reason counts.
func (c *crew) breaks(err *fault.Error) {
	select {
	case c.broken <- err:
	default:
	}
}

// failed ends the start for good.
func (c *crew) failed(ctx context.Context, err *fault.Error) {
	if ctx.Err() != nil {
		return // the pool is being stopped
	}
	err = err.WithStarted(fault.StartedNo)
	c.pool.cfg.Logger.Error("the pool cannot start", "error", err)
	c.pool.roster.fail(err, true)
	c.pool.publish(PoolEvent{Kind: PoolFailed, Err: err, Reason: err.Message})
}

// workerConfig says how workers are to be started. It makes the Python
// environment if there is none.
func (c *crew) workerConfig(ctx context.Context, cfg Config) (worker.Config, error) {
	p := c.pool
	path, err := absolute(cfg.Path)
	if err != nil {
		return worker.Config{}, err
	}
	if err := cfg.Sandbox.exists(); err != nil {
		return worker.Config{}, err
	}
	w := worker.Config{
		Settings: wire.Settings{
			Programs: workerPrograms, LMs: workerLMs, Loop: "uvloop",
			Objects: cfg.Objects.PerWorker, ObjectState: cfg.Objects.SnapshotBytes,
		},
		Command: cfg.Command, Path: path, Preload: append([]string{}, cfg.Preload...), Warm: true,
		StartTimeout: cfg.StartTimeout, CancelGrace: cfg.CancelGrace, TermGrace: cfg.TermGrace,
		FrameLimit: cfg.FrameLimit, Slots: slots, Threads: cfg.Threads,
		Resolve: p.defs.Resolve, HostCall: p.hostCall, OnTransition: p.roster.moved, OnOutput: p.output, Logger: cfg.Logger,
		Redact: p.lms.redact,
	}
	if len(cfg.Command) > 0 {
		w.Env = workerEnv(os.Environ(), cfg.Env)
		return w, nil
	}
	w.Sandbox, w.LiteLLM = cfg.Sandbox.settings(), p.lms.litellm()
	env, err := pyenv.Ensure(ctx, pyenv.Config{
		Python: cfg.Python, CacheDir: cfg.CacheDir, Offline: cfg.Offline, Logger: cfg.Logger, Progress: p.progress,
	})
	if err != nil {
		return w, err
	}
	w.Python = env.Python
	w.Env = workerEnv(os.Environ(), pythonEnv(env.Environ(), cfg.Env, env.Package))
	if cfg.PlainDSPy {
		w.Env = lastOfEach(append(w.Env, patchesOff))
	}
	return w, nil
}

// absolute makes the folders of user code independent of the working
// directory, and refuses those that are not there.
func absolute(folders []string) ([]string, error) {
	out := make([]string, 0, len(folders))
	for _, folder := range folders {
		full, err := filepath.Abs(folder)
		if err == nil {
			_, err = os.Stat(full)
		}
		if err != nil {
			return nil, fault.Wrap(fault.InvalidArgument, err, "a folder of Config.Path cannot be used")
		}
		out = append(out, full)
	}
	return out, nil
}
