package signature

import (
	"encoding/json"

	"github.com/google/jsonschema-go/jsonschema"
)

// InputSchema returns the inputs as the schema of one JSON object. The result
// is the caller's own; the fields' schemas in it are shared.
func (s *Signature) InputSchema() *jsonschema.Schema { return s.object(s.Inputs) }

// OutputSchema returns the outputs as the schema of one JSON object. The
// result is the caller's own; the fields' schemas in it are shared.
func (s *Signature) OutputSchema() *jsonschema.Schema {
	out := s.object(s.Outputs)
	if s.OpenOutputs {
		out.AdditionalProperties = nil
	}
	return out
}

func (s *Signature) object(fields []Field) *jsonschema.Schema {
	out := &jsonschema.Schema{
		Type: "object", Properties: make(map[string]*jsonschema.Schema, len(fields)),
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
		Defs:                 s.Defs,
	}
	for _, f := range fields {
		out.Properties[f.Name] = f.described()
		out.PropertyOrder = append(out.PropertyOrder, f.Name)
		if f.Required {
			out.Required = append(out.Required, f.Name)
		}
	}
	return out
}

// described returns the field's schema with its description in it.
func (f Field) described() *jsonschema.Schema {
	if f.Desc == "" || f.Schema.Description == f.Desc {
		return f.Schema
	}
	c := *f.Schema
	c.Description = f.Desc
	return &c
}

// wireField is a field as definitions hold it.
type wireField struct {
	Name     string             `json:"name"`
	Desc     string             `json:"desc,omitempty"`
	Schema   *jsonschema.Schema `json:"schema"`
	Required bool               `json:"required"`
}

// wireSignature is a signature as definitions hold it.
type wireSignature struct {
	Name         string                        `json:"name"`
	Instructions string                        `json:"instructions"`
	Inputs       []wireField                   `json:"inputs"`
	Outputs      []wireField                   `json:"outputs"`
	Defs         map[string]*jsonschema.Schema `json:"defs,omitempty"`
}

// MarshalJSON returns the signature as workers read it. Equal signatures give
// equal bytes. The names of types are not part of it.
func (s *Signature) MarshalJSON() ([]byte, error) {
	return json.Marshal(wireSignature{
		Name: s.Name, Instructions: s.Instructions,
		Inputs: wireFields(s.Inputs), Outputs: wireFields(s.Outputs), Defs: s.Defs,
	})
}

func wireFields(fields []Field) []wireField {
	out := make([]wireField, len(fields))
	for i, f := range fields {
		out[i] = wireField{Name: f.Name, Desc: f.Desc, Schema: f.Schema, Required: f.Required}
	}
	return out
}
