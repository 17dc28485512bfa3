package dspool

import (
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
)

// A MockFault is an error that a [Mock] gives on purpose.
type MockFault struct {
	// Command limits it to one command of the adapter contract, such as
	// "create_program". Calls are "execute_program". Empty: every command.
	Command string
	// Program limits it to a program by its hash, name, reference or kind.
	// Empty: every program.
	Program string
	// Probability is the share of calls that it hits. 0: all of them.
	Probability float64
	// Times is how often it strikes before it is spent. 0: without end.
	Times int
	// Code, Message, RetryAfter and Started are those of the error. Code
	// defaults to program_error, and then Started to yes.
	Code       fault.Code
	Message    string
	RetryAfter time.Duration
	Started    fault.Started
}

// An armed fault waits for its calls.
type armedFault struct {
	MockFault

	left int // strikes, below 0 without end
}

// mockFaults are the errors that a Mock has been told to give.
type mockFaults struct {
	mu    sync.Mutex
	armed []*armedFault
	dice  *rand.Rand
	hits  int64
}

func (m *mockFaults) seed(seed uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dice = rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // chance in tests, not secrets
}

// chance reports whether an event of that probability happens.
func (m *mockFaults) chance(p float64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dice.Float64() < p
}

// hit returns the error for a command, of the first fault that it meets, or
// nil.
func (m *mockFaults) hit(command string, programs ...string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i, f := range m.armed {
		if !f.means(command, programs) || f.Probability > 0 && m.dice.Float64() >= f.Probability {
			continue
		}
		if f.left--; f.left == 0 {
			m.armed = slices.Delete(m.armed, i, i+1)
		}
		m.hits++
		return f.fault()
	}
	return nil
}

func (f *armedFault) means(command string, programs []string) bool {
	return (f.Command == "" || f.Command == command) && (f.Program == "" || slices.Contains(programs, f.Program))
}

func (f *armedFault) fault() *fault.Error {
	code, started := f.Code, f.Started
	if code == "" {
		code = fault.ProgramError
	}
	if code == fault.ProgramError && started == fault.StartedUnknown {
		started = fault.StartedYes
	}
	return &fault.Error{
		Code: code, Message: or(f.Message, "Mock error triggered"), RetryAfter: f.RetryAfter, Started: started,
		Worker: mockWorker, Remote: started == fault.StartedYes,
	}
}

// Inject arms a fault. Of several that fit, the one injected first strikes. The
// returned function takes it back.
func (m *Mock) Inject(f MockFault) (remove func(), err error) {
	k := &checker{path: "MockFault"}
	k.must(f.Probability >= 0 && f.Probability <= 1, "Probability", "must be between 0 and 1, got %v", f.Probability)
	k.must(f.Times >= 0, "Times", "must not be negative, got %d", f.Times)
	k.must(f.Code == "" || slices.Contains(fault.Codes(), f.Code), "Code", "must be one of %v, got %q", fault.Codes(), f.Code)
	if len(k.errs) > 0 {
		return func() {}, fault.New(fault.InvalidArgument, joined(k.errs))
	}
	armed := &armedFault{MockFault: f, left: or(f.Times, -1)}
	m.faults.mu.Lock()
	defer m.faults.mu.Unlock()
	m.faults.armed = append(m.faults.armed, armed)
	return func() { m.faults.remove(armed) }, nil
}

func (m *mockFaults) remove(f *armedFault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.armed = slices.DeleteFunc(m.armed, func(other *armedFault) bool { return other == f })
}

func (m *mockFaults) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.armed, m.hits = nil, 0
}

// Trip returns the injected error that strikes a command of a program with one
// of the names, or nil. It is for adapters, whose commands are not all calls.
func (m *Mock) Trip(command string, programs ...string) error {
	return m.faults.hit(command, programs...)
}
