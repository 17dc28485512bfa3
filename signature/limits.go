package signature

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/validate"
)

// Limits narrow down the values of a field beyond its type. The zero value
// narrows nothing. Each limit concerns values of one kind, text, numbers,
// lists or maps, and has no meaning for others; OneOf concerns all of them.
// Every limit is enforced on this side and by the worker, for inputs and for
// outputs.
type Limits struct {
	// MinLength and MaxLength count the characters of text.
	MinLength *int `json:"min_length,omitempty"`
	MaxLength *int `json:"max_length,omitempty"`
	// Pattern is a regular expression in the syntax of RE2 that some part of
	// the text has to match.
	Pattern string `json:"pattern,omitempty"`
	// Format is what the text is: date-time, date, time, uuid, email, uri,
	// hostname or ipv4. Another one is shown to the language model and not
	// checked.
	Format string `json:"format,omitempty"`

	// Minimum and Maximum bound numbers, and are allowed themselves.
	Minimum *float64 `json:"minimum,omitempty"`
	Maximum *float64 `json:"maximum,omitempty"`
	// MultipleOf is what numbers are a whole multiple of. It is above 0.
	MultipleOf *float64 `json:"multiple_of,omitempty"`

	// MinItems and MaxItems count the items of a list.
	MinItems *int `json:"min_items,omitempty"`
	MaxItems *int `json:"max_items,omitempty"`
	// UniqueItems forbids that an item stands in a list twice.
	UniqueItems bool `json:"unique_items,omitempty"`

	// MinProperties and MaxProperties count the members of a map.
	MinProperties *int `json:"min_properties,omitempty"`
	MaxProperties *int `json:"max_properties,omitempty"`

	// OneOf lists the values that are allowed: of a list, for each item.
	OneOf []any `json:"one_of,omitempty"`

	// Optional lets the field be missing.
	Optional bool `json:"optional,omitempty"`
}

// WithLimits returns the field with limits added to those of its type. Limits
// that have no meaning for the type are left out, as JSON Schema has it. The
// error is a *fault.Error with the code invalid_argument that names every limit
// that no value can satisfy.
func (f Field) WithLimits(l Limits) (Field, error) {
	if f.Schema == nil {
		return f, fault.Newf(fault.InvalidArgument, "field %q has no schema", f.Name)
	}
	if problems := l.problems(f.Schema); problems != nil {
		return f, fault.Newf(fault.InvalidArgument, "field %q: %s", f.Name, strings.Join(problems, "; "))
	}
	f.Schema = l.narrow(f.Schema)
	if l.Optional {
		f.Required = false
	}
	return f, nil
}

// problems lists the limits that cannot be.
func (l Limits) problems(of *jsonschema.Schema) []string {
	var out []string
	for _, pair := range []struct {
		name      string
		low, high *int
	}{{"length", l.MinLength, l.MaxLength}, {"items", l.MinItems, l.MaxItems}, {"properties", l.MinProperties, l.MaxProperties}} {
		if pair.low != nil && *pair.low < 0 || pair.high != nil && *pair.high < 0 {
			out = append(out, fmt.Sprintf("min_%s and max_%s are at least 0", pair.name, pair.name))
		} else if pair.low != nil && pair.high != nil && *pair.low > *pair.high {
			out = append(out, fmt.Sprintf("min_%s is %d and max_%s is %d: nothing is between them", pair.name, *pair.low, pair.name, *pair.high))
		}
	}
	if l.Minimum != nil && l.Maximum != nil && *l.Minimum > *l.Maximum {
		out = append(out, fmt.Sprintf("minimum is %v and maximum is %v: no number is between them", *l.Minimum, *l.Maximum))
	}
	bare := &jsonschema.Schema{Pattern: l.Pattern, MultipleOf: l.MultipleOf}
	if _, err := validate.Compile(bare, nil); err != nil {
		out = append(out, err.Error())
	}
	return append(out, l.strangers(of)...)
}

// strangers lists the values of OneOf that the type does not admit.
func (l Limits) strangers(of *jsonschema.Schema) []string {
	if l.OneOf == nil {
		return nil
	}
	if len(l.OneOf) == 0 {
		return []string{"one_of is empty: no value is left"}
	}
	if of.Type == "array" {
		of = of.Items
	}
	checker, err := validate.Compile(of, nil)
	if err != nil { // references: Validate looks at them once the definitions are known
		return nil
	}
	var out []string
	for i, v := range l.OneOf {
		raw, err := json.Marshal(v)
		if err != nil {
			out = append(out, fmt.Sprintf("one_of[%d]: %v", i, err))
			continue
		}
		if raw[0] == '[' || raw[0] == '{' {
			out = append(out, fmt.Sprintf("one_of[%d]: expected text, a number, a boolean or null, found %s", i, kindWord(raw[0])))
			continue
		}
		_, report := checker.Check(raw, validate.Options{Root: fmt.Sprintf("one_of[%d]", i)})
		for _, v := range report.Violations {
			out = append(out, v.String())
		}
	}
	return out
}

func kindWord(first byte) string {
	if first == '[' {
		return "an array"
	}
	return "an object"
}

// narrow returns a copy of a schema with the limits that concern it.
func (l Limits) narrow(s *jsonschema.Schema) *jsonschema.Schema {
	c := *s
	if alternatives := slices.Concat(s.AnyOf, s.OneOf); len(alternatives) > 0 {
		c.AnyOf, c.OneOf = make([]*jsonschema.Schema, len(alternatives)), nil
		for i, one := range alternatives {
			c.AnyOf[i] = l.narrow(one)
		}
		return &c
	}
	kinds := s.Types
	if s.Type != "" {
		kinds = []string{s.Type}
	}
	for _, kind := range kinds {
		l.limit(&c, kind)
	}
	l.choose(&c)
	return &c
}

// limit writes the limits for values of one kind into s.
func (l Limits) limit(s *jsonschema.Schema, kind string) {
	switch kind {
	case "string":
		replace(&s.MinLength, l.MinLength)
		replace(&s.MaxLength, l.MaxLength)
		if l.Pattern != "" {
			s.Pattern = l.Pattern
		}
		if l.Format != "" && s.Format == "" {
			s.Format = l.Format
		}
	case "integer", "number":
		replace(&s.Minimum, above(s.Minimum, l.Minimum))
		replace(&s.Maximum, below(s.Maximum, l.Maximum))
		replace(&s.MultipleOf, l.MultipleOf)
	case "array":
		replace(&s.MinItems, l.MinItems)
		replace(&s.MaxItems, l.MaxItems)
		s.UniqueItems = s.UniqueItems || l.UniqueItems
	case "object":
		replace(&s.MinProperties, l.MinProperties)
		replace(&s.MaxProperties, l.MaxProperties)
	}
}

func replace[T any](into **T, by *T) {
	if by != nil {
		*into = by
	}
}

// above returns the higher of two lower bounds: a probability stays at least 0.
func above(a, b *float64) *float64 {
	if a != nil && b != nil && *a > *b {
		return a
	}
	return b
}

func below(a, b *float64) *float64 {
	if a != nil && b != nil && *a < *b {
		return a
	}
	return b
}

// choose writes OneOf into s, or into what an array's items are.
func (l Limits) choose(s *jsonschema.Schema) {
	switch {
	case l.OneOf == nil || s.Type == "null":
	case s.Type == "array":
		items := &jsonschema.Schema{}
		if s.Items != nil {
			*items = *s.Items
		}
		items.Enum = l.OneOf
		s.Items = items
	default:
		s.Enum = l.OneOf
	}
}
