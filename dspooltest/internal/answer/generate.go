package answer

import (
	"slices"
	"strconv"
	"strings"
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
	return mix(g.seed ^ Hash(what))
}

// Hash is FNV-1a over s.
func Hash(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}

// mix spreads every bit of x over the result (SplitMix64).
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
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

// lengths returns how many items to make: three where the limits allow it.
func lengths(s *schema, depth int) (low, n int) {
	if s.MinItems != nil {
		low = max(0, *s.MinItems)
	}
	n = max(low, 3)
	if depth >= depthLimit {
		n = low
	} else if depth > 1 {
		n = max(low, 1)
	}
	if s.MaxItems != nil {
		n = min(n, *s.MaxItems)
	}
	return low, min(n, itemsLimit)
}

const itemsLimit = 10_000

func (g *generator) list(path string, s *schema, depth int) value {
	v := value{kind: listKind}
	for i, item := range s.PrefixItems {
		v.items = append(v.items, g.value(path+"."+strconv.Itoa(i), item, depth+1))
	}
	if s.Items != nil && s.Items.never || len(s.PrefixItems) > 0 {
		return v
	}
	item := s.Items
	if item == nil {
		item = &schema{Types: typeNames{"string"}}
	}
	_, n := lengths(s, depth)
	seen := make(map[string]bool, n)
	for i := 0; len(v.items) < n && i < 2*n+8; i++ {
		if next := g.item(path, item, i, depth); !seen[next.text] || next.kind >= listKind {
			seen[next.text] = true
			v.items = append(v.items, next)
		}
	}
	return g.fill(v, item, path, n, depth)
}

// fill repeats items where there are not enough different ones for the lower
// limit, as in a list of five booleans.
func (g *generator) fill(v value, item *schema, path string, n, depth int) value {
	for i := 0; len(v.items) < n && g.made < madeLimit; i++ {
		v.items = append(v.items, g.item(path, item, i, depth))
	}
	return v
}

// item makes the i-th item of a list. Plain words come from the inputs,
// choices in their order.
func (g *generator) item(path string, s *schema, i, depth int) value {
	s = s.resolve(g.defs)
	if len(s.Enum) > 0 {
		return s.Enum[(int(g.random(path)%uint64(len(s.Enum)))+i)%len(s.Enum)]
	}
	if s.isText() && s.Pattern == "" && len(s.AnyOf) == 0 && i < len(g.facts.keywords) {
		return text(fit(strings.ToLower(g.facts.keywords[i]), s))
	}
	return g.value(path+"."+strconv.Itoa(i), s, depth+1)
}

func (g *generator) object(path string, s *schema, depth int) value {
	v := value{kind: objectKind}
	for i, name := range s.Properties.names {
		if depth >= depthLimit && !slices.Contains(s.Required, name) {
			continue
		}
		if depth > 4*depthLimit {
			break
		}
		v.keys = append(v.keys, name)
		v.items = append(v.items, g.value(path+"."+name, s.Properties.schemas[i], depth+1))
	}
	if len(v.keys) == 0 && depth < depthLimit && (s.AdditionalProperties == nil || !s.AdditionalProperties.never) {
		return g.entries(path, s.AdditionalProperties, depth)
	}
	return v
}

// entries makes up the members of an open mapping.
func (g *generator) entries(path string, s *schema, depth int) value {
	v := value{kind: objectKind}
	if s == nil {
		s = &schema{}
	}
	for i := range 2 {
		key := "item_" + strconv.Itoa(i+1)
		if i < len(g.facts.keywords) {
			key = strings.ToLower(g.facts.keywords[i])
		}
		v.keys = append(v.keys, key)
		v.items = append(v.items, g.value(path+"."+key, s, depth+1))
	}
	return v
}
