package dspool

import (
	"encoding/json"
	"slices"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// A Demo is an example that the language model is shown: inputs and the outputs
// that they should lead to. Both are structs with json tags, or maps. Fields
// may be left out.
type Demo struct {
	Input, Output any
}

// demos returns the program's examples as JSON objects, fields in the order of
// the signature.
func (s *Spec) demos() ([]json.RawMessage, error) {
	if len(s.Demos) == 0 {
		return nil, nil
	}
	if s.Signature == nil || s.Kind.code() {
		return nil, fault.Newf(fault.InvalidArgument, "a program of kind %q takes no demos", s.Kind)
	}
	out := make([]json.RawMessage, 0, len(s.Demos))
	var errs []error
	for i, d := range s.Demos {
		raw, err := s.demo(d)
		if err != nil {
			errs = append(errs, fault.Newf(fault.InvalidArgument, "demo %d: %s", i+1, fault.From(err).Message))
		}
		out = append(out, raw)
	}
	return out, faults(errs...)
}

func (s *Spec) demo(d Demo) (json.RawMessage, error) {
	members := map[string]json.RawMessage{}
	for _, part := range []any{d.Input, d.Output} {
		if part == nil {
			continue
		}
		raw, err := json.Marshal(part)
		if err != nil {
			return nil, fault.Wrap(fault.InvalidArgument, err, "cannot be written as JSON")
		}
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, fault.Newf(fault.InvalidArgument, "inputs and outputs are objects, found %.40s", raw)
		}
	}
	return s.demoFields(members)
}

// demoFields checks the members and writes them in the signature's order.
func (s *Spec) demoFields(members map[string]json.RawMessage) (json.RawMessage, error) {
	fields := append(slices.Clone(s.Signature.Inputs), s.given().Outputs...)
	partial := &signature.Signature{Inputs: make([]signature.Field, len(fields)), Defs: s.Signature.Defs}
	for i, f := range fields {
		f.Required = false
		partial.Inputs[i] = f
	}
	raw, err := json.Marshal(members)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err, "cannot be written as JSON")
	}
	if _, err := partial.CheckNilInput(raw); err != nil {
		return nil, err
	}
	return inOrder(fields, members), nil
}

// inOrder writes an object with its members in the order of the fields.
func inOrder(fields []signature.Field, members map[string]json.RawMessage) json.RawMessage {
	out := []byte{'{'}
	for _, f := range fields {
		value, ok := members[f.Name]
		if !ok {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, '"')
		out = append(out, f.Name...)
		out = append(out, '"', ':')
		out = append(out, value...)
	}
	return append(out, '}')
}
