package sample

import (
	"maps"
	"slices"
	"strconv"

	"github.com/google/jsonschema-go/jsonschema"
)

const (
	// itemsUsual is how many items a list has where its limits allow that.
	itemsUsual = 2
	itemsLimit = 10_000
	// flatDepth is how deep containers nest before they hold no more than they
	// must.
	flatDepth = 3
	// tries is how often a value is made anew that must differ from others.
	tries = 16
)

// amount returns how many parts to make.
func amount(least, most *int, usual, depth int) int {
	n := usual
	if depth >= flatDepth {
		n = 0
	}
	if least != nil {
		n = max(n, *least)
	}
	if most != nil {
		n = min(n, *most)
	}
	return min(max(n, 0), itemsLimit)
}

func (b *build) array(path string, s *jsonschema.Schema, depth int) []any {
	out := make([]any, 0, len(s.PrefixItems)+itemsUsual)
	for i, item := range s.PrefixItems {
		if s.MaxItems == nil || i < *s.MaxItems {
			out = append(out, b.value(path+"."+strconv.Itoa(i), item, depth+1))
		}
	}
	if never(s.Items) || s.Items == nil && len(s.PrefixItems) > 0 && s.MinItems == nil {
		return out
	}
	seen := map[string]bool{}
	for _, v := range out {
		seen[text(v)] = true
	}
	n := amount(s.MinItems, s.MaxItems, itemsUsual, depth)
	for i := 0; len(out) < n && i < n*tries && b.made < madeLimit; i++ {
		v := b.value(path+"."+strconv.Itoa(i), s.Items, depth+1)
		if s.UniqueItems && seen[text(v)] {
			continue
		}
		if s.UniqueItems {
			seen[text(v)] = true
		}
		out = append(out, v)
	}
	return out
}

func (b *build) object(path string, s *jsonschema.Schema, depth int) map[string]any {
	out := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		must := slices.Contains(s.Required, name)
		if !must && (depth >= flatDepth || never(s.Properties[name])) {
			continue
		}
		if must || s.MaxProperties == nil || len(out)+missing(s, out) < *s.MaxProperties {
			out[name] = b.value(path+"."+name, s.Properties[name], depth+1)
		}
	}
	for _, name := range s.Required {
		if _, there := out[name]; !there {
			out[name] = b.value(path+"."+name, s.AdditionalProperties, depth+1)
		}
	}
	b.entries(out, path, s, depth)
	return out
}

// missing is how many required members are not there yet.
func missing(s *jsonschema.Schema, have map[string]any) (n int) {
	for _, name := range s.Required {
		if _, there := have[name]; !there {
			n++
		}
	}
	return n
}

// entries adds members that no property describes: as many as an open mapping
// must have, and a few where it has no others.
func (b *build) entries(out map[string]any, path string, s *jsonschema.Schema, depth int) {
	if never(s.AdditionalProperties) {
		return
	}
	usual := 0
	if len(s.Properties) == 0 {
		usual = itemsUsual
	}
	n := amount(s.MinProperties, s.MaxProperties, usual, depth)
	for i := 0; len(out) < n && i < n*tries && b.made < madeLimit; i++ {
		key := "key_" + strconv.Itoa(i+1)
		if s.PropertyNames != nil {
			key = b.key(path+".key."+strconv.Itoa(i), s.PropertyNames, depth)
		}
		if _, there := out[key]; !there && s.Properties[key] == nil {
			out[key] = b.value(path+"."+key, s.AdditionalProperties, depth+1)
		}
	}
}

// key makes a name that the schema allows.
func (b *build) key(path string, s *jsonschema.Schema, depth int) string {
	plain := b.settle(path, s, depth)
	if len(plain.Enum) > 0 || plain.Const != nil {
		if name, ok := b.value(path, plain, depth).(string); ok {
			return name
		}
	}
	return b.text(path, plain)
}
