package supervise

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/worker"
	"github.com/dspool/dspool/internal/zygotemock"
)

const (
	patience = 30 * time.Second
)

func TestMain(m *testing.M) {
	testkit.Main(m, testkit.Command{Name: "zygote", Run: zygotemock.Main})
}

// resolve makes programs out of their names: the wire mock's "echo", or
// Python's "module:function".
func resolve(_, name string) ([]byte, bool) {
	if !strings.Contains(name, ":") {
		name = "mock:" + name
	}
	return fmt.Appendf(nil, `{"kind":"func","ref":%q}`, name), true
}

func workers(t testing.TB) worker.Config {
	t.Helper()
	return worker.Config{
		Command: testkit.Worker(t), Env: os.Environ(), Resolve: resolve, Slots: 256,
		OnOutput: func(worker.Output) {}, StartTimeout: patience,
	}
}

// realWorkers are Python, with the misbehaviour library as user code.
func realWorkers(t testing.TB) worker.Config {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	cfg := workers(t)
	cfg.Command, cfg.Python = nil, testkit.Python(t)
	cfg.Env = append(cfg.Env, "PYTHONPATH="+filepath.Join(root, "pyworker"), "LITELLM_LOCAL_MODEL_COST_MAP=True")
	cfg.Path = []string{filepath.Join(root, "testdata", "misbehaviour")}
	return cfg
}

// sources are the ways to make workers.
func sources() map[string]func(worker.Config) worker.Source {
	return map[string]func(worker.Config) worker.Source{
		"spawned": func(c worker.Config) worker.Source { return worker.NewSpawner(c) },
		"forked":  func(c worker.Config) worker.Source { return worker.NewForkServer(c) },
	}
}

func eachSource(t *testing.T, test func(t *testing.T, open func(worker.Config) worker.Source)) {
	t.Helper()
	for name, open := range sources() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

// A watch hears what a supervisor tells, and lets tests wait for it.
type watch struct {
	mu         sync.Mutex
	up         []*worker.Worker
	leaving    []*worker.Worker
	exits      []worker.Exit
	infos      []worker.Info
	conditions []Condition
	changed    chan struct{} // closed and replaced with every change
}

func newWatch() *watch { return &watch{changed: make(chan struct{})} }

func (w *watch) note(change func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change()
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *watch) config(size int) Config {
	return Config{
		Size:      size,
		OnUp:      func(x *worker.Worker) { w.note(func() { w.up = append(w.up, x) }) },
		OnLeaving: func(x *worker.Worker, _ bool) { w.note(func() { w.leaving = append(w.leaving, x) }) },
		OnDown:    func(_ *worker.Worker, e worker.Exit) { w.note(func() { w.exits = append(w.exits, e) }) },
		OnSource:  func(s worker.Source) { w.note(func() { w.infos = append(w.infos, s.Info()) }) },
		OnState:   func(c Condition) { w.note(func() { w.conditions = append(w.conditions, c) }) },
	}
}

// await waits until a condition about what was heard holds. It is evaluated
// under the lock, after every change.
func (w *watch) await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	ctx := testkit.Context(t, patience)
	for {
		w.mu.Lock()
		ok, changed := holds(), w.changed
		w.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-changed:
		case <-ctx.Done():
			w.mu.Lock()
			defer w.mu.Unlock()
			t.Fatalf("%s did not come; %d up, %d leaving, %d down, conditions %+v", what, len(w.up), len(w.leaving), len(w.exits), w.conditions)
		}
	}
}

// now is the last condition; only for use inside await.
func (w *watch) now() Condition {
	if len(w.conditions) == 0 {
		return Condition{}
	}
	return w.conditions[len(w.conditions)-1]
}

func (w *watch) full() bool { return w.now().Phase == Full }

// opened returns the first condition that told of a crash loop and its reason.
func (w *watch) opened() *Condition {
	for i, c := range w.conditions {
		if c.Phase == Open && c.Failure != nil {
			return &w.conditions[i]
		}
	}
	return nil
}

// crashLoop returns a copy of the condition that opened finds. It takes the
// lock that await holds for its predicate, so it is for use outside await.
func (w *watch) crashLoop() Condition {
	w.mu.Lock()
	defer w.mu.Unlock()
	return *w.opened()
}

// latest returns the worker that came up last.
func (w *watch) latest() *worker.Worker {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.up[len(w.up)-1]
}

// start starts a supervisor that is stopped at the end of the test.
func start(t testing.TB, cfg Config, source worker.Source) *Supervisor {
	t.Helper()
	s := New(cfg, source)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, s) })
	return s
}

func stop(t testing.TB, s *Supervisor) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := s.Stop(ctx); err != nil {
		t.Errorf("Stop: %v", err)
	}
}

func begin(t testing.TB, w *worker.Worker, program, body string) *mux.Pending {
	t.Helper()
	p, err := w.Begin(&mux.Call{Program: program, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// call gives a worker a call and returns how it ended.
func call(t testing.TB, w *worker.Worker, program, body string) mux.Outcome {
	t.Helper()
	p := begin(t, w, program, body)
	select {
	case <-p.Done():
		return p.Outcome()
	case <-testkit.Context(t, patience).Done():
		t.Fatalf("%s did not end within %v", program, patience)
		return mux.Outcome{}
	}
}
