package signature

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/validate"
)

// Rules say how strictly values are held against a signature. The zero value is
// how a pool checks its calls: every field, exactly as the signature says.
type Rules struct {
	// Mode says what becomes of a value of the wrong type.
	Mode Mode
	// Extra says what becomes of a field that the signature does not name.
	Extra Extra
	// Partial checks the fields that are there, misses none and fills in no
	// default.
	Partial bool
	// Attached names the fields that travel as attachments.
	Attached []string
}

// A Mode says what becomes of a value of the wrong type.
type Mode int

const (
	// Strict refuses it. An integer is still a number, and 42.0 the integer 42.
	Strict Mode = iota
	// Coerce takes it for what it says: "42" is 42 and "3.14" is 3.14 where a
	// number is asked for, "true", "1" and 1 are true and "false", "0" and 0
	// are false where a boolean is, and 42 and true are "42" and "true" where
	// text is; a whole number for a float is written 42.0. What says nothing
	// of the kind, such as "42.5" for an integer, is refused. The limits hold
	// for the value that comes out.
	Coerce
	// Relaxed takes any value; only the names of the fields are checked.
	Relaxed
)

// An Extra says what becomes of a field that the signature does not name.
type Extra int

const (
	// ExtraRefuse makes it an error, as a misspelt name should be.
	ExtraRefuse Extra = iota
	// ExtraKeep leaves it where it is.
	ExtraKeep
	// ExtraDrop takes it out.
	ExtraDrop
)

// CheckInputBy is [Signature.CheckInput] by other rules.
func (s *Signature) CheckInputBy(r Rules, raw json.RawMessage) (json.RawMessage, error) {
	if r.Mode == Relaxed {
		return s.checkRelaxed(&s.relaxedInput, s.Inputs, r.options("input"), raw, fault.InvalidArgument)
	}
	return s.checkInput(raw, r.options("input"))
}

// CheckOutputBy is [Signature.CheckOutput] by other rules.
func (s *Signature) CheckOutputBy(r Rules, raw json.RawMessage) (json.RawMessage, error) {
	if r.Mode == Relaxed {
		return s.checkRelaxed(&s.relaxedOutput, s.Outputs, r.options("output"), raw, fault.OutputInvalid)
	}
	return s.checkOutput(raw, r.options("output"))
}

func (r Rules) options(root string) validate.Options {
	return validate.Options{
		Root: root, Attached: r.Attached, Partial: r.Partial, Coerce: r.Mode == Coerce,
		Open: r.Extra == ExtraKeep, Drop: r.Extra == ExtraDrop,
	}
}

// checkRelaxed holds only the names of fields against the signature.
func (s *Signature) checkRelaxed(c *compiled, fields []Field, o validate.Options, raw json.RawMessage, code fault.Code) (json.RawMessage, error) {
	checker, err := c.get(func() *jsonschema.Schema { return s.object(relaxed(fields)) }, nil)
	if err != nil {
		return nil, err
	}
	out, report := checker.Check(raw, o)
	return out, report.Fault(code, o.Root)
}

// relaxed returns the fields without their types.
func relaxed(fields []Field) []Field {
	out := slices.Clone(fields)
	for i, f := range out {
		out[i].Schema = &jsonschema.Schema{Default: f.Schema.Default}
	}
	return out
}

// MissingInputs lists the required inputs, in the signature's order, that a JSON
// object does not hold. The error is a *fault.Error with the code
// invalid_argument: raw is no JSON object.
func (s *Signature) MissingInputs(raw json.RawMessage) ([]string, error) {
	return missing(s.Inputs, raw, fault.InvalidArgument, "input")
}

// MissingOutputs is [Signature.MissingInputs] for outputs. Its error has the
// code output_invalid.
func (s *Signature) MissingOutputs(raw json.RawMessage) ([]string, error) {
	return missing(s.Outputs, raw, fault.OutputInvalid, "output")
}

func missing(fields []Field, raw json.RawMessage, code fault.Code, root string) ([]string, error) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(raw, &given); err != nil || given == nil {
		return nil, fault.New(code, fmt.Sprintf("%s: expected a JSON object", root))
	}
	var out []string
	for _, f := range fields {
		if _, ok := given[f.Name]; !ok && f.Required {
			out = append(out, f.Name)
		}
	}
	return out, nil
}
