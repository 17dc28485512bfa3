package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/process"
)

// errMeasured ends a measurement: not a failure.
var errMeasured = errors.New("measured") //nolint:gochecknoglobals // a sentinel

// A Config says what to measure and for how long.
type Config struct {
	// Python is the interpreter of the environment, "" for the managed one.
	Python string
	// CacheDir is where the managed environment is, "" for the default.
	CacheDir string
	// Binary is the program that runs [ServeFloor] when its first argument is
	// [FloorCommand]. Empty: this program.
	Binary string
	// Scale stretches every measurement: 1 is the short run of under 45 s.
	Scale float64
	// Only names the figures to measure; empty means all.
	Only []string
	// Peers is the folder with the programs that predictions are compared with,
	// such as bench/peers, and PeersPython the interpreter of their environment.
	// Empty: predictions are measured without a comparison.
	Peers, PeersPython string
	// Progress is told what is being measured, "" for nothing.
	Progress func(step string)
}

// A bencher carries the configuration through the measurements.
type bencher struct {
	Config
	code   string // folder with the functions that are measured
	python string // resolved

	children *process.Launcher // of the measurement under way
}

// A measurement yields one or more figures.
type measurement struct {
	name string
	run  func(ctx context.Context) ([]Figure, error)
}

func (b *bencher) measurements() []measurement {
	return []measurement{
		{"echo", b.echo},
		{"big echo", b.bigEcho},
		{"accept", b.accept},
		{"cold start", b.coldStart},
		{"spawn", b.spawn},
		{"recovery", b.recovery},
		{"memory", b.memory},
		{"in flight", b.inFlight},
		{"predict", b.predict},
	}
}

// Run measures everything and returns what it found. A figure that misses its
// target is no error; a call that fails or answers wrongly is.
func Run(ctx context.Context, config Config) (Report, error) {
	b, clean, err := prepare(ctx, config)
	if err != nil {
		return Report{}, err
	}
	defer clean()
	report := Report{When: time.Now().UTC().Format(time.RFC3339), Machine: machine()}
	for _, m := range b.measurements() {
		if !b.wanted(m.name) {
			continue
		}
		b.Progress(m.name)
		figures, err := m.run(ctx)
		if err != nil {
			return report, fmt.Errorf("measure %s: %w", m.name, err)
		}
		report.Figures = append(report.Figures, figures...)
	}
	return report, nil
}

func (b *bencher) wanted(name string) bool {
	return len(b.Only) == 0 || slices.Contains(b.Only, name)
}

// times scales a number of repetitions, at least one.
func (b *bencher) times(n int) int { return max(1, int(float64(n)*b.Scale)) }

// during scales a duration.
func (b *bencher) during(d time.Duration) time.Duration {
	return time.Duration(float64(d) * b.Scale)
}

func machine() string {
	return fmt.Sprintf("%s/%s, %d processors, %s", runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
}

// pool starts a pool that serves the measured functions.
func (b *bencher) pool(ctx context.Context, config dspool.Config) (*dspool.Pool, error) {
	if len(config.Command) == 0 {
		config.Python, config.CacheDir, config.Path = b.python, b.CacheDir, []string{b.code}
	}
	pool, err := dspool.New(config)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if err := pool.Start(ctx); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if err := pool.WaitReady(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("bench: %w", err), stop(pool))
	}
	return pool, nil
}

// stopTimeout is long: a figure is to be measured on a busy machine too.
const stopTimeout = 30 * time.Second

func stop(pool *dspool.Pool) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if err := pool.Stop(ctx); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	return nil
}

func executable(config Config) (string, error) {
	if config.Binary != "" {
		return config.Binary, nil
	}
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("bench: find this program: %w", err)
	}
	return path, nil
}
