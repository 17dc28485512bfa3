package answer

import (
	"slices"
	"strconv"
	"strings"
)

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
	if s.isText() && s.Pattern == "" && len(s.AnyOf) == 0 {
		return text(fit(g.label(i), s))
	}
	return g.value(path+"."+strconv.Itoa(i), s, depth+1)
}

// label is a short text: the i-th key word, or a number where there are not so
// many.
func (g *generator) label(i int) string {
	if i < len(g.facts.keywords) {
		return strings.ToLower(g.facts.keywords[i])
	}
	return "item " + strconv.Itoa(i+1)
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
