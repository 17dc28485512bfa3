package adapter

import (
	"context"
	"encoding/json"
	"time"

	"github.com/dspool/dspool"
)

// Names of the adapters.
const (
	NameMock       = "mock"
	NameBridgeMock = "bridge_mock"
	NamePort       = "python_port"
	NamePool       = "python_pool"
)

// A ProgramStore is the part of the contract that every adapter must have.
type ProgramStore interface {
	// CreateProgram keeps a program under its id, or under one that is made
	// when it has none, and returns the id. An id in use is refused with
	// invalid_argument.
	CreateProgram(ctx context.Context, p Program) (id string, err error)
	// ExecuteProgram runs a program with its inputs, a JSON object, and returns
	// its outputs, a JSON object. An unknown id is not_found.
	ExecuteProgram(ctx context.Context, id string, inputs json.RawMessage, opts ...ExecuteOption) (json.RawMessage, error)
	// ListPrograms returns the ids, the oldest first.
	ListPrograms(ctx context.Context) ([]string, error)
	// DeleteProgram forgets a program. An unknown id is not_found.
	DeleteProgram(ctx context.Context, id string) error
}

// A Layered thing knows the test layers in which it may be used.
type Layered interface {
	// SupportsLayer reports whether it may be used in a layer.
	SupportsLayer(layer Layer) bool
}

// An Adapter is the whole contract. All methods are safe for concurrent use.
type Adapter interface {
	ProgramStore
	Layered

	// Name is the adapter's name in a registry.
	Name() string
	// ConfigureLM sets the default language model of all workers, present and
	// to come; on an adapter of one session that session's only. Calls in
	// flight keep theirs.
	ConfigureLM(ctx context.Context, lm dspool.LM) error
	// ProgramInfo describes a program. An unknown id is not_found.
	ProgramInfo(ctx context.Context, id string) (ProgramInfo, error)
	// HealthCheck reports why calls would fail now, or nil.
	HealthCheck(ctx context.Context) error
	// Stats returns the numbers of this moment.
	Stats(ctx context.Context) (Stats, error)
	// Capabilities tells what the adapter can do.
	Capabilities() Capabilities
}

// A Program is what CreateProgram is given.
type Program struct {
	// ID is the program's id. Empty: one is made.
	ID string
	// Spec is what to run. Required.
	Spec *dspool.Spec
}

// ProgramInfo describes a program.
type ProgramInfo struct {
	ID           string       `json:"program_id"`
	SessionID    string       `json:"session_id,omitempty"`
	Spec         *dspool.Spec `json:"-"`
	CreatedAt    time.Time    `json:"created_at"`
	LastExecuted time.Time    `json:"last_executed,omitzero"`
	Executions   int64        `json:"execution_count"`
}

// Stats are the numbers of an adapter.
type Stats struct {
	AdapterType string `json:"adapter_type"`
	Layer       Layer  `json:"layer"`
	// ActivePrograms exist now, ProgramsCreated ever did.
	ActivePrograms  int   `json:"active_programs"`
	ProgramsCreated int64 `json:"programs_created"`
	// Executions are calls that have ended, Errors those that failed.
	Executions int64 `json:"executions_run"`
	Errors     int64 `json:"errors"`
	// TrueConcurrency means that calls run at the same time.
	TrueConcurrency bool `json:"true_concurrency"`
	// ProtocolValidated means that calls travel over the real protocol.
	ProtocolValidated bool          `json:"protocol_validated"`
	UptimeSeconds     float64       `json:"uptime_seconds"`
	PoolStatus        dspool.Status `json:"pool_status"`
}

// Capabilities tell what an adapter can do, in the words of test suites that
// choose by them.
type Capabilities struct {
	// Performance is "fastest", "fast", "slowest" or "highly_optimized".
	Performance string `json:"performance"`
	// Layers are those for which the adapter is made.
	Layers []Layer `json:"layers"`
	// Requires is what has to be there.
	Requires []string `json:"requires"`

	PythonExecution      bool `json:"python_execution"`
	ProtocolValidation   bool `json:"protocol_validation"`
	DeterministicOutputs bool `json:"deterministic_outputs"`
	ErrorInjection       bool `json:"error_injection"`
	ScenarioTesting      bool `json:"scenario_testing"`
	CallLogging          bool `json:"call_logging"`
	FullDSPy             bool `json:"full_dspy_features"`
	ConcurrentExecution  bool `json:"concurrent_execution"`
	SessionIsolation     bool `json:"session_isolation"`
	ProductionReady      bool `json:"production_ready"`
}

// An ExecuteOption changes one call.
type ExecuteOption interface{ applyExecute(*execution) }

type execution struct {
	lm   string
	over *dspool.LM
}

type executeOption func(*execution)

func (f executeOption) applyExecute(e *execution) { f(e) }

// UseLM makes one call ask the language model of that name.
func UseLM(name string) ExecuteOption { return executeOption(func(e *execution) { e.lm = name }) }

// OverrideLM makes one call ask this language model. No other call sees it.
func OverrideLM(lm dspool.LM) ExecuteOption {
	return executeOption(func(e *execution) { e.over = &lm })
}
