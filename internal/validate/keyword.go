package validate

import (
	"fmt"
	"reflect"

	"github.com/google/jsonschema-go/jsonschema"
)

// trivial reports whether s accepts every value: it says nothing, or only things
// for people to read.
func trivial(s *jsonschema.Schema) bool {
	bare := *s
	bare.Title, bare.Description, bare.Comment, bare.Schema = "", "", "", ""
	bare.Default, bare.Examples, bare.Extra, bare.Defs, bare.PropertyOrder = nil, nil, nil, nil, nil
	bare.Deprecated, bare.ReadOnly, bare.WriteOnly = false, false, false
	return reflect.ValueOf(bare).IsZero()
}

// unsupported refuses the keywords that this package would have to ignore.
func unsupported(s *jsonschema.Schema) error {
	for _, keyword := range []struct {
		used bool
		name string
	}{
		{s.DynamicRef != "", "$dynamicRef"},
		{s.If != nil, "if"},
		{s.DependentSchemas != nil || s.DependencySchemas != nil, "dependentSchemas"},
		{s.DependentRequired != nil || s.DependencyStrings != nil, "dependentRequired"},
		{s.PatternProperties != nil, "patternProperties"},
		{s.Contains != nil, "contains"},
		{s.UnevaluatedItems != nil, "unevaluatedItems"},
		{s.UnevaluatedProperties != nil, "unevaluatedProperties"},
		{s.ItemsArray != nil, "items with a list"},
		{s.Not != nil && !trivial(s.Not), "not"},
		{s.ID != "", "$id"},
		{s.Anchor != "", "$anchor"},
	} {
		if keyword.used {
			return fmt.Errorf("the JSON Schema keyword %q is not supported here", keyword.name)
		}
	}
	return nil
}

func kindsOf(s *jsonschema.Schema) (kinds, error) {
	if s.Type != "" {
		return kindNamed(s.Type)
	}
	if s.Types == nil {
		return isAny, nil
	}
	var out kinds
	for _, name := range s.Types {
		k, err := kindNamed(name)
		if err != nil {
			return 0, err
		}
		out |= k
	}
	return out, nil
}

func kindNamed(name string) (kinds, error) {
	switch name {
	case "null":
		return isNull, nil
	case "boolean":
		return isBool, nil
	case "integer":
		return isInteger, nil
	case "number":
		return isNumber | isInteger, nil
	case "string":
		return isString, nil
	case "array":
		return isArray, nil
	case "object":
		return isObject, nil
	}
	return 0, fmt.Errorf("there is no JSON type %q", name)
}
