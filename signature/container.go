package signature

import (
	"slices"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

func (d *dialect) array(out, s *jsonschema.Schema, path string) {
	if s.PrefixItems == nil {
		out.Items = d.schema(s.Items, path+"[]")
		return
	}
	// No dialect has tuples: a list of as many items, each of one of the types.
	var of []*jsonschema.Schema
	var names []string
	for i, one := range s.PrefixItems {
		names = append(names, typeText(one))
		if !slices.Contains(names[:i], names[i]) {
			of = append(of, one)
		}
	}
	if len(of) == 1 {
		out.Items = d.schema(of[0], path+"[]")
	} else {
		out.Items = d.union(&jsonschema.Schema{}, of, path+"[]")
	}
	d.note(out, []string{"in this order: " + strings.Join(names, ", ")})
}

func (d *dialect) object(out, s *jsonschema.Schema, path string) {
	free := s.AdditionalProperties
	if len(s.Properties) == 0 || free != nil && free.Not == nil {
		d.loosen(path, "an object with free keys")
		if len(s.Properties) == 0 && free != nil && free.Not == nil {
			out.AdditionalProperties = d.free(free, path)
		}
	}
	if len(s.Properties) == 0 {
		return
	}
	out.Properties = make(map[string]*jsonschema.Schema, len(s.Properties))
	out.AdditionalProperties = &jsonschema.Schema{Not: &jsonschema.Schema{}}
	for _, name := range order(s) {
		required := slices.Contains(s.Required, name)
		member := d.schema(s.Properties[name], strings.TrimPrefix(path+"."+name, "."))
		if d.all && !required {
			member, required = nullable(member), true
		}
		if required {
			out.Required = append(out.Required, name)
		}
		out.Properties[name] = member
		out.PropertyOrder = append(out.PropertyOrder, name)
	}
}

// free rewrites what the values of free keys are. The object is loose already.
func (d *dialect) free(s *jsonschema.Schema, path string) *jsonschema.Schema {
	loose, refused := len(d.loose), len(d.refused)
	out := d.schema(s, path)
	d.loose, d.refused = d.loose[:loose], d.refused[:refused]
	return out
}

// nullable returns a schema that admits null too.
func nullable(s *jsonschema.Schema) *jsonschema.Schema {
	null := func(one *jsonschema.Schema) bool { return one.Type == "null" }
	if s.Type == "null" || slices.ContainsFunc(s.AnyOf, null) || s.Type == "" && s.AnyOf == nil && s.Ref == "" {
		return s
	}
	about := s.Description
	s.Description = ""
	alternatives := []*jsonschema.Schema{s}
	if s.AnyOf != nil {
		alternatives = s.AnyOf
	}
	return &jsonschema.Schema{AnyOf: append(slices.Clone(alternatives), typed("null")), Description: about}
}
