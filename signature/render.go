package signature

import (
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// typeText writes a schema as a Python type. Limits are left out, and a
// definition stands by its name.
func typeText(s *jsonschema.Schema) string {
	if s == nil {
		return "Any"
	}
	alternatives := s.AnyOf
	if alternatives == nil {
		alternatives = s.OneOf
	}
	switch {
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]
	case alternatives != nil:
		parts := make([]string, len(alternatives))
		for i, a := range alternatives {
			parts[i] = typeText(a)
		}
		return strings.Join(parts, " | ")
	case s.Enum != nil:
		return literalText(s.Enum)
	case len(s.Types) > 0:
		parts := make([]string, len(s.Types))
		for i, name := range s.Types {
			one := *s
			one.Type, one.Types = name, nil
			parts[i] = typeText(&one)
		}
		return strings.Join(parts, " | ")
	}
	if dspy, ok := s.Extra["x-dspy"].(string); ok {
		return dspy
	}
	return kindText(s)
}

// kindText writes a schema of one JSON type.
func kindText(s *jsonschema.Schema) string {
	switch s.Type {
	case "string":
		return stringText(s)
	case "integer":
		return "int"
	case "number":
		return "float"
	case "boolean":
		return "bool"
	case "null":
		return "None"
	case "array":
		return arrayText(s)
	case "object":
		return objectText(s)
	}
	return "Any"
}

func stringText(s *jsonschema.Schema) string {
	switch {
	case s.ContentEncoding != "":
		return "bytes"
	case s.Format == "date-time":
		return "datetime"
	case s.Format == "date" || s.Format == "time":
		return s.Format
	case s.Format == "uuid":
		return "UUID"
	}
	return "str"
}

func arrayText(s *jsonschema.Schema) string {
	switch {
	case s.PrefixItems != nil:
		parts := make([]string, len(s.PrefixItems))
		for i, p := range s.PrefixItems {
			parts[i] = typeText(p)
		}
		return "tuple[" + strings.Join(parts, ", ") + "]"
	case s.UniqueItems && s.Items != nil:
		return "set[" + typeText(s.Items) + "]"
	case s.Items != nil:
		return "list[" + typeText(s.Items) + "]"
	}
	return "list"
}

func objectText(s *jsonschema.Schema) string {
	if s.AdditionalProperties == nil || s.AdditionalProperties.Not != nil {
		return "dict"
	}
	key := "str"
	if s.PropertyNames != nil && s.PropertyNames.Pattern != "" {
		key = "int"
	}
	return "dict[" + key + ", " + typeText(s.AdditionalProperties) + "]"
}

func literalText(values []any) string {
	parts := make([]string, len(values))
	for i, v := range values {
		switch v := v.(type) {
		case string:
			parts[i] = pythonString(v)
		case nil:
			parts[i] = "None"
		case bool:
			parts[i] = map[bool]string{true: "True", false: "False"}[v]
		default:
			parts[i] = fmt.Sprint(v)
		}
	}
	return "Literal[" + strings.Join(parts, ", ") + "]"
}
