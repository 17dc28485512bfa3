package signature

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/validate"
)

// CheckSchema reports why a JSON Schema cannot describe the fields of a
// signature: it is no schema, not one of an object with properties, requires a
// property that is not there, refers to nowhere, or uses keywords that values
// are not checked against here. A document for Anthropic is looked into. The
// error is a *fault.Error with the code invalid_argument.
func CheckSchema(raw json.RawMessage) error {
	var tool struct {
		InputSchema json.RawMessage `json:"input_schema"`
	}
	if json.Unmarshal(raw, &tool) == nil && tool.InputSchema != nil {
		raw = tool.InputSchema
	}
	var s jsonschema.Schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return fault.Newf(fault.InvalidArgument, "this is no JSON Schema: %v", err)
	}
	if err := describesFields(&s); err != nil {
		return fault.Newf(fault.InvalidArgument, "this JSON Schema cannot be used: %v", err)
	}
	return nil
}

func describesFields(s *jsonschema.Schema) error {
	var errs []error
	if s.Type != "object" {
		errs = append(errs, errors.New(`it is not of the type "object"`))
	}
	if len(s.Properties) == 0 {
		errs = append(errs, errors.New("it has no properties"))
	}
	for _, name := range s.Required {
		if s.Properties[name] == nil {
			errs = append(errs, errors.New("it requires "+quote(name)+", which is not among the properties"))
		}
	}
	if _, err := validate.Compile(s, s.Defs); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Complexity estimates how much a schema asks of a language model: the number of
// properties, plus twice the depth, plus the number of different JSON types. A
// schema without properties counts 1. Depth counts properties, items and
// alternatives inside one another.
func Complexity(s *jsonschema.Schema) int {
	if s == nil || len(s.Properties) == 0 {
		return 1
	}
	m := measure{defs: s.Defs, at: map[*jsonschema.Schema]int{}, open: map[string]bool{}, types: map[string]bool{}}
	m.visit(s, 0)
	return len(s.Properties) + 2*m.depth + len(m.types)
}

// measure is the state of one estimate.
type measure struct {
	defs  map[string]*jsonschema.Schema
	at    map[*jsonschema.Schema]int // how deep a schema was seen
	open  map[string]bool            // definitions around the current schema
	types map[string]bool
	depth int
}

func (m *measure) visit(s *jsonschema.Schema, depth int) {
	if s == nil || s.Not != nil {
		return
	}
	if before, seen := m.at[s]; seen && depth <= before || depth > depthMax {
		return
	}
	m.at[s] = depth
	m.depth = max(m.depth, depth)
	for _, name := range append(slices.Clone(s.Types), s.Type) {
		if name != "" {
			m.types[name] = true
		}
	}
	m.definition(s.Ref, depth)
	parts := slices.Concat(slices.Collect(maps.Values(s.Properties)), s.PrefixItems, s.AnyOf, s.OneOf)
	for _, part := range append(parts, s.Items, s.AdditionalProperties) {
		m.visit(part, depth+1)
	}
	for _, part := range s.AllOf {
		m.visit(part, depth)
	}
}

// definition visits what a reference leads to, once inside itself.
func (m *measure) definition(ref string, depth int) {
	if name, ok := strings.CutPrefix(ref, "#/$defs/"); ok && !m.open[name] {
		m.open[name] = true
		m.visit(m.defs[name], depth)
		delete(m.open, name)
	}
}
