package dspool

import (
	"encoding/json"
	"sync"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// A Spec is a program as a value: what to run, with which signature and
// options. It holds no connection and does no I/O; any [Runner] runs it. Make
// one with [NewPredict], [NewChainOfThought], [NewFunc] or [NewModule], or take
// a typed program's own with [Program.Spec].
//
// A Spec is used by pointer, is read-only from its first use on, and is then
// safe for concurrent use.
type Spec struct {
	// Kind says what the program is. Required.
	Kind Kind
	// Name is what logs, events and the language model call the program. It
	// is an identifier. Empty means the reference, or the kind.
	Name string
	// Ref names the Python code of a function or module:
	// "package.module:Name".
	Ref string
	// Method is what is called on the session's object. Required for objects,
	// empty for all else.
	Method string
	// Signature describes inputs and outputs. Required except for functions
	// and modules, where nil means that Python's own annotations decide and
	// that nothing is checked on this side.
	Signature *signature.Signature
	// Instructions tell the language model what to do. Empty means those of
	// the signature.
	Instructions string
	// Adapter says how the prompt is written: "chat", "json" or "xml". Empty
	// means DSPy's default, chat.
	Adapter string
	// LM names one of the Runner's language models. Empty means its default.
	// It is not part of the definition.
	LM string
	// Demos are examples that the language model is shown.
	Demos []Demo
	// Options go to the language model with every call, such as "temperature"
	// and "max_tokens".
	Options map[string]any
	// Exclusive gives the program a worker of its own while it runs.
	Exclusive bool
	// Idempotent allows that a call is run again after a worker was lost
	// while running it. It is not part of the definition.
	Idempotent bool
	// Renewable allows that a lost object is made anew: see [Renewable]. It is
	// not part of the definition.
	Renewable bool

	once     sync.Once
	compiled compiledSpec
}

// compiledSpec is what a Spec becomes at its first use.
type compiledSpec struct {
	definition []byte
	hash       string
	inputs     *signature.Signature // nil: nothing is checked
	outputs    *signature.Signature
	err        error
}

// Definition returns the program as workers read it, canonical JSON, and its
// content hash: the first 32 hexadecimal digits of its SHA-256. Equal programs
// give equal bytes in every process. It is computed once; the bytes are shared
// and read-only. The error is what [Spec.Validate] returns.
func (s *Spec) Definition() ([]byte, string, error) {
	c := s.compile()
	return c.definition, c.hash, c.err
}

// Validate reports everything that makes the program unusable: a kind or a
// reference that cannot be, a signature with reserved names, options or demos
// that do not fit. The error is a *fault.Error with the code invalid_argument.
func (s *Spec) Validate() error { return s.compile().err }

// CheckInput holds the inputs of a call, a JSON object, against the signature;
// attached names the inputs that travel as attachments. It returns raw, or a
// copy in which defaults are filled in. The error lists every violation with
// its path. Without a signature it returns raw at no cost.
func (s *Spec) CheckInput(raw json.RawMessage, attached ...string) (json.RawMessage, error) {
	c := s.compile()
	switch {
	case c.err != nil:
		return nil, c.err
	case c.inputs == nil:
		return raw, nil
	case len(raw) == 0:
		raw = json.RawMessage("{}")
	}
	return c.inputs.CheckInput(raw, attached...)
}

// CheckOutput holds the result of a call against the signature; attached names
// the outputs that came as attachments. The error has the code output_invalid.
// Without a signature it returns raw at no cost.
func (s *Spec) CheckOutput(raw json.RawMessage, attached ...string) (json.RawMessage, error) {
	c := s.compile()
	switch {
	case c.err != nil:
		return nil, c.err
	case c.outputs == nil:
		return raw, nil
	case len(raw) == 0:
		raw = json.RawMessage("{}")
	}
	return c.outputs.CheckOutput(raw, attached...)
}

// String names the program in logs and messages.
func (s *Spec) String() string {
	switch {
	case s == nil:
		return "no program"
	case s.Name != "":
		return s.Name
	case s.Method != "":
		return s.Ref + "." + s.Method
	case s.Ref != "":
		return s.Ref
	default:
		return string(s.Kind)
	}
}

func (s *Spec) compile() *compiledSpec {
	if s == nil {
		return &compiledSpec{err: fault.New(fault.InvalidArgument, "the request names no program: set Request.Program")}
	}
	s.once.Do(func() { s.compiled = compileSpec(s) })
	return &s.compiled
}
