package worker

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
	"github.com/dspool/dspool/internal/zygotemock"
)

const (
	patience = 20 * time.Second
)

func TestMain(m *testing.M) {
	testkit.Main(m, testkit.Command{Name: "zygote", Run: zygotemock.Main}, testkit.Command{Name: "host", Run: runHost},
		testkit.Command{Name: "leaver", Run: runLeaver})
}

// resolve makes programs out of their names: the wire mock's "echo", or
// Python's "module:function".
func resolve(_, name string) ([]byte, bool) {
	if !strings.Contains(name, ":") {
		name = "mock:" + name
	}
	return fmt.Appendf(nil, `{"kind":"func","ref":%q}`, name), true
}

// config is one with the test binary as the worker.
func config(t testing.TB, mods ...func(*Config)) Config {
	t.Helper()
	cfg := Config{
		Command: testkit.Worker(t), Env: os.Environ(), Resolve: resolve,
		CancelGrace: 200 * time.Millisecond, TermGrace: 5 * time.Second, StartTimeout: patience,
		Slots: 64, OnOutput: func(Output) {},
	}
	for _, mod := range mods {
		mod(&cfg)
	}
	return cfg
}

// python turns the workers into real ones, with the misbehaviour library as user
// code.
func python(t testing.TB, interpreter string) func(*Config) {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) {
		c.Command, c.Python = nil, interpreter
		c.Env = append(c.Env, "PYTHONPATH="+filepath.Join(root, "pyworker"), "LITELLM_LOCAL_MODEL_COST_MAP=True")
		c.Path = []string{filepath.Join(root, "testdata", "misbehaviour")}
	}
}

// started returns a source that has been started and will be stopped.
func started(t *testing.T, s Source) Source {
	t.Helper()
	ctx := testkit.Context(t, patience)
	if err := s.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("stopping the source: %v", err)
		}
	})
	return s
}

// sources are the ways to make a worker.
func sources() map[string]func(Config) Source {
	return map[string]func(Config) Source{
		"spawned": func(c Config) Source { return NewSpawner(c) },
		"forked":  func(c Config) Source { return NewForkServer(c) },
	}
}

// eachSource runs a test with workers of every kind.
func eachSource(t *testing.T, test func(t *testing.T, open func(Config) Source)) {
	t.Helper()
	for name, open := range sources() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open)
		})
	}
}

func spawn(t *testing.T, s Source) *Worker {
	t.Helper()
	w, err := s.Spawn(testkit.Context(t, patience), "w1")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// begin hands a call to the worker; the name is the mock's program.
func begin(t *testing.T, w *Worker, name, body string) *mux.Pending {
	t.Helper()
	p, err := w.Begin(&mux.Call{Program: name, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// begun waits until user code of the call has begun to run: the ledger says so,
// and nothing else could while the worker is stuck in C code.
func begun(t *testing.T, w *Worker, p *mux.Pending) {
	t.Helper()
	ctx := testkit.Context(t, patience)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !w.ledger.Started(p.ID()) {
		select {
		case <-tick.C:
		case <-p.Done():
			t.Fatalf("the call ended before it began: %v", p.Outcome().Err)
		case <-ctx.Done():
			t.Fatalf("the call did not begin within %v", patience)
		}
	}
}

func outcome(t *testing.T, p *mux.Pending) mux.Outcome {
	t.Helper()
	await(t, "the outcome", p.Done())
	return p.Outcome()
}

func await(t *testing.T, what string, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-testkit.Context(t, patience).Done():
		t.Fatalf("%s did not come within %v", what, patience)
	}
}

// A journal collects the moves of workers and lets tests wait for one.
type journal struct {
	mu    sync.Mutex
	moves []Transition
	heard chan struct{}
}

func newJournal() *journal { return &journal{heard: make(chan struct{}, 1)} }

func (j *journal) note(tr Transition) {
	j.mu.Lock()
	j.moves = append(j.moves, tr)
	j.mu.Unlock()
	select {
	case j.heard <- struct{}{}:
	default:
	}
}

func (j *journal) all() []Transition {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]Transition(nil), j.moves...)
}

// await waits for a worker's move to a state.
func (j *journal) await(t *testing.T, to State) Transition {
	t.Helper()
	ctx := testkit.Context(t, patience)
	for {
		for _, tr := range j.all() {
			if tr.To == to {
				return tr
			}
		}
		select {
		case <-j.heard:
		case <-ctx.Done():
			t.Fatalf("no move to %s within %v; moves: %v", to, patience, j.all())
		}
	}
}
