package sample

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// hopsMax bounds how many references and combinations lead to a type.
const hopsMax = 32

// settle follows references, joins the parts of an allOf and takes one
// alternative of a union, until a plain schema is left.
func (b *build) settle(path string, s *jsonschema.Schema, depth int) *jsonschema.Schema {
	if s == nil {
		return &jsonschema.Schema{}
	}
	for range hopsMax {
		rest := *s
		switch {
		case s.Ref != "":
			rest.Ref = ""
			s = join(rest, b.Defs[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]])
		case len(s.AllOf) > 0:
			rest.AllOf = s.AllOf[1:]
			s = join(rest, s.AllOf[0])
		case len(s.AnyOf) > 0:
			rest.AnyOf = nil
			s = join(rest, b.alternative(path, s.AnyOf, depth))
		case len(s.OneOf) > 0:
			rest.OneOf = nil
			s = join(rest, b.alternative(path, s.OneOf, depth))
		default:
			return s
		}
	}
	return s
}

// alternative takes one type of a union that is not null, and null when a
// recursive type has gone deep enough.
func (b *build) alternative(path string, of []*jsonschema.Schema, depth int) *jsonschema.Schema {
	var plain, other []*jsonschema.Schema
	for _, s := range of {
		switch {
		case s != nil && s.Type == "null":
			other = append(other, s)
		case !never(s):
			plain = append(plain, s)
		}
	}
	if len(plain) == 0 || depth >= depthLimit && len(other) > 0 {
		plain = other
	}
	if len(plain) == 0 {
		return nil
	}
	if depth >= depthLimit { // a type that ends rather than one that goes on
		for _, s := range plain {
			if s != nil && s.Ref == "" && s.Type != "object" && s.Type != "array" {
				return s
			}
		}
	}
	return plain[b.random(path+"|")%uint64(len(plain))]
}

// join returns what both schemas allow, as far as this package looks.
func join(a jsonschema.Schema, b *jsonschema.Schema) *jsonschema.Schema {
	if b == nil {
		return &a
	}
	a.Type, a.Types = joinTypes(&a, b)
	a.Const = first(a.Const, b.Const)
	a.Enum = joinEnums(a.Enum, b.Enum)
	a.Minimum, a.ExclusiveMinimum = larger(a.Minimum, b.Minimum), larger(a.ExclusiveMinimum, b.ExclusiveMinimum)
	a.Maximum, a.ExclusiveMaximum = smaller(a.Maximum, b.Maximum), smaller(a.ExclusiveMaximum, b.ExclusiveMaximum)
	a.MultipleOf = first(a.MultipleOf, b.MultipleOf)
	a.MinLength, a.MaxLength = larger(a.MinLength, b.MinLength), smaller(a.MaxLength, b.MaxLength)
	a.MinItems, a.MaxItems = larger(a.MinItems, b.MinItems), smaller(a.MaxItems, b.MaxItems)
	a.MinProperties, a.MaxProperties = larger(a.MinProperties, b.MinProperties), smaller(a.MaxProperties, b.MaxProperties)
	a.Pattern, a.Format = either(a.Pattern, b.Pattern), either(a.Format, b.Format)
	a.ContentEncoding, a.Ref = either(a.ContentEncoding, b.ContentEncoding), either(a.Ref, b.Ref)
	a.UniqueItems = a.UniqueItems || b.UniqueItems
	a.Items, a.AdditionalProperties = first(a.Items, b.Items), first(a.AdditionalProperties, b.AdditionalProperties)
	a.PropertyNames, a.Not = first(a.PropertyNames, b.PropertyNames), first(a.Not, b.Not)
	if a.PrefixItems == nil {
		a.PrefixItems = b.PrefixItems
	}
	joinMembers(&a, b)
	joinUnions(&a, b)
	return &a
}

// joinUnions keeps every combination of both for later.
func joinUnions(a, b *jsonschema.Schema) {
	a.AllOf = slices.Concat(a.AllOf, b.AllOf)
	if len(b.AnyOf) > 0 {
		if len(a.AnyOf) > 0 {
			a.AllOf = append(a.AllOf, &jsonschema.Schema{AnyOf: b.AnyOf})
		} else {
			a.AnyOf = b.AnyOf
		}
	}
	if len(b.OneOf) > 0 {
		if len(a.OneOf) > 0 {
			a.AllOf = append(a.AllOf, &jsonschema.Schema{OneOf: b.OneOf})
		} else {
			a.OneOf = b.OneOf
		}
	}
}

func joinMembers(a, b *jsonschema.Schema) {
	a.Required = slices.Compact(slices.Sorted(slices.Values(slices.Concat(a.Required, b.Required))))
	if b.Properties == nil {
		return
	}
	all := make(map[string]*jsonschema.Schema, len(a.Properties)+len(b.Properties))
	maps.Copy(all, a.Properties)
	for name, s := range b.Properties {
		if own := all[name]; own != nil {
			s = join(*own, s)
		}
		all[name] = s
	}
	a.Properties = all
}

// joinTypes returns the types that both name.
func joinTypes(a, b *jsonschema.Schema) (one string, several []string) {
	own, other := types(a), types(b)
	switch {
	case len(own) == 0:
		return b.Type, b.Types
	case len(other) == 0:
		return a.Type, a.Types
	}
	var both []string
	for _, t := range own {
		switch {
		case slices.Contains(other, t), t == "integer" && slices.Contains(other, "number"):
			both = append(both, t)
		case t == "number" && slices.Contains(other, "integer"):
			both = append(both, "integer")
		}
	}
	return "", both
}

func types(s *jsonschema.Schema) []string {
	if s.Type != "" {
		return []string{s.Type}
	}
	return s.Types
}

// joinEnums returns the members that both list.
func joinEnums(a, b []any) []any {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	var both []any
	for _, v := range a {
		if slices.ContainsFunc(b, func(w any) bool { return text(v) == text(w) }) {
			both = append(both, v)
		}
	}
	return both
}

func text(v any) string {
	raw, _ := json.Marshal(v) // members of a schema are JSON already
	return string(raw)
}

func first[T any](a, b *T) *T {
	if a != nil {
		return a
	}
	return b
}

func either(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

func larger[T int | float64](a, b *T) *T {
	if a == nil || b != nil && *b > *a {
		return b
	}
	return a
}

func smaller[T int | float64](a, b *T) *T {
	if a == nil || b != nil && *b < *a {
		return b
	}
	return a
}
