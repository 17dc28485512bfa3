package dspool_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
)

// A mischief is one file of testdata/misbehaviour at work, and what it may do:
// to its caller, and to the calls that run beside it.
type mischief struct {
	name  string
	ref   string
	input string
	// within is the caller's deadline; zero is long enough for anything.
	within time.Duration
	// output is the expected result; empty means that an error is expected.
	output string
	code   fault.Code
	// says are parts of the message or of the details.
	says []string
	// never must not appear in the error.
	never []string
	// kills tells that the worker does not survive: neighbours in the same
	// process end with a typed error, all others with their answer.
	kills bool
}

const long = 30 * time.Second

func mischiefs() []mischief {
	return []mischief{
		{name: "unknown module", ref: "nowhere:run", code: fault.NotFound, says: []string{"nowhere"}},
		{name: "unknown function", ref: "good:nothing", code: fault.NotFound, says: []string{"nothing"}},
		{name: "fails at import", ref: "fails_at_import:run", code: fault.ProgramError, says: []string{"the model file is missing"}},
		{name: "cannot be compiled", ref: "syntax_error:broken", code: fault.ProgramError, says: []string{"SyntaxError"}},
		{name: "exits at import", ref: "exits_at_import:run", code: fault.ProgramError, says: []string{"SystemExit"}},
		{name: "missing input", ref: "good:echo", code: fault.InvalidArgument, says: []string{"text"}},
		{name: "extra input", ref: "good:echo", input: `{"text":"a","colour":"red"}`, code: fault.InvalidArgument, says: []string{"colour"}},
		{name: "wrong type", ref: "good:echo", input: `{"text":[1,2]}`, code: fault.InvalidArgument, says: []string{"text"}},
		{name: "prints to stdout", ref: "prints:everywhere", input: `{"text":"hi"}`, output: `"hi"`},
		{name: "raises in a thread", ref: "raises:pay", input: `{"amount":5}`, code: fault.ProgramError, says: []string{"Overdrawn", "no money for 5", "_inner"}, never: []string{"dspool_worker"}},
		{name: "raises on the loop", ref: "raises:pay_async", input: `{"amount":6}`, code: fault.ProgramError, says: []string{"Overdrawn", "no money for 6", "_inner"}, never: []string{"dspool_worker"}},
		{name: "calls sys.exit in a thread", ref: "exits:politely", input: `{"code":3}`, code: fault.ProgramError, says: []string{"SystemExit"}},
		{name: "calls sys.exit on the loop", ref: "exits:politely_async", input: `{"code":3}`, code: fault.ProgramError, says: []string{"SystemExit"}},
		{name: "raises KeyboardInterrupt", ref: "exits:interrupt", code: fault.ProgramError, says: []string{"KeyboardInterrupt"}},
		{name: "calls os._exit", ref: "exits:impolitely", input: `{"code":7}`, code: fault.WorkerCrashed, says: []string{"7", "last words"}, kills: true},
		{name: "forks and returns twice", ref: "forks:returns_in_the_child", input: `{"text":"one"}`, output: `"one"`},
		{name: "forks on the loop", ref: "forks:returns_on_the_loop", input: `{"text":"one"}`, output: `"one"`},
		{name: "forks a child that lingers", ref: "forks:child_lingers", input: `{"seconds":60}`, output: "*"},
		{name: "segfaults", ref: "segfaults:now", code: fault.WorkerCrashed, says: []string{"about to fall", "SIGSEGV"}, kills: true},
		{name: "asks for too much memory", ref: "leaks:explode", code: fault.ProgramError, says: []string{"MemoryError"}},
		{name: "keeps memory", ref: "leaks:keep", input: `{"megabytes":64}`, output: "*"},
		{name: "ignores cancellation on the loop", ref: "ignores_cancel:on_the_loop", within: 200 * time.Millisecond, code: fault.DeadlineExceeded, kills: true},
		{name: "ignores cancellation in a thread", ref: "ignores_cancel:in_a_thread", within: 200 * time.Millisecond, code: fault.DeadlineExceeded, kills: true},
		{name: "heeds cancellation in a thread", ref: "ignores_cancel:heeds_in_a_thread", within: 200 * time.Millisecond, code: fault.DeadlineExceeded},
		{name: "holds the GIL", ref: "holds_gil:sleep", input: `{"seconds":30}`, within: 200 * time.Millisecond, code: fault.DeadlineExceeded, kills: true},
		{name: "floods stderr", ref: "floods:stderr", input: `{"megabytes":8}`, output: "8"},
		{name: "writes one endless line", ref: "floods:one_line", input: `{"megabytes":8}`, output: "8"},
		{name: "starts a thread at import", ref: "threads_at_import:alive", output: "true"},
		{name: "closes all descriptors in a thread", ref: "closes_descriptors:all_of_them", code: fault.WorkerCrashed, kills: true},
		{name: "closes all descriptors on the loop", ref: "closes_descriptors:all_of_them_async", code: fault.WorkerCrashed, kills: true},
		{name: "closes stdout and stderr", ref: "closes_descriptors:standard_ones", output: `"closed"`},
		{name: "monkeypatches asyncio", ref: "monkeypatches:asyncio_away", output: `"replaced"`},
		{name: "recurses for ever", ref: "recurses:deep", input: `{"n":0}`, code: fault.ProgramError, says: []string{"RecursionError"}},
		{name: "returns NaN", ref: "returns_strange:nan", code: fault.OutputInvalid, says: []string{"scores[1]"}},
		{name: "returns infinity", ref: "returns_strange:infinity", code: fault.OutputInvalid},
		{name: "returns a lock", ref: "returns_strange:lock", code: fault.OutputInvalid, says: []string{"state.lock"}},
		{name: "returns half a character", ref: "returns_strange:surrogate", code: fault.OutputInvalid},
		{name: "returns a cycle", ref: "returns_strange:cycle", code: fault.OutputInvalid},
		{name: "returns more than a frame holds", ref: "returns_strange:big", input: `{"megabytes":5}`, code: fault.ResourceExhausted},
	}
}

// Whatever user code does, its caller gets an answer or a typed error, its
// neighbours are served, and the pool is whole afterwards.
func TestMisbehaviour(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python")
	for _, m := range mischiefs() {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			pool := mischiefPool(t, dspool.Config{})
			around := beside(t, pool)
			m.run(t, pool)
			around.check(t, m.kills)
			checkWhole(t, pool)
		})
	}
}

func mischiefPool(t *testing.T, config dspool.Config) *dspool.Pool {
	t.Helper()
	config.Python = testkit.Python(t)
	config.Workers = 2
	config.Path = []string{"testdata/misbehaviour"}
	config.CancelGrace = 500 * time.Millisecond
	config.TermGrace = 500 * time.Millisecond
	config.FrameLimit = 4 << 20
	pool, err := dspool.New(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx := testkit.Context(t, long)
	if err := pool.Start(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), long)
		defer cancel()
		if err := pool.Stop(ctx); err != nil {
			t.Errorf("stop: %v", err)
		}
	})
	if err := pool.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	waitWhole(t, pool)
	return pool
}

func (m mischief) run(t *testing.T, pool *dspool.Pool) {
	t.Helper()
	ctx := testkit.Context(t, long)
	if m.within > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, m.within)
		defer cancel()
	}
	response, err := pool.Call(ctx, request(t, m.ref, m.input))
	if m.output == "" {
		m.checkError(t, err)
		return
	}
	if err != nil {
		t.Fatalf("%s: %v", m.ref, err)
	}
	if m.output != "*" && string(response.Output) != m.output {
		t.Errorf("%s gave %s, want %s", m.ref, response.Output, m.output)
	}
}

func (m mischief) checkError(t *testing.T, err error) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) {
		t.Fatalf("%s: %v is not a typed error", m.ref, err)
	}
	if f.Code != m.code {
		t.Errorf("%s: code %s, want %s: %v", m.ref, f.Code, m.code, err)
	}
	if m.kills && f.Started != fault.StartedYes {
		t.Errorf("%s: started %q, want yes: %v", m.ref, f.Started, err)
	}
	all := f.Error()
	for _, detail := range f.Details {
		all += "\n" + detail
	}
	for _, part := range m.says {
		if !strings.Contains(all, part) {
			t.Errorf("%s: the error does not say %q:\n%s", m.ref, part, all)
		}
	}
	for _, part := range m.never {
		if strings.Contains(all, part) {
			t.Errorf("%s: the error says %q:\n%s", m.ref, part, all)
		}
	}
}

func request(t *testing.T, ref, input string) dspool.Request {
	t.Helper()
	spec, err := dspool.NewFunc(ref)
	if err != nil {
		t.Fatal(err)
	}
	return dspool.Request{Program: spec, Input: json.RawMessage(input)}
}

// neighbours are calls that have begun to run in every worker.
type neighbours struct {
	done    sync.WaitGroup
	mu      sync.Mutex
	results map[string]int // how each ended: "ok" or its code
	strange []error
}

const neighbourCalls = 6

// beside starts neighbours and returns when all of them are running.
func beside(t *testing.T, pool *dspool.Pool) *neighbours {
	t.Helper()
	n := &neighbours{results: map[string]int{}}
	began := make(chan struct{}, neighbourCalls)
	ctx := testkit.Context(t, long)
	req := request(t, "good:linger", `{"seconds":0.4}`)
	for range neighbourCalls {
		n.done.Go(func() { n.linger(ctx, pool, req, began) })
	}
	for range neighbourCalls {
		select {
		case <-began:
		case <-ctx.Done():
			t.Fatal("the neighbours did not begin")
		}
	}
	return n
}

func (n *neighbours) linger(ctx context.Context, pool *dspool.Pool, req dspool.Request, began chan<- struct{}) {
	items, err := 0, error(nil)
	for event, failed := range pool.Stream(ctx, req) {
		if err = failed; err != nil {
			break
		}
		if event.Kind == dspool.EventItem {
			items++
			if items == 1 {
				began <- struct{}{}
			}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case err != nil:
		n.results[string(fault.CodeOf(err))]++
		if fault.CodeOf(err) == fault.Internal {
			n.strange = append(n.strange, err)
		}
	case items != 2:
		n.strange = append(n.strange, fmt.Errorf("a neighbour got %d items, want 2", items))
	default:
		n.results["ok"]++
	}
}

func (n *neighbours) check(t *testing.T, killed bool) {
	t.Helper()
	n.done.Wait()
	for _, err := range n.strange {
		t.Error(err)
	}
	if !killed {
		if n.results["ok"] != neighbourCalls {
			t.Errorf("neighbours ended %v, want all ok", n.results)
		}
		return
	}
	lost := n.results[string(fault.WorkerCrashed)] + n.results[string(fault.WorkerUnresponsive)]
	if n.results["ok"]+lost != neighbourCalls || n.results["ok"] < neighbourCalls/2 {
		t.Errorf("neighbours ended %v, want those of the other worker ok and the rest crashed", n.results)
	}
}

// checkWhole waits until both workers serve and then asks a good function.
func checkWhole(t *testing.T, pool *dspool.Pool) {
	t.Helper()
	waitWhole(t, pool)
	req := request(t, "good:echo", `{"text":"still here"}`)
	for range 20 {
		response, err := pool.Call(testkit.Context(t, long), req)
		if err != nil {
			t.Fatalf("the pool is not whole: %v", err)
		}
		if string(response.Output) != `"still here"` {
			t.Errorf("a wrong answer afterwards: %s", response.Output)
		}
	}
}

func waitWhole(t *testing.T, pool *dspool.Pool) {
	t.Helper()
	events := pool.Events(testkit.Context(t, long))
	if whole(pool.Status()) {
		return
	}
	for range events {
		if whole(pool.Status()) {
			return
		}
	}
	t.Fatalf("the pool is not at full strength: %+v", pool.Status())
}

func whole(status dspool.Status) bool {
	serving := 0
	for _, w := range status.Workers {
		if slices.Contains([]dspool.WorkerState{dspool.WorkerStateReady, dspool.WorkerStateBusy}, w.State) {
			serving++
		}
	}
	return serving == 2 && len(status.Workers) == 2
}
