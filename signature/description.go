package signature

import (
	"github.com/google/jsonschema-go/jsonschema"
)

// A Description is a signature as people write it in JSON:
//
//	{"inputs":  [{"name": "question", "type": "string", "description": "what to answer"}],
//	 "outputs": [{"name": "tags", "type": "list(string)", "max_items": 5}]}
//
// [FromJSON] reads it.
type Description struct {
	Name         string             `json:"name,omitempty"`
	Instructions string             `json:"instructions,omitempty"`
	Inputs       []FieldDescription `json:"inputs"`
	Outputs      []FieldDescription `json:"outputs"`
}

// A FieldDescription is a field of a [Description].
type FieldDescription struct {
	Name        string `json:"name"`
	Type        string `json:"type"`
	Description string `json:"description"`
	Limits
}

// Description returns the signature as people write it, with types as
// [Signature.String] writes them. Limits that [Limits] has no names for are not
// part of it, nor are the members of objects; [Signature.MarshalJSON] keeps
// both.
func (s *Signature) Description() Description {
	return Description{
		Name: s.Name, Instructions: s.Instructions,
		Inputs: describeFields(s.Inputs), Outputs: describeFields(s.Outputs),
	}
}

// PythonDescription is [Signature.Description] with the types as annotations of
// Python: see [Field.Python].
func (s *Signature) PythonDescription() Description {
	d := s.Description()
	for i, f := range s.Inputs {
		d.Inputs[i].Type = f.Python()
	}
	for i, f := range s.Outputs {
		d.Outputs[i].Type = f.Python()
	}
	return d
}

func describeFields(fields []Field) []FieldDescription {
	out := make([]FieldDescription, len(fields))
	for i, f := range fields {
		out[i] = FieldDescription{Name: f.Name, Type: f.Type, Description: f.Desc, Limits: f.Limits()}
	}
	return out
}

// Limits returns the limits of the field beyond its type, as far as they
// concern the value as a whole.
func (f Field) Limits() Limits {
	s := f.bare()
	l := Limits{
		MinLength: s.MinLength, MaxLength: s.MaxLength, Pattern: s.Pattern, Format: s.Format,
		Minimum: s.Minimum, Maximum: s.Maximum, MultipleOf: s.MultipleOf,
		MinItems: s.MinItems, MaxItems: s.MaxItems, UniqueItems: s.UniqueItems,
		MinProperties: s.MinProperties, MaxProperties: s.MaxProperties,
		OneOf: s.Enum, Optional: !f.Required,
	}
	if s.Type == "array" && s.Items != nil {
		l.OneOf = s.Items.Enum
	}
	return l
}

// bare returns the field's schema, without null as one of two alternatives.
func (f Field) bare() *jsonschema.Schema {
	if f.Schema == nil {
		return &jsonschema.Schema{}
	}
	if len(f.Schema.AnyOf) != 2 {
		return f.Schema
	}
	for i, one := range f.Schema.AnyOf {
		if one.Type == "null" {
			return f.Schema.AnyOf[1-i]
		}
	}
	return f.Schema
}
