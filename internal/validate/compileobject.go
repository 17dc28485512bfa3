package validate

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
)

func (c *compiler) object(n *node, s *jsonschema.Schema) (err error) {
	r := objectRule{
		min: value(s.MinProperties, 0), max: value(s.MaxProperties, -1),
		closed: s.AdditionalProperties != nil && s.AdditionalProperties.Not != nil,
	}
	if err := c.members(&r, s); err != nil {
		return err
	}
	if !r.closed {
		if r.rest, err = c.node(s.AdditionalProperties); err != nil {
			return err
		}
	}
	if r.keys, err = c.node(s.PropertyNames); err != nil {
		return err
	}
	if r.list != nil || r.closed || r.rest != nil || r.keys != nil || r.min > 0 || r.max >= 0 {
		n.object = &r
	}
	return nil
}

// members compiles the named properties, in the schema's order.
func (c *compiler) members(r *objectRule, s *jsonschema.Schema) error {
	r.members = make(map[string]int, len(s.Properties))
	for _, name := range memberNames(s) {
		m := member{name: name, required: slices.Contains(s.Required, name)}
		if sub := s.Properties[name]; sub != nil {
			n, err := c.node(sub)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			m.node = n
			if sub.Default != nil && !json.Valid(sub.Default) {
				return fmt.Errorf("%s: the default is not valid JSON", name)
			}
			m.fallback = string(sub.Default)
		}
		r.members[name] = len(r.list)
		r.list = append(r.list, m)
	}
	return nil
}

// memberNames lists the properties in their order, then those without one, then
// names that are only required.
func memberNames(s *jsonschema.Schema) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, name := range s.PropertyOrder {
		if s.Properties[name] != nil {
			add(name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		add(name)
	}
	for _, name := range s.Required {
		add(name)
	}
	return names
}
