package signature

import (
	"encoding/json"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// An openAPISchema is a Schema of Gemini's API, a subset of OpenAPI 3.0:
// https://ai.google.dev/api/caching#Schema.
type openAPISchema struct {
	Type             string                    `json:"type,omitempty"`
	Format           string                    `json:"format,omitempty"`
	Description      string                    `json:"description,omitempty"`
	Nullable         bool                      `json:"nullable,omitempty"`
	Enum             []any                     `json:"enum,omitempty"`
	Default          json.RawMessage           `json:"default,omitempty"`
	Pattern          string                    `json:"pattern,omitempty"`
	MinLength        *int                      `json:"minLength,omitempty"`
	MaxLength        *int                      `json:"maxLength,omitempty"`
	Minimum          *float64                  `json:"minimum,omitempty"`
	Maximum          *float64                  `json:"maximum,omitempty"`
	Items            *openAPISchema            `json:"items,omitempty"`
	MinItems         *int                      `json:"minItems,omitempty"`
	MaxItems         *int                      `json:"maxItems,omitempty"`
	Properties       map[string]*openAPISchema `json:"properties,omitempty"`
	PropertyOrdering []string                  `json:"propertyOrdering,omitempty"`
	Required         []string                  `json:"required,omitempty"`
	MinProperties    *int                      `json:"minProperties,omitempty"`
	MaxProperties    *int                      `json:"maxProperties,omitempty"`
	AnyOf            []*openAPISchema          `json:"anyOf,omitempty"`
}

// openAPI turns a schema of the dialect of Gemini into its form.
func openAPI(s *jsonschema.Schema) *openAPISchema {
	if s == nil {
		return nil
	}
	out := &openAPISchema{
		Type: strings.ToUpper(s.Type), Format: s.Format, Description: s.Description, Enum: s.Enum,
		Default: s.Default, Pattern: s.Pattern, MinLength: s.MinLength, MaxLength: s.MaxLength,
		Minimum: s.Minimum, Maximum: s.Maximum, Items: openAPI(s.Items), MinItems: s.MinItems, MaxItems: s.MaxItems,
		PropertyOrdering: s.PropertyOrder, Required: s.Required, MinProperties: s.MinProperties, MaxProperties: s.MaxProperties,
	}
	if s.Properties != nil {
		out.Properties = make(map[string]*openAPISchema, len(s.Properties))
		for name, p := range s.Properties {
			out.Properties[name] = openAPI(p)
		}
	}
	if s.Enum != nil && s.Type == "string" {
		out.Format = "enum"
	}
	return out.alternatives(s)
}

// alternatives writes anyOf, with null as an attribute.
func (o *openAPISchema) alternatives(s *jsonschema.Schema) *openAPISchema {
	for _, one := range s.AnyOf {
		if one.Type == "null" {
			o.Nullable = true
		} else {
			o.AnyOf = append(o.AnyOf, openAPI(one))
		}
	}
	if len(o.AnyOf) != 1 {
		return o
	}
	only := o.AnyOf[0]
	only.Nullable = only.Nullable || o.Nullable
	if o.Description != "" {
		only.Description = strings.TrimSpace(o.Description + " " + only.Description)
	}
	return only
}
