package dspooltest

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wiremock"
)

// A Wire is a script for mock workers: what they do with the calls they get,
// and with HELLO. It lives in the test, and its workers, however many and
// however often they are restarted, ask it each time; so it can be changed while
// they run, and remembers what all of them did. Health checks are left alone,
// except by [Wire.Unhealthy].
//
// A call is judged by the first of these that has something to say: an injected
// fault, the sequence, the answer for its program, the answer for every program.
// Otherwise the worker does what the program says.
//
// All methods are safe for concurrent use.
type Wire struct {
	command []string
	line    net.Listener
	serving sync.WaitGroup

	mu        sync.Mutex
	conns     map[net.Conn]bool
	closed    bool
	script    script
	history   []WireRecord
	open      map[wireKey]int // calls that run, as places in history
	stats     WireStats
	unhealthy bool
}

// A wireKey names a call among those of all workers.
type wireKey struct {
	pid  int
	call uint64
}

// An Act is what a mock worker does with a call, or at HELLO. Of Do, Code and
// Output the first that is set counts; the zero value is what it would do
// anyway.
type Act struct {
	// Delay comes first; the call has begun then.
	Delay time.Duration
	// Do is the mischief to make, with Args as its input.
	Do   Mischief
	Args map[string]any
	// Code and Message fail the call.
	Code    fault.Code
	Message string
	// Output answers it, with what encoding/json makes of it.
	Output any
}

// A Step is one call that a [Wire.Sequence] expects, and what is done then.
type Step struct {
	// Program is a function's reference, or the kind of another program.
	Program string
	Act     Act
}

// A WireFault is an act that strikes by chance.
type WireFault struct {
	// Program limits it to one program. Empty: every program.
	Program string
	// Probability is the share of calls that it hits. 0: all of them.
	Probability float64
	// Times is how often it strikes before it is spent. 0: without end.
	Times int
	// Act is what is done. The zero value fails the call with program_error and
	// the message "Mock error triggered".
	Act Act
}

// A WireRecord is one call that a worker of a Wire got.
type WireRecord struct {
	PID     int
	Program string
	Session string
	Input   json.RawMessage
	At      time.Time
	// Done is set when the worker has answered: with Output, or with an error
	// of Code and Message. A worker that died has not.
	Done    bool
	Output  json.RawMessage
	Code    fault.Code
	Message string
}

// WireStats count from [NewWire], or from the last Reset.
type WireStats struct {
	Hellos    int       `json:"hellos"`
	Requests  int       `json:"requests_received"`
	Responses int       `json:"responses_sent"`
	Errors    int       `json:"errors_triggered"`
	Since     time.Time `json:"start_time"`
}

// NewWire returns a script that says nothing yet. It ends with the test; stop
// the pools that use it before, or in a Cleanup of their own.
func NewWire(t testing.TB) *Wire {
	t.Helper()
	folder, err := os.MkdirTemp("", "dspool-wire-") //nolint:usetesting // t.TempDir may be too long for the name of a socket
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "s")
	line, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{line: line, conns: map[net.Conn]bool{}, command: append(Worker(t), testkit.DirectedWorker, path)}
	w.Reset()
	w.serving.Go(w.accept)
	t.Cleanup(func() {
		w.close()
		_ = os.RemoveAll(folder)
	})
	return w
}

// Command is the command of a worker that follows the script, for
// dspool.Config.Command.
func (w *Wire) Command() []string { return slices.Clone(w.command) }

// Answer sets what is done with the calls of a program from now on; the empty
// name means every program that has no answer of its own. The zero Act takes an
// answer back.
func (w *Wire) Answer(program string, act Act) {
	raw := act.wired()
	w.mu.Lock()
	defer w.mu.Unlock()
	if act.nothing() {
		delete(w.script.answers, program)
		return
	}
	w.script.answers[program] = raw
}

// Sequence appends calls that must come in this order. While any are left,
// another call than the next fails with invalid_argument and counts in
// Unexpected; the sequence stays where it is.
func (w *Wire) Sequence(steps ...Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range steps {
		w.script.steps = append(w.script.steps, step{s.Program, s.Act.wired()})
	}
}

// Hello sets what workers do at HELLO from now on.
func (w *Wire) Hello(act Act) {
	raw := act.wired()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.script.hello = raw
}

// Inject arms a fault. Of several that fit, the one injected first strikes. The
// returned function takes it back.
func (w *Wire) Inject(f WireFault) (remove func()) {
	if f.Act.nothing() {
		f.Act = Act{Code: fault.ProgramError, Message: "Mock error triggered"}
	}
	armed := &wireFault{WireFault: f, act: f.Act.wired()}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.script.faults = append(w.script.faults, armed)
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.script.faults = slices.DeleteFunc(w.script.faults, func(other *wireFault) bool { return other == armed })
	}
}

// Unhealthy lets every call fail with unavailable, and leaves every health check
// without an answer; Healthy ends that.
func (w *Wire) Unhealthy() { w.health(false) }

// Healthy ends Unhealthy.
func (w *Wire) Healthy() { w.health(true) }

func (w *Wire) health(good bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.unhealthy = !good
}

// History returns the calls that workers got, in the order in which they came.
func (w *Wire) History() []WireRecord {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.history)
}

// Stats returns the numbers of this moment.
func (w *Wire) Stats() WireStats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stats
}

// Verify fails the test if a call came that a sequence did not expect, or if
// some that it expects have not come.
func (w *Wire) Verify(t testing.TB) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, bad := range w.script.unexpected {
		t.Errorf("wire mock: %s", bad)
	}
	for _, s := range w.script.steps {
		t.Errorf("wire mock: %s was expected and has not been called", s.program)
	}
}

// Reset forgets the script, the history and the numbers. Workers live on.
func (w *Wire) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.script = script{answers: map[string]wiremock.Act{}, dice: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // chance in tests, the same each time
	w.history, w.open, w.unhealthy = nil, map[wireKey]int{}, false
	w.stats = WireStats{Since: time.Now()}
}

func (a Act) nothing() bool {
	return a.Delay == 0 && a.Do == "" && a.Code == "" && a.Output == nil
}

// wired is the act as it goes to a worker. What is not JSON becomes a failure
// that says so.
func (a Act) wired() wiremock.Act {
	act := wiremock.Act{Delay: a.Delay, Do: string(a.Do), Code: a.Code, Message: a.Message}
	var err error
	if a.Output != nil {
		act.Output, err = json.Marshal(a.Output)
	}
	if err == nil && a.Args != nil {
		act.Args, err = json.Marshal(a.Args)
	}
	if err != nil {
		return wiremock.Act{Code: fault.InvalidArgument, Message: fmt.Sprintf("the act of a test is not JSON: %v", err)}
	}
	return act
}
