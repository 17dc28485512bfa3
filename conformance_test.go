package dspool_test

import (
	"context"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/conformance"
	"github.com/dspool/dspool/internal/testkit"
)

// life is what a pool and a single have in common.
type life interface {
	conformance.Subject
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// tier opens subjects by a base configuration and a constructor.
func tier[R life](base func(testing.TB) dspool.Config, construct func(dspool.Config) (R, error)) func(testing.TB, func(*dspool.Config)) conformance.Subject {
	return func(t testing.TB, change func(*dspool.Config)) conformance.Subject {
		t.Helper()
		config := base(t)
		if change != nil {
			change(&config)
		}
		subject, err := construct(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := subject.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if err := subject.Stop(ctx); err != nil {
				t.Errorf("Stop: %v", err)
			}
		})
		return subject
	}
}

func mockConfig(t testing.TB) dspool.Config {
	return dspool.Config{Command: testkit.Worker(t), Workers: 2}
}

func pythonConfig(start dspool.StartMode) func(testing.TB) dspool.Config {
	return func(t testing.TB) dspool.Config {
		return dspool.Config{Python: testkit.Python(t), Start: start, Workers: 2, Path: []string{"internal/conformance/testdata"}}
	}
}

// alone turns a configuration into that of a Single.
func alone(config dspool.Config) (*dspool.Single, error) {
	config.Workers = 1
	return dspool.NewSingle(config)
}

func TestConformanceOfThePoolOnMockWorkers(t *testing.T) {
	t.Parallel()
	conformance.Run(t, conformance.Tier{Open: tier(mockConfig, dspool.New)})
}

func TestConformanceOfTheSingleOnAMockWorker(t *testing.T) {
	t.Parallel()
	conformance.Run(t, conformance.Tier{Open: tier(mockConfig, alone)})
}

func TestConformanceOfThePoolOnTheForkServer(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	conformance.Run(t, conformance.Tier{Open: tier(pythonConfig(dspool.ForkServer), dspool.New), Python: true})
}

func TestConformanceOfThePoolOnSpawnedWorkers(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	conformance.Run(t, conformance.Tier{Open: tier(pythonConfig(dspool.Spawn), dspool.New), Python: true})
}

func TestConformanceOfTheSingleOnPython(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	conformance.Run(t, conformance.Tier{Open: tier(pythonConfig(dspool.Spawn), alone), Python: true})
}

// A wrapped pool is a Runner that stands before a pool and shows its status.
type wrapped struct {
	dspool.Runner

	pool *dspool.Pool
}

func (w wrapped) Status() dspool.Status { return w.pool.Status() }

func (w wrapped) ReleaseSession(session string) { w.pool.ReleaseSession(session) }
func (w wrapped) ReleaseTenantSession(tenant, session string) {
	w.pool.ReleaseTenantSession(tenant, session)
}

// wrap is a tier whose subjects are pools on mock workers behind a wrapper.
func wrap(t *testing.T, wrapper func(*dspool.Pool) (dspool.Runner, error)) {
	t.Helper()
	open := tier(mockConfig, dspool.New)
	conformance.Run(t, conformance.Tier{Open: func(t testing.TB, change func(*dspool.Config)) conformance.Subject {
		t.Helper()
		pool, ok := open(t, change).(*dspool.Pool)
		if !ok {
			t.Fatal("the tier does not open pools")
		}
		runner, err := wrapper(pool)
		if err != nil {
			t.Fatal(err)
		}
		return wrapped{runner, pool}
	}})
}

// The suite crashes workers on purpose, more often than the default allows.
func TestConformanceOfTheBreaker(t *testing.T) {
	t.Parallel()
	wrap(t, func(pool *dspool.Pool) (dspool.Runner, error) {
		return dspool.NewBreaker(pool, dspool.BreakerConfig{Failures: 50})
	})
}

// The suite counts refusals and losses, so the attempts are the pool's alone.
func TestConformanceOfTheRetry(t *testing.T) {
	t.Parallel()
	wrap(t, func(pool *dspool.Pool) (dspool.Runner, error) {
		return dspool.NewRetry(pool, dspool.RetryConfig{Attempts: 1})
	})
}

// One layer, so that the suite sees what the layer says.
func TestConformanceOfTheFallback(t *testing.T) {
	t.Parallel()
	wrap(t, func(pool *dspool.Pool) (dspool.Runner, error) {
		return dspool.NewFallback(dspool.FallbackConfig{}, dspool.Layer{Name: "pool", Runner: pool})
	})
}
