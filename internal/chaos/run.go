package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mark"
)

const (
	// markVariable is the variable that all processes of a run carry.
	markVariable = "DSPOOL_CHAOS"
	// stopTimeout is for a busy machine.
	stopTimeout = 60 * time.Second
	// goneWithin is how long the kernel may take to take a process apart.
	goneWithin = 2 * time.Second
)

// Run makes a pool, does to it what the configuration says, and returns what
// became of the calls. An error means that the run itself could not be made, or
// was interrupted; what was found is in Details.Problems.
func Run(ctx context.Context, config Config) (Details, error) {
	if err := config.Validate(); err != nil {
		return Details{}, err
	}
	r := &run{Config: config.WithDefaults()}
	defer r.clean()
	if err := r.prepare(ctx); err != nil {
		return Details{}, err
	}
	d, err := r.storm(ctx)
	if err != nil {
		return d, err
	}
	if ctx.Err() != nil {
		return d, fault.From(context.Cause(ctx))
	}
	return d, nil
}

// A run is one run under way.
type run struct {
	Config

	folder string
	traces traces
	carry  string
	pool   *dspool.Pool
	watch  *watch
}

func (r *run) prepare(ctx context.Context) (err error) {
	if r.folder, err = os.MkdirTemp("", "dspool-chaos-"); err != nil {
		return fmt.Errorf("chaos: %w", err)
	}
	if r.traces, err = newTraces(r.folder); err != nil {
		return err
	}
	r.carry = strconv.Itoa(os.Getpid()) + "-" + filepath.Base(r.folder)
	if r.pool, err = Pool(ctx, r.Config, r.folder, markVariable+"="+r.carry); err != nil {
		return err
	}
	r.watch = watchPool(r.pool)
	return nil
}

func (r *run) clean() {
	if r.folder != "" {
		_ = os.RemoveAll(r.folder)
	}
}

// storm makes the calls and the trouble, and then the books.
func (r *run) storm(ctx context.Context) (d Details, err error) {
	program, err := Program(r.Config)
	if err != nil {
		return d, err
	}
	if err := r.begin(ctx); err != nil {
		return d, errors.Join(err, r.end())
	}
	d = Details{
		When: time.Now().UTC().Format(time.RFC3339), Workers: r.pool.Status().Want, Callers: r.Callers, Bound: r.Success,
		Machine: fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version()),
	}
	began := time.Now()
	load := StartLoad(ctx, r.pool, program, r.Config, r.traces.path)
	t := startTrouble(ctx, r.pool, r.Config)
	r.await(ctx, load, t, began)
	t.stop()
	load.End()
	took := time.Since(began)
	if err := r.end(); err != nil {
		return d, err
	}
	runs, err := r.traces.read(load.issued.Load())
	if err != nil {
		return d, err
	}
	load.count(&d, runs, r.Idempotent)
	t.count(&d)
	d.Seconds, d.PerS = took.Seconds(), float64(d.Calls)/took.Seconds()
	d.Orphans, d.Recoveries, d.RecoveryP99 = r.orphans(), len(r.watch.took), p99(r.watch.took)
	return d, nil
}

// begin starts the pool and waits for full strength.
func (r *run) begin(ctx context.Context) error {
	if err := r.pool.Start(ctx); err != nil {
		return err //nolint:wrapcheck // says it all
	}
	if err := r.pool.WaitReady(ctx); err != nil {
		return err //nolint:wrapcheck // says it all
	}
	return r.watch.whole(ctx)
}

// await returns when the time is over, or the last call made.
func (r *run) await(ctx context.Context, load *Load, t *trouble, began time.Time) {
	end, second := time.NewTimer(r.During), time.NewTicker(time.Second)
	defer end.Stop()
	defer second.Stop()
	var done <-chan struct{}
	if r.Calls > 0 {
		done = load.done()
	}
	for {
		select {
		case <-second.C:
			tally := load.Tally()
			tally.At, tally.Kills = time.Since(began), t.kills.Load()
			r.Progress(tally)
		case <-end.C:
			return
		case <-done:
			return
		case <-ctx.Done():
			return
		}
	}
}

func (r *run) end() error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := r.pool.Stop(ctx)
	r.watch.end()
	if err != nil {
		return fmt.Errorf("chaos: stop the pool: %w", err)
	}
	return nil
}

// orphans counts the processes of the run that are left: those that carry its
// mark, and, where the system does not show marks, those that the pool told of.
func (r *run) orphans() int {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	left := 0
	for end := time.Now().Add(goneWithin); time.Now().Before(end); <-tick.C {
		if left = max(len(mark.Processes(markVariable, r.carry)), r.watch.alive()); left == 0 {
			return 0
		}
	}
	return left
}
