package signature

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// A dialect rewrites schemas into the subset of JSON Schema that a provider
// takes. The subsets are those that the providers document, as of autumn 2026:
//
//   - OpenAI, "Structured outputs", supported schemas:
//     https://platform.openai.com/docs/guides/structured-outputs
//   - Anthropic, "Structured outputs", JSON Schema limitations:
//     https://platform.claude.com/docs/en/build-with-claude/structured-outputs
//   - Gemini, Schema: https://ai.google.dev/api/caching#Schema
type dialect struct {
	provider Provider
	allowed  map[string]bool // keywords of limits
	formats  []string
	// all makes every member required; one that was not may be null.
	all bool
	// inline has no references: definitions stand where they are used.
	inline bool
	// closed has no values of any type and no objects with free keys.
	closed bool

	defs    map[string]*jsonschema.Schema
	made    map[string]*jsonschema.Schema // definitions that are used
	open    []string                      // definitions that are being inlined
	loose   []string                      // why the schema is not strict
	refused []string                      // what cannot be told at all
}

func newDialect(p Provider, defs map[string]*jsonschema.Schema) (*dialect, bool) {
	d := &dialect{provider: p, defs: defs, made: map[string]*jsonschema.Schema{}}
	formats := []string{"date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"}
	switch p {
	case OpenAI:
		d.all, d.formats = true, formats
		d.allow("pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minItems", "maxItems")
	case Anthropic:
		d.formats = append(formats, "uri")
		d.allow("default")
	case Gemini:
		d.inline, d.closed, d.formats = true, true, []string{"date-time"}
		d.allow("pattern", "minLength", "maxLength", "minimum", "maximum", "minItems", "maxItems", "minProperties", "maxProperties", "default")
	case Generic:
		return nil, false
	default:
		return nil, false
	}
	return d, true
}

func (d *dialect) allow(keywords ...string) {
	d.allowed = map[string]bool{}
	for _, k := range keywords {
		d.allowed[k] = true
	}
}

// root rewrites the schema of a whole document.
func (d *dialect) root(s *jsonschema.Schema) *jsonschema.Schema {
	out := d.schema(s, "")
	if len(d.made) > 0 {
		out.Defs = d.made
	}
	return out
}

// loosen notes that the part of the schema at path cannot be held to strictly.
func (d *dialect) loosen(path, why string) {
	if d.closed {
		d.refused = append(d.refused, path+": "+why)
		return
	}
	d.loose = append(d.loose, path+": "+why)
}

// schema rewrites one schema.
func (d *dialect) schema(s *jsonschema.Schema, path string) *jsonschema.Schema {
	switch {
	case s == nil:
		return d.anything(&jsonschema.Schema{}, path)
	case s.Extra["x-dspy"] != nil:
		d.loosen(path, fmt.Sprintf("%v is a type of DSPy", s.Extra["x-dspy"]))
		return d.note(&jsonschema.Schema{Description: s.Description}, []string{fmt.Sprint(s.Extra["x-dspy"])})
	case s.Ref != "":
		return d.ref(s, path)
	case s.AnyOf != nil || s.OneOf != nil:
		return d.union(s, slices.Concat(s.AnyOf, s.OneOf), path)
	case s.AllOf != nil:
		return d.every(s, path)
	case s.Enum != nil || s.Const != nil:
		return d.choice(s, path)
	case len(s.Types) > 0:
		return d.union(s, split(s), path)
	}
	return d.kind(s, path)
}

// kind rewrites a schema of one JSON type.
func (d *dialect) kind(s *jsonschema.Schema, path string) *jsonschema.Schema {
	out := &jsonschema.Schema{Type: s.Type, Description: s.Description}
	switch s.Type {
	case "":
		return d.anything(out, path)
	case "array":
		d.array(out, s, path)
	case "object":
		d.object(out, s, path)
	}
	return d.note(out, d.limits(out, s))
}

func (d *dialect) anything(out *jsonschema.Schema, path string) *jsonschema.Schema {
	d.loosen(path, "a value of any type")
	return out
}

// ref keeps a reference, or puts what it refers to in its place.
func (d *dialect) ref(s *jsonschema.Schema, path string) *jsonschema.Schema {
	name := s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	if slices.Contains(d.open, name) && (d.inline || d.provider == Anthropic) {
		d.loosen(path, name+" contains itself")
	}
	if d.inline {
		return d.inlined(name, path)
	}
	if d.made[name] == nil {
		d.made[name] = &jsonschema.Schema{} // for one that contains itself
		d.open = append(d.open, name)
		*d.made[name] = *d.schema(d.defs[name], name)
		d.open = d.open[:len(d.open)-1]
	}
	out := &jsonschema.Schema{Ref: "#/$defs/" + name}
	if s.Description != "" { // a reference has no siblings
		out = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{out}, Description: s.Description}
	}
	return out
}

func (d *dialect) inlined(name, path string) *jsonschema.Schema {
	if slices.Contains(d.open, name) {
		return &jsonschema.Schema{}
	}
	d.open = append(d.open, name)
	defer func() { d.open = d.open[:len(d.open)-1] }()
	return d.schema(d.defs[name], path)
}

func (d *dialect) union(s *jsonschema.Schema, of []*jsonschema.Schema, path string) *jsonschema.Schema {
	out := &jsonschema.Schema{Description: s.Description}
	for _, one := range of {
		out.AnyOf = append(out.AnyOf, d.schema(one, path))
	}
	return out
}

// split makes one schema for each type that s admits.
func split(s *jsonschema.Schema) []*jsonschema.Schema {
	out := make([]*jsonschema.Schema, len(s.Types))
	for i, name := range s.Types {
		one := *s
		one.Type, one.Types, one.Description = name, nil, ""
		out[i] = &one
	}
	return out
}

// every rewrites allOf, which OpenAI and Gemini do not have.
func (d *dialect) every(s *jsonschema.Schema, path string) *jsonschema.Schema {
	if d.provider != Anthropic {
		d.loosen(path, "allOf")
	}
	out := &jsonschema.Schema{Description: s.Description}
	for _, one := range s.AllOf {
		out.AllOf = append(out.AllOf, d.schema(one, path))
	}
	return out
}

// note adds to the description what the dialect has no keywords for.
func (d *dialect) note(s *jsonschema.Schema, notes []string) *jsonschema.Schema {
	if len(notes) > 0 {
		s.Description = strings.TrimSpace(s.Description + " (" + strings.Join(notes, ", ") + ")")
	}
	return s
}
