package signature

import (
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
)

// limits copies the limits that the dialect has keywords for, and returns the
// others in words.
func (d *dialect) limits(to, from *jsonschema.Schema) (notes []string) {
	c := copier{allowed: d.allowed, kind: from.Type}
	bound(&c, "minLength", &to.MinLength, from.MinLength)
	bound(&c, "maxLength", &to.MaxLength, from.MaxLength)
	bound(&c, "minimum", &to.Minimum, from.Minimum)
	bound(&c, "maximum", &to.Maximum, from.Maximum)
	bound(&c, "exclusiveMinimum", &to.ExclusiveMinimum, from.ExclusiveMinimum)
	bound(&c, "exclusiveMaximum", &to.ExclusiveMaximum, from.ExclusiveMaximum)
	bound(&c, "multipleOf", &to.MultipleOf, from.MultipleOf)
	c.minItems(d.provider, to, from)
	bound(&c, "maxItems", &to.MaxItems, from.MaxItems)
	bound(&c, "minProperties", &to.MinProperties, from.MinProperties)
	bound(&c, "maxProperties", &to.MaxProperties, from.MaxProperties)
	if c.keeps("pattern", from.Pattern != "", from.Pattern) {
		to.Pattern = from.Pattern
	}
	if c.keeps("default", from.Default != nil, string(from.Default)) {
		to.Default = from.Default
	}
	if slices.Contains(d.formats, from.Format) && from.Type == "string" {
		to.Format = from.Format
	} else {
		c.keeps("format", from.Format != "", from.Format)
	}
	c.keeps("uniqueItems", from.UniqueItems, true)
	c.keeps("contentEncoding", from.ContentEncoding != "", from.ContentEncoding)
	if from.PropertyNames != nil {
		c.notes = append(c.notes, "keys: "+keysInWords(from.PropertyNames))
	}
	return c.notes
}

// A copier takes over the keywords that are allowed.
type copier struct {
	allowed map[string]bool
	kind    string // the JSON type that the limits are for
	notes   []string
}

// keeps reports whether a keyword is used and allowed, and notes it in words
// where it is only used.
func (c *copier) keeps(keyword string, used bool, value any) bool {
	used = used && concerns(keyword, c.kind)
	if used && !c.allowed[keyword] {
		c.notes = append(c.notes, fmt.Sprintf("%s: %v", keyword, value))
	}
	return used && c.allowed[keyword]
}

// concerns reports whether a keyword has a meaning for values of a JSON type.
func concerns(keyword, kind string) bool {
	switch keyword {
	case "minLength", "maxLength", "pattern", "format", "contentEncoding":
		return kind == "string"
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf":
		return kind == "number" || kind == "integer"
	case "minItems", "maxItems", "uniqueItems":
		return kind == "array"
	case "minProperties", "maxProperties":
		return kind == "object"
	}
	return true
}

func bound[T any](c *copier, keyword string, to **T, from *T) {
	if from != nil && c.keeps(keyword, true, *from) {
		*to = from
	}
}

// minItems is allowed by Anthropic for 0 and 1 only.
func (c *copier) minItems(p Provider, to, from *jsonschema.Schema) {
	if p == Anthropic && c.kind == "array" && from.MinItems != nil && *from.MinItems <= 1 {
		to.MinItems = from.MinItems
		return
	}
	bound(c, "minItems", &to.MinItems, from.MinItems)
}

func keysInWords(s *jsonschema.Schema) string {
	switch {
	case s.Enum != nil:
		return literalText(s.Enum)
	case s.Pattern != "":
		return s.Pattern
	}
	return typeText(s)
}
