package dspooltest_test

import (
	"context"
	"iter"
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
)

// A logged Runner is what somebody else might write: it passes calls on and
// keeps their number.
type logged struct {
	next  dspooltest.Subject
	calls chan struct{}
}

func (l *logged) Call(ctx context.Context, req dspool.Request) (dspool.Response, error) {
	l.note()
	return l.next.Call(ctx, req)
}

func (l *logged) Stream(ctx context.Context, req dspool.Request) iter.Seq2[dspool.Event, error] {
	l.note()
	return l.next.Stream(ctx, req)
}

func (l *logged) Status() dspool.Status { return l.next.Status() }

// ReleaseSession is for the suite's objects.
func (l *logged) ReleaseSession(session string) {
	if r, ok := l.next.(interface{ ReleaseSession(string) }); ok {
		r.ReleaseSession(session)
	}
}

// ReleaseTenantSession is for those of tenants.
func (l *logged) ReleaseTenantSession(tenant, session string) {
	if r, ok := l.next.(interface{ ReleaseTenantSession(_, _ string) }); ok {
		r.ReleaseTenantSession(tenant, session)
	}
}

func (l *logged) note() {
	select {
	case l.calls <- struct{}{}:
	default:
	}
}

// Somebody else's Runner, over the mock and over a real pool, passes the suite.
func TestSomebodyElsesRunnerConforms(t *testing.T) {
	t.Parallel()
	t.Run("in this process", func(t *testing.T) {
		t.Parallel()
		dspooltest.Conformance(t, dspooltest.Tier{InProcess: true, Open: func(t testing.TB, change func(*dspool.Config)) dspooltest.Subject {
			c := changed(change)
			return &logged{calls: make(chan struct{}, 1), next: dspooltest.NewMock(t, dspool.MockConfig{
				Handlers: dspooltest.ConformanceHandlers(), LMs: []string{}, Concurrency: c.WorkerConcurrency,
				Affinity: c.Affinity.Mode, QueueSize: c.QueueSize, QueueTimeout: c.QueueTimeout, CallTimeout: c.WithDefaults().CallTimeout,
			})}
		}})
	})
	t.Run("over processes", func(t *testing.T) {
		t.Parallel()
		dspooltest.Conformance(t, dspooltest.Tier{Open: func(t testing.TB, change func(*dspool.Config)) dspooltest.Subject {
			c := changed(change)
			c.CallTimeout = c.WithDefaults().CallTimeout
			return &logged{calls: make(chan struct{}, 1), next: dspooltest.New(t, dspooltest.Setup{Mode: "bridge_mock", Config: c, Lazy: true}).Pool}
		}})
	})
}

func changed(change func(*dspool.Config)) dspool.Config {
	c := dspool.Config{Workers: 2}
	if change != nil {
		change(&c)
	}
	return c
}

func TestTheSuitesPythonCanBeLaidOut(t *testing.T) {
	t.Parallel()
	kit := dspooltest.New(t, dspooltest.Setup{Mode: "full_integration", Config: dspool.Config{
		Workers: 1, Path: []string{dspooltest.ConformancePath(t)}, Python: dspooltest.Python(t),
	}})
	out, err := outcome(t, kit, "mock:upper", `{"text":"python"}`)
	if err != nil || out != `"PYTHON"` {
		t.Errorf("%s, %v", out, err)
	}
	pid, err := kit.Faults.KillForkServer()
	if err != nil {
		t.Fatal(err)
	}
	kit.Events.Eventually("another fork server serves", func(st dspool.Status) bool {
		return st.ForkServerPID != 0 && st.ForkServerPID != pid && st.Serving == 1
	})
}
