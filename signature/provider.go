package signature

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
)

// A Provider is whom a schema is written for: each takes a dialect of its own of
// JSON Schema.
type Provider string

const (
	// OpenAI is for structured outputs and functions: the schema that goes
	// into response_format.json_schema.schema or a tool's parameters.
	OpenAI Provider = "openai"
	// Anthropic is for tools: name, description and input_schema.
	Anthropic Provider = "anthropic"
	// Gemini is for the responseSchema of a generation, or the parameters of a
	// function: a subset of OpenAPI 3.0.
	Gemini Provider = "gemini"
	// Generic is JSON Schema, draft 2020-12, with all limits.
	Generic Provider = "generic"
)

// Providers lists those that there are schemas for.
func Providers() []Provider { return []Provider{OpenAI, Anthropic, Gemini, Generic} }

// A Part says which fields a schema is about.
type Part int

const (
	// PartUsual is what a provider's schema is usually about: for Anthropic
	// the inputs, of a tool; for Gemini the outputs, of a generation; for the
	// others all fields.
	PartUsual Part = iota
	// PartAll is inputs and outputs, in this order.
	PartAll
	// PartInputs is the inputs.
	PartInputs
	// PartOutputs is the outputs.
	PartOutputs
)

// A ProviderSchema is a signature, or one side of it, in a provider's dialect.
type ProviderSchema struct {
	Provider Provider
	// Document is what the provider takes. Limits that its dialect has no
	// keywords for stand in the descriptions, for the language model to read;
	// they are enforced on this side in any case.
	Document json.RawMessage
	// Loose says, by path, why the provider cannot be asked to hold the
	// language model strictly to this schema (strict: true). Empty means that
	// it can.
	Loose []string
}

// JSONSchema returns the schema of the signature for a provider. It costs some
// ten microseconds; keep the result.
//
// OpenAI wants every field required: one that is optional here is null there
// when it is left out. Gemini has no objects with free keys and no values of
// any type, and no types that contain themselves: a signature with these is
// refused for it. The error is a *fault.Error with the code invalid_argument
// that names every field at fault, or the providers that are known.
func (s *Signature) JSONSchema(p Provider, part Part) (*ProviderSchema, error) {
	fields := s.part(part.of(p))
	if p == Generic {
		return s.generic(fields)
	}
	d, ok := newDialect(p, s.Defs)
	if !ok {
		return nil, fault.Newf(fault.InvalidArgument, "unsupported provider %q; known are %s", string(p), knownProviders())
	}
	schema := d.root(s.object(fields))
	schema.Description = s.about()
	if len(d.refused) > 0 {
		return nil, fault.Newf(fault.InvalidArgument, "the signature cannot be told to %s: %s", p, strings.Join(d.refused, "; "))
	}
	document, err := s.document(p, schema)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err, "the signature cannot be written as JSON Schema")
	}
	return &ProviderSchema{Provider: p, Document: document, Loose: d.loose}, nil
}

func knownProviders() string {
	var names []string
	for _, p := range Providers() {
		names = append(names, string(p))
	}
	return strings.Join(names, ", ")
}

// of returns what PartUsual stands for.
func (part Part) of(p Provider) Part {
	switch {
	case part != PartUsual:
		return part
	case p == Anthropic:
		return PartInputs
	case p == Gemini:
		return PartOutputs
	}
	return PartAll
}

func (s *Signature) part(part Part) []Field {
	switch part {
	case PartInputs:
		return s.Inputs
	case PartOutputs:
		return s.Outputs
	case PartUsual, PartAll:
	}
	return slices.Concat(s.Inputs, s.Outputs)
}

// about describes the signature to the language model.
func (s *Signature) about() string {
	text := s.Name + " signature: " + s.String()
	if s.Instructions != "" {
		text += "\n\n" + s.Instructions
	}
	return text
}

func (s *Signature) generic(fields []Field) (*ProviderSchema, error) {
	schema := s.object(fields)
	schema.Schema = "https://json-schema.org/draft/2020-12/schema"
	schema.Title, schema.Description = s.Name, s.about()
	raw, err := json.Marshal(schema)
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err, "the signature cannot be written as JSON Schema")
	}
	return &ProviderSchema{Provider: Generic, Document: raw}, nil
}

// document puts the schema into the form that the provider takes.
func (s *Signature) document(p Provider, schema *jsonschema.Schema) ([]byte, error) {
	switch p {
	case Anthropic:
		about := schema.Description
		schema.Description = ""
		return json.Marshal(struct {
			Name        string             `json:"name"`
			Description string             `json:"description"`
			InputSchema *jsonschema.Schema `json:"input_schema"`
		}{s.Name, about, schema})
	case Gemini:
		return json.Marshal(openAPI(schema))
	case OpenAI, Generic:
	}
	return json.Marshal(schema)
}
