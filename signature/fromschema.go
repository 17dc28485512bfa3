package signature

import (
	"maps"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
)

// FromSchemas makes a signature of two JSON Schemas that describe objects, such
// as those that [Signature.InputSchema] and [Signature.OutputSchema] return.
// Fields come in the order of PropertyOrder, those without one by name. Schemas
// use the keywords of draft 2020-12 that Python's types can express; any other
// is an error.
//
// The error is a *fault.Error with the code invalid_argument.
func FromSchemas(in, out *jsonschema.Schema) (*Signature, error) {
	sig := &Signature{Name: NameDefault}
	var err error
	if sig.Inputs, err = sig.members(in, inputs); err != nil {
		return nil, err
	}
	if sig.Outputs, err = sig.members(out, outputs); err != nil {
		return nil, err
	}
	if err := sig.Validate(); err != nil {
		return nil, err
	}
	return sig, nil
}

// members reads one side, and takes its definitions into the signature.
func (s *Signature) members(from *jsonschema.Schema, on side) ([]Field, error) {
	if from == nil || from.Type != "object" {
		return nil, fault.Newf(fault.InvalidArgument, `the schema of the %ss is not of type "object"`, on)
	}
	for name, def := range from.Defs {
		if s.Defs == nil {
			s.Defs = map[string]*jsonschema.Schema{}
		}
		if other := s.Defs[name]; other != nil && !reflect.DeepEqual(other, def) {
			return nil, fault.Newf(fault.InvalidArgument, "inputs and outputs define %q differently", name)
		}
		s.Defs[name] = def
	}
	var fields []Field
	for _, name := range order(from) {
		p := from.Properties[name]
		if p == nil {
			p = &jsonschema.Schema{}
		}
		fields = append(fields, Field{
			Name: name, Desc: p.Description, Type: typeText(p), Schema: p,
			Required: slices.Contains(from.Required, name) && p.Default == nil,
		})
	}
	return fields, nil
}

// order lists the properties of a schema: those of PropertyOrder first.
func order(s *jsonschema.Schema) []string {
	var names []string
	for _, name := range s.PropertyOrder {
		if s.Properties[name] != nil {
			names = append(names, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
