package sample

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

const (
	// depthLimit ends recursive types: below it, what may be left out is.
	depthLimit = 6
	// deepest is where a type that never ends is cut off.
	deepest = 4 * depthLimit
	// madeLimit is how many values one answer may have, whatever the limits of
	// its lists ask for.
	madeLimit = 100_000
)

// A Maker makes values. It is a value without state and may be used from many
// goroutines.
type Maker struct {
	// Prefix is what made-up text begins with.
	Prefix string
	// Seed changes every value that the schema leaves open.
	Seed uint64
	// Defs are the schemas that "#/$defs/NAME" refers to.
	Defs map[string]*jsonschema.Schema
}

// Value makes a value for the field of that name. For a schema that allows no
// value at all the result is some value that it does not allow.
func (m Maker) Value(name string, s *jsonschema.Schema) (json.RawMessage, error) {
	b := &build{Maker: m}
	raw, err := json.Marshal(b.value(name, s, 0))
	if err != nil {
		return nil, fmt.Errorf("the value for %q is not JSON: %w", name, err)
	}
	return raw, nil
}

// A build makes one value.
type build struct {
	Maker

	made int
}

// random is a number that depends on the seed and on what it is for.
func (b *build) random(path string) uint64 { return Mix(b.Seed ^ Hash(path)) }

// value makes a value for the field or member called path, of which the part
// after the last dot is its name.
func (b *build) value(path string, s *jsonschema.Schema, depth int) any {
	if b.made++; b.made > madeLimit || depth > deepest {
		return nil
	}
	s = b.settle(path, s, depth)
	switch {
	case s.Const != nil:
		return *s.Const
	case len(s.Enum) > 0:
		return s.Enum[b.random(path)%uint64(len(s.Enum))]
	}
	switch typeOf(s, depth) {
	case "null":
		return nil
	case "boolean":
		return b.random(path)%2 == 0
	case "integer":
		return b.number(path, s, true)
	case "number":
		return b.number(path, s, false)
	case "array":
		return b.array(path, s, depth)
	case "object":
		return b.object(path, s, depth)
	default:
		return b.text(path, s)
	}
}

// typeOf returns the type to make: of several the first that is not null,
// guessed from the other keywords where the schema names none.
func typeOf(s *jsonschema.Schema, depth int) string {
	if s.Type != "" {
		return s.Type
	}
	first := ""
	for _, t := range s.Types {
		if null := t == "null"; null == (depth >= depthLimit) {
			return t
		}
		first = t
	}
	switch {
	case first != "":
		return first
	case s.Properties != nil || s.AdditionalProperties != nil || s.PropertyNames != nil || len(s.Required) > 0:
		return "object"
	case s.Items != nil || s.PrefixItems != nil || s.MinItems != nil || s.UniqueItems:
		return "array"
	case s.Minimum != nil || s.Maximum != nil || s.ExclusiveMinimum != nil || s.ExclusiveMaximum != nil || s.MultipleOf != nil:
		return "number"
	default:
		return "string"
	}
}

// never reports whether s allows nothing.
func never(s *jsonschema.Schema) bool { return s != nil && s.Not != nil }

// Hash is FNV-1a over s.
func Hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// Mix spreads every bit of x over the result (SplitMix64).
func Mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// last is the last part of a path.
func last(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
