package answer

import (
	"bytes"
	"encoding/json"
	"strings"
)

// A schema is the part of JSON Schema that pydantic writes.
type schema struct {
	Ref    string             `json:"$ref"`
	Defs   map[string]*schema `json:"$defs"`
	Types  typeNames          `json:"type"`
	Enum   []value            `json:"enum"`
	Const  *value             `json:"const"`
	AnyOf  []*schema          `json:"anyOf"`
	OneOf  []*schema          `json:"oneOf"`
	AllOf  []*schema          `json:"allOf"`
	Format string             `json:"format"`

	Properties           properties `json:"properties"`
	Required             []string   `json:"required"`
	AdditionalProperties *schema    `json:"additionalProperties"`

	Items       *schema   `json:"items"`
	PrefixItems []*schema `json:"prefixItems"`
	MinItems    *int      `json:"minItems"`
	MaxItems    *int      `json:"maxItems"`

	Minimum          json.Number `json:"minimum"`
	Maximum          json.Number `json:"maximum"`
	ExclusiveMinimum json.Number `json:"exclusiveMinimum"`
	ExclusiveMaximum json.Number `json:"exclusiveMaximum"`
	MultipleOf       json.Number `json:"multipleOf"`

	MinLength       *int   `json:"minLength"`
	MaxLength       *int   `json:"maxLength"`
	Pattern         string `json:"pattern"`
	ContentEncoding string `json:"contentEncoding"`

	// never is the schema false, which allows nothing.
	never bool
}

// UnmarshalJSON also takes the schemas true and false.
func (s *schema) UnmarshalJSON(raw []byte) error {
	switch string(raw) {
	case "true":
		return nil
	case "false":
		s.never = true
		return nil
	}
	type bare schema
	return json.Unmarshal(raw, (*bare)(s))
}

// typeNames is "type", which is one name or a list of names.
type typeNames []string

// UnmarshalJSON takes both forms.
func (t *typeNames) UnmarshalJSON(raw []byte) error {
	if raw[0] == '[' {
		return json.Unmarshal(raw, (*[]string)(t))
	}
	var name string
	err := json.Unmarshal(raw, &name)
	*t = typeNames{name}
	return err
}

// properties keeps the order in which the schema lists them.
type properties struct {
	names   []string
	schemas []*schema
}

// UnmarshalJSON keeps the order of the members.
func (p *properties) UnmarshalJSON(raw []byte) error {
	return members(raw, func(key string, member json.RawMessage) error {
		var s schema
		if err := json.Unmarshal(member, &s); err != nil {
			return err
		}
		p.names, p.schemas = append(p.names, key), append(p.schemas, &s)
		return nil
	})
}

// members calls each for every member of a JSON object, in order.
func members(raw []byte, each func(key string, member json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		var member json.RawMessage
		if err := d.Decode(&member); err != nil {
			return err
		}
		name, _ := key.(string)
		if err := each(name, member); err != nil {
			return err
		}
	}
	return nil
}

// typeName returns the first type that is not null, guessed from the other
// members where the schema names none, or "".
func (s *schema) typeName() string {
	for _, t := range s.Types {
		if t != "null" {
			return t
		}
	}
	switch {
	case len(s.Types) > 0:
		return "null"
	case len(s.Properties.names) > 0 || s.AdditionalProperties != nil:
		return "object"
	case s.Items != nil || len(s.PrefixItems) > 0:
		return "array"
	default:
		return ""
	}
}

// resolve follows a reference into defs. A reference that leads nowhere
// allows anything.
func (s *schema) resolve(defs map[string]*schema) *schema {
	for range 8 {
		if s == nil || s.Ref == "" {
			break
		}
		s = defs[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
	}
	if s == nil {
		return &schema{}
	}
	return s
}

// isText reports whether ChatAdapter takes a value of this type as it stands,
// without parsing it: str, and a union of str and None.
func (s *schema) isText() bool {
	if len(s.AnyOf) == 0 {
		return s.typeName() == "string" && len(s.Enum) == 0 && s.Format == "" && s.ContentEncoding == ""
	}
	hasText, hasNull := false, false
	for _, choice := range s.AnyOf {
		hasText = hasText || choice.isText()
		hasNull = hasNull || choice.typeName() == "null"
	}
	return hasText && hasNull
}

// complete reports whether the type of every part is known.
func (s *schema) complete() bool {
	switch s.typeName() {
	case "":
		return len(s.Enum) > 0 || len(s.AnyOf) > 0
	case "array":
		return s.Items != nil && (s.Items.never || s.Items.complete())
	default:
		return true
	}
}
