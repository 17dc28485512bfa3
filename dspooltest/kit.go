package dspooltest

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime/pprof"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/internal/mark"
	"github.com/dspool/dspool/internal/tap"
)

const (
	// kitVariable marks the processes of one Kit.
	kitVariable = "DSPOOL_TEST_KIT"
	// stopLimit bounds the end of a Kit, readyLimit its beginning.
	stopLimit  = 30 * time.Second
	readyLimit = 90 * time.Second
)

// A Setup says what a test needs. The zero value is the mock, unless TEST_MODE
// says otherwise.
type Setup struct {
	// Mode is the mode that the test insists on. Empty: that of the variable
	// TEST_MODE, else Configured, else Default, else the mock.
	Mode, Configured, Default adapter.Mode
	// Mock configures the mock, in its mode.
	Mock dspool.MockConfig
	// Config configures the pool, in the other modes. Command, Python and LM
	// that are left out are the mode's: a mock worker, the interpreter of
	// [Python], and a practice LM of the test's own.
	Config dspool.Config
	// Practice configures that practice LM.
	Practice PracticeConfig
	// Wire lets the mock workers of bridge_mock follow a script, see Kit.Wire.
	Wire bool
	// Lines lets the test disturb the connections to the workers, see Kit.Lines.
	Lines bool
	// Lazy returns before the workers are up. Otherwise New returns when every
	// one of them serves, and fails the test if one does not start.
	Lazy bool
}

// A Kit is what one test works with: a started Runner that nobody else has. With the end of the test it is stopped, and the test fails if a process or a
// goroutine of its pool is left. Any number of tests can have one at once, in any modes.
type Kit struct {
	// Runner is the Mock or the Pool.
	dspool.Runner

	Mode     adapter.Mode
	Layer    adapter.Layer
	Settings Settings

	// Mock is set in the mode mock_adapter, Pool in the others, with the
	// recorder of its Events (those of calls left out) and its Faults.
	Mock   *dspool.Mock
	Pool   *dspool.Pool
	Events *Recorder
	Faults Faults
	// Wire is the script of the workers, if Setup.Wire asked for one. LM is the
	// practice LM of full_integration, unless Config named another one.
	Wire *Wire
	LM   *PracticeLM
	// Lines are the connections to the workers, if Setup.Lines asked for them.
	Lines *Lines

	t    testing.TB
	mark string
}

// New returns a Kit for the test.
func New(t testing.TB, setup Setup) *Kit {
	t.Helper()
	mode, by := modeOf(t, setup)
	t.Logf("test mode %s, by %s", mode, by)
	k := &Kit{Mode: mode, Layer: adapter.LayerOf(mode), Settings: SettingsOf(mode), t: t, mark: rand.Text()}
	if mode == adapter.ModeMock {
		k.mock(setup)
		return k
	}
	k.pool(setup)
	return k
}

// NewMock returns a mock for the test, and stops it at its end.
func NewMock(t testing.TB, config dspool.MockConfig) *dspool.Mock {
	t.Helper()
	return New(t, Setup{Mode: adapter.ModeMock, Mock: config}).Mock
}

// NewWirePool returns a pool on mock workers that follow a script, and stops it
// at the end of the test.
func NewWirePool(t testing.TB, config dspool.Config) (*dspool.Pool, *Wire) {
	t.Helper()
	k := New(t, Setup{Mode: adapter.ModeBridgeMock, Config: config, Wire: true})
	return k.Pool, k.Wire
}

func (k *Kit) mock(setup Setup) {
	k.t.Helper()
	config := setup.Mock
	if config.CallTimeout == 0 {
		config.CallTimeout = k.Settings.Timeout
	}
	mock, err := dspool.NewMock(config)
	if err != nil {
		k.t.Fatal(err)
	}
	k.Runner, k.Mock = mock, mock
	k.t.Cleanup(func() { k.stop(mock.Stop) })
}

func (k *Kit) pool(setup Setup) {
	k.t.Helper()
	config := k.config(setup)
	pool, err := dspool.New(config)
	if err != nil {
		k.t.Fatal(err)
	}
	k.Runner, k.Pool, k.Faults = pool, pool, NewFaults(pool)
	k.Events = Record(k.t, pool, lifeKinds()...)
	k.t.Cleanup(func() { k.stop(pool.Stop) })
	pprof.Do(k.t.Context(), pprof.Labels(kitVariable, k.mark), func(ctx context.Context) {
		if setup.Lines {
			k.Lines = newLines()
			ctx = tap.With(ctx, k.Lines.tap)
		}
		err = pool.Start(ctx)
	})
	if err != nil {
		k.t.Fatal(err)
	}
	if !setup.Lazy && !config.Lazy {
		k.warm()
	}
}

// warm waits until every worker serves.
func (k *Kit) warm() {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), readyLimit)
	defer cancel()
	if err := k.Pool.WaitReady(ctx); err != nil {
		k.t.Fatalf("the pool did not start: %v", err)
	}
	k.Events.AwaitWhole()
	for _, w := range k.Pool.Status().Workers {
		if w.State == dspool.WorkerStateDegraded {
			k.t.Fatalf("worker %s is up and does not work: %s", w.ID, w.LastError)
		}
	}
}

// config completes the configuration by what the mode brings.
func (k *Kit) config(setup Setup) dspool.Config {
	k.t.Helper()
	config := setup.Config
	config.Env = append(append([]string(nil), config.Env...), kitVariable+"="+k.mark)
	if config.CallTimeout == 0 {
		config.CallTimeout = k.Settings.Timeout
	}
	switch {
	case len(config.Command) > 0:
	case k.Mode == adapter.ModeFull:
		k.real(&config, setup)
	case setup.Wire:
		k.Wire = NewWire(k.t)
		config.Command = k.Wire.Command()
	default:
		config.Command = Worker(k.t)
	}
	return config
}

func (k *Kit) real(config *dspool.Config, setup Setup) {
	k.t.Helper()
	if config.Python == "" {
		config.Python = Python(k.t)
	}
	config.Path = append(append([]string(nil), config.Path...), faultsPath(k.t))
	if config.LM.Model != "" {
		return
	}
	k.LM = NewPracticeLM(setup.Practice)
	if err := k.LM.Start(); err != nil {
		k.t.Fatal(err)
	}
	k.t.Cleanup(func() {
		if err := k.LM.Close(); err != nil {
			k.t.Errorf("the practice LM: %v", err)
		}
	})
	config.LM = dspool.LM{Model: "openai/practice", APIBase: k.LM.URL(), APIKey: "practice"}
}

// stop ends the Runner and looks for what it left.
func (k *Kit) stop(stop func(context.Context) error) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), stopLimit)
	defer cancel()
	if err := stop(ctx); err != nil {
		k.t.Errorf("stop: %v", err)
	}
	if k.Pool == nil {
		return
	}
	if left := gone(ctx, func() []string { return mark.Processes(kitVariable, k.mark) }); len(left) > 0 {
		k.t.Errorf("processes of this test are left: %q", left)
	}
	if left := gone(ctx, func() []string { return goroutines(k.mark) }); len(left) > 0 {
		k.t.Errorf("goroutines of this test's pool are left:\n%s", strings.Join(left, "\n\n"))
	}
}

// lifeKinds are the events of workers and pools, without those of calls.
func lifeKinds() []dspool.PoolEventKind {
	return []dspool.PoolEventKind{
		dspool.WorkerStarting, dspool.WorkerFailed, dspool.WorkerReady, dspool.WorkerChanged, dspool.WorkerCrashed,
		dspool.WorkerRetired, dspool.WorkerReplaced, dspool.WorkerRecycled, dspool.ConditionRaised, dspool.ConditionCleared,
		dspool.CallRedispatched, dspool.CallRetried, dspool.CallAbandoned, dspool.SessionBound, dspool.SessionReleased,
		dspool.CrashLoopOpened, dspool.CrashLoopClosed, dspool.SwapStarted, dspool.SwapFinished, dspool.SwapFailed,
		dspool.GenerationEnded, dspool.PoolReady, dspool.PoolFailed, dspool.PoolStopped,
	}
}

// String names the Kit in messages.
func (k *Kit) String() string { return fmt.Sprintf("%s (%s)", k.Mode, k.Layer) }
