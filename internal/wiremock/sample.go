package wiremock

import (
	"math"
	"strings"
)

// sampleDepth is how deep samples nest before an optional part is left out, so
// that schemas which refer to themselves come to an end.
const sampleDepth = 8

// samples makes values that fit a JSON Schema, always the same ones.
type samples struct {
	defs map[string]any // what "#/$defs/NAME" refers to
}

// of makes a value for the field of that name.
func (s samples) of(name string, schema map[string]any) any { return s.value(name, schema, 0) }

func (s samples) value(name string, schema map[string]any, depth int) any {
	schema = s.resolve(schema, depth)
	if v, fixed := schema["const"]; fixed {
		return v
	}
	if members, ok := schema["enum"].([]any); ok && len(members) > 0 {
		return members[0]
	}
	switch kindOf(schema) {
	case "integer":
		return math.Ceil(between(schema, 1))
	case "number":
		return between(schema, 0.5)
	case "boolean":
		return true
	case "null":
		return nil
	case "array":
		return s.list(name, schema, depth)
	case "object":
		return s.object(schema, depth)
	default:
		return text(name, schema)
	}
}

// resolve follows references and takes the first choice that is not null.
func (s samples) resolve(schema map[string]any, depth int) map[string]any {
	for range sampleDepth {
		if ref, ok := schema["$ref"].(string); ok {
			schema, _ = s.defs[ref[strings.LastIndex(ref, "/")+1:]].(map[string]any)
			continue
		}
		choice := firstChoice(schema, depth)
		if choice == nil {
			break
		}
		schema = choice
	}
	return schema
}

// firstChoice returns the alternative of a union to use, nil if schema is none.
// Deep down null is preferred: it ends the recursion.
func firstChoice(schema map[string]any, depth int) map[string]any {
	var first map[string]any
	for _, keyword := range []string{"anyOf", "oneOf", "allOf"} {
		choices, _ := schema[keyword].([]any)
		for _, c := range choices {
			choice, _ := c.(map[string]any)
			if null := choice["type"] == "null"; null == (depth >= sampleDepth) {
				return choice
			}
			if first == nil {
				first = choice
			}
		}
	}
	return first
}

// kindOf returns the schema's type; of several the first that is not null.
func kindOf(schema map[string]any) string {
	switch t := schema["type"].(type) {
	case string:
		return t
	case []any:
		for _, k := range t {
			if kind, _ := k.(string); kind != "null" {
				return kind
			}
		}
	}
	if _, ok := schema["properties"]; ok {
		return "object"
	}
	return "string"
}

// between returns a number within the schema's limits, wish if that is one.
func between(schema map[string]any, wish float64) float64 {
	low, high := math.Inf(-1), math.Inf(1)
	step := 0.0
	if v, ok := schema["minimum"].(float64); ok {
		low = v
	}
	if v, ok := schema["exclusiveMinimum"].(float64); ok {
		low, step = v, 0.5
	}
	if v, ok := schema["maximum"].(float64); ok {
		high = v
	}
	if v, ok := schema["exclusiveMaximum"].(float64); ok {
		high, step = v, 0.5
	}
	switch {
	case wish >= low+step && wish <= high-step:
		return wish
	case !math.IsInf(low, 0) && !math.IsInf(high, 0):
		return (low + high) / 2
	case !math.IsInf(low, 0):
		return low + step
	default:
		return high - step
	}
}

func (s samples) list(name string, schema map[string]any, depth int) any {
	items, _ := schema["items"].(map[string]any)
	n := 1
	if least, ok := schema["minItems"].(float64); ok {
		n = max(n, int(least))
	}
	if most, ok := schema["maxItems"].(float64); ok {
		n = min(n, int(most))
	}
	if depth >= sampleDepth {
		n = 0
	}
	list := make([]any, 0, n)
	for range n {
		list = append(list, s.value(name, items, depth+1))
	}
	return list
}

func (s samples) object(schema map[string]any, depth int) any {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	object := map[string]any{}
	for _, r := range required {
		name, _ := r.(string)
		property, _ := properties[name].(map[string]any)
		object[name] = s.value(name, property, depth+1)
	}
	return object
}

// text makes a string of the schema's format and length.
func text(name string, schema map[string]any) string {
	if schema["contentEncoding"] == "base64" {
		return "AAEC"
	}
	switch schema["format"] {
	case "date-time":
		return "2024-02-29T12:00:00Z"
	case "date":
		return "2024-02-29"
	case "time":
		return "12:00:00"
	case "uuid":
		return "00000000-0000-4000-8000-000000000000"
	}
	t := "mock " + name
	if least, ok := schema["minLength"].(float64); ok && len(t) < int(least) {
		t += strings.Repeat("x", int(least)-len(t))
	}
	if most, ok := schema["maxLength"].(float64); ok && len(t) > int(most) {
		t = t[:int(most)]
	}
	return t
}
