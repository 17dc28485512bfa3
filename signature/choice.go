package signature

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// choice rewrites an enum: the values of each JSON type by themselves.
func (d *dialect) choice(s *jsonschema.Schema, path string) *jsonschema.Schema {
	values := s.Enum
	if s.Const != nil {
		values = []any{*s.Const}
	}
	byType := map[string]*jsonschema.Schema{}
	for _, v := range values {
		kind := kindOfValue(v)
		if byType[kind] == nil {
			byType[kind] = &jsonschema.Schema{Type: kind}
		}
		if kind != "null" {
			byType[kind].Enum = append(byType[kind].Enum, v)
		}
	}
	var out *jsonschema.Schema
	for _, kind := range slices.Sorted(maps.Keys(byType)) {
		one := d.chosen(byType[kind], path)
		switch {
		case out == nil:
			out = one
		case out.AnyOf == nil:
			out = &jsonschema.Schema{AnyOf: []*jsonschema.Schema{out, one}}
		default:
			out.AnyOf = append(out.AnyOf, one)
		}
	}
	if out == nil {
		return &jsonschema.Schema{}
	}
	if s.Description != "" {
		out.Description = strings.TrimSpace(s.Description + " " + out.Description)
	}
	return out
}

// chosen leaves values that are not text to the description where enums are of
// text only.
func (d *dialect) chosen(s *jsonschema.Schema, path string) *jsonschema.Schema {
	if s.Type == "array" || s.Type == "object" {
		d.loosen(path, "an enum of lists or objects")
	}
	if d.provider != Gemini || s.Type == "string" || s.Type == "null" {
		return s
	}
	values, _ := json.Marshal(s.Enum) // what came from JSON goes back
	return d.note(&jsonschema.Schema{Type: s.Type}, []string{"one of " + string(values)})
}

func kindOfValue(v any) string {
	raw, err := json.Marshal(v)
	if err != nil || len(raw) == 0 {
		return "null"
	}
	switch c := raw[0]; {
	case c == '"':
		return "string"
	case c == 't', c == 'f':
		return "boolean"
	case c == 'n':
		return "null"
	case c == '[':
		return "array"
	case c == '{':
		return "object"
	case strings.ContainsAny(string(raw), ".eE"):
		return "number"
	}
	return "integer"
}
