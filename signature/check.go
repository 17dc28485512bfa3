package signature

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/validate"
)

// shownMax bounds how many violations stand in an error's message.
const shownMax = 8

// CheckInput holds the inputs of one call, a JSON object, against the
// signature. attached names the inputs that travel as attachments.
//
// It returns raw itself, or a copy in which defaults are filled in and numbers
// such as 42.0 are written as the integers that the signature asks for. The
// error is a *fault.Error with the code invalid_argument that lists all
// violations, each with its path; its details hold them by path. One pass, safe
// for concurrent use.
func (s *Signature) CheckInput(raw json.RawMessage, attached ...string) (json.RawMessage, error) {
	o := validate.Options{Root: "input", Attached: attached}
	return s.input.check(s.InputSchema, s.Defs, raw, fault.InvalidArgument, o)
}

// CheckNilInput is [Signature.CheckInput] for JSON that encoding/json made of a
// Go value: null stands for an empty list, map or text where one is expected.
func (s *Signature) CheckNilInput(raw json.RawMessage, attached ...string) (json.RawMessage, error) {
	o := validate.Options{Root: "input", Attached: attached, NilAsEmpty: true}
	return s.input.check(s.InputSchema, s.Defs, raw, fault.InvalidArgument, o)
}

// CheckOutput is [Signature.CheckInput] for the outputs of a call. Its error
// has the code output_invalid.
func (s *Signature) CheckOutput(raw json.RawMessage, attached ...string) (json.RawMessage, error) {
	o := validate.Options{Root: "output", Attached: attached}
	return s.output.check(s.OutputSchema, s.Defs, raw, fault.OutputInvalid, o)
}

func (c *compiled) check(schema func() *jsonschema.Schema, defs map[string]*jsonschema.Schema, raw json.RawMessage, code fault.Code, o validate.Options) (json.RawMessage, error) {
	c.once.Do(func() { c.checker, c.err = validate.Compile(schema(), defs) })
	if c.err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, c.err, "the signature's schema cannot be used")
	}
	out, report := c.checker.Check(raw, o)
	if len(report.Violations) > 0 {
		return nil, Violated(code, o.Root, report)
	}
	return out, nil
}

// Violated makes an error of what a check found.
func Violated(code fault.Code, root string, report validate.Report) *fault.Error {
	total := len(report.Violations) + report.More
	details := make(map[string]string, len(report.Violations))
	shown := make([]string, 0, shownMax)
	for _, v := range report.Violations {
		if len(shown) < shownMax {
			shown = append(shown, v.String())
		}
		details[v.Path] = v.Message
	}
	message := strings.Join(shown, "; ")
	if total > len(shown) {
		message += fmt.Sprintf("; and %d more", total-len(shown))
	}
	if total > 1 {
		message = fmt.Sprintf("%d problems with the %s: %s", total, root, message)
	}
	return &fault.Error{Code: code, Message: message, Details: details}
}
