package signature

import (
	"encoding/json"
	"sync"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/validate"
)

// CheckInput holds the inputs of one call, a JSON object, against the
// signature. attached names the inputs that travel as attachments.
//
// It returns raw itself, or a copy in which defaults are filled in and numbers
// such as 42.0 are written as the integers that the signature asks for. The
// error is a *fault.Error with the code invalid_argument that lists all
// violations, each with its path; its details hold them by path. The JSON means
// nothing then. One pass, safe for concurrent use.
func (s *Signature) CheckInput(raw json.RawMessage, attached ...string) (json.RawMessage, error) {
	return s.checkInput(raw, validate.Options{Root: "input", Attached: attached})
}

// CheckNilInput is [Signature.CheckInput] for JSON that encoding/json made of a
// Go value: null stands for an empty list, map or text where one is expected.
func (s *Signature) CheckNilInput(raw json.RawMessage, attached ...string) (json.RawMessage, error) {
	return s.checkInput(raw, validate.Options{Root: "input", Attached: attached, NilAsEmpty: true})
}

// CheckOutput is [Signature.CheckInput] for the outputs of a call. Its error
// has the code output_invalid.
func (s *Signature) CheckOutput(raw json.RawMessage, attached ...string) (json.RawMessage, error) {
	return s.checkOutput(raw, validate.Options{Root: "output", Attached: attached})
}

// compiled is a checker that is built when it is first needed.
type compiled struct {
	once    sync.Once
	checker *validate.Checker
	err     error
}

func (c *compiled) get(schema func() *jsonschema.Schema, defs map[string]*jsonschema.Schema) (*validate.Checker, error) {
	c.once.Do(func() {
		c.checker, c.err = validate.Compile(schema(), defs)
		if c.err != nil {
			c.err = fault.Wrap(fault.InvalidArgument, c.err, "the signature's schema cannot be used")
		}
	})
	return c.checker, c.err
}

func (s *Signature) checkInput(raw json.RawMessage, o validate.Options) (json.RawMessage, error) {
	c, err := s.input.get(s.InputSchema, s.Defs)
	if err != nil {
		return nil, err
	}
	out, report := c.Check(raw, o)
	return out, report.Fault(fault.InvalidArgument, o.Root)
}

func (s *Signature) checkOutput(raw json.RawMessage, o validate.Options) (json.RawMessage, error) {
	c, err := s.output.get(s.OutputSchema, s.Defs)
	if err != nil {
		return nil, err
	}
	out, report := c.Check(raw, o)
	return out, report.Fault(fault.OutputInvalid, o.Root)
}
