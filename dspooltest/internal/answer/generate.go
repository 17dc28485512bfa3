package answer

import (
	"slices"
	"strings"

	"github.com/dspool/dspool/internal/sample"
)

// depthLimit ends recursive types: below it, what may be empty is.
const depthLimit = 6

// A generator makes up values. One serves one answer.
type generator struct {
	seed  uint64
	facts *facts
	defs  map[string]*schema
	made  int // values so far
}

// madeLimit is how many values an answer may have, whatever the limits of its
// lists ask for.
const madeLimit = 100_000

// value returns a value of type s for the field or member called path, of
// which the part after the last dot is the name that gives hints.
func (g *generator) value(path string, s *schema, depth int) value {
	if s.Defs != nil && depth == 0 {
		g.defs = s.Defs
	}
	s = s.resolve(g.defs)
	if g.made++; g.made > madeLimit {
		return null()
	}
	switch {
	case s.Const != nil:
		return *s.Const
	case len(s.Enum) > 0:
		return g.choose(path, s.Enum)
	case len(s.AllOf) > 0:
		return g.value(path, s.AllOf[0], depth+1)
	case len(s.AnyOf) > 0:
		return g.value(path, g.alternative(s.AnyOf, depth), depth+1)
	case len(s.OneOf) > 0:
		return g.value(path, g.alternative(s.OneOf, depth), depth+1)
	default:
		return g.typed(path, s, depth)
	}
}

// alternative takes the first type of a union that is not null, and null when
// a recursive type has gone deep enough.
func (g *generator) alternative(of []*schema, depth int) *schema {
	var found *schema
	for _, s := range of {
		isNull := s.Ref == "" && s.typeName() == "null"
		if isNull && depth >= depthLimit {
			return s
		}
		if found == nil && !isNull {
			found = s
		}
	}
	if found == nil {
		return &schema{Types: typeNames{"null"}}
	}
	return found
}

func (g *generator) typed(path string, s *schema, depth int) value {
	switch s.typeName() {
	case "null":
		return null()
	case "boolean":
		return boolean(g.truth(path))
	case "integer":
		return g.integer(path, s)
	case "number":
		return g.number(path, s)
	case "array":
		return g.list(path, s, depth)
	case "object":
		return g.object(path, s, depth)
	default:
		return g.text(path, s)
	}
}

// random is a number that depends on the seed and on what it is for.
func (g *generator) random(what string) uint64 {
	return sample.Mix(g.seed ^ sample.Hash(what))
}

// hint is the last part of a path, in lower case.
func hint(path string) string {
	return strings.ToLower(path[strings.LastIndexByte(path, '.')+1:])
}

// choose takes the member that the inputs name, else the one that fits their
// mood, else any.
func (g *generator) choose(path string, members []value) value {
	for _, m := range members {
		if m.kind != boolKind && m.kind != nullKind && g.facts.has(m.text) {
			return m
		}
	}
	for _, m := range members {
		label := strings.ToLower(m.text)
		if side := mood(label); side != 0 && side*g.facts.polarity > 0 {
			return m
		}
	}
	if m, ok := g.urgent(members); ok {
		return m
	}
	if g.facts.polarity == 0 {
		for _, m := range members {
			if neutral(strings.ToLower(m.text)) {
				return m
			}
		}
	}
	return members[g.random(path)%uint64(len(members))]
}

// urgent takes the highest of some priorities for a text that is in a hurry.
func (g *generator) urgent(members []value) (value, bool) {
	for _, m := range members {
		if highest(strings.ToLower(m.text)) && slices.ContainsFunc(g.facts.words, hurry) {
			return m, true
		}
	}
	return null(), false
}

func (g *generator) truth(path string) bool {
	if g.facts.polarity != 0 {
		return g.facts.polarity > 0
	}
	return g.random(path)&1 == 0
}
