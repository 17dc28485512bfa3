package gotype

import (
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/jsonschema-go/jsonschema"
)

// nestingMax bounds how deep types are made of one another without a name.
const nestingMax = 100

// A Set describes Go types that share definitions. Building is for one
// goroutine; the types that come out of it are safe for concurrent use.
type Set struct {
	// Defs are the schemas of the named structs inside the types.
	Defs map[string]*jsonschema.Schema

	names   map[reflect.Type]string
	limited map[*jsonschema.Schema]bool // schemas that say more than their Go type
	depth   int
	plans   *plans
}

// NewSet returns an empty set.
func NewSet() *Set {
	return &Set{
		Defs:    map[string]*jsonschema.Schema{},
		names:   map[reflect.Type]string{},
		limited: map[*jsonschema.Schema]bool{},
		plans:   &plans{made: map[reflect.Type]*plan{}},
	}
}

// A Type is a Go type as encoding/json reads and writes it.
type Type struct {
	// Schema describes the type.
	Schema *jsonschema.Schema
	// Fields are the members, for a struct; nil for everything else.
	Fields []Field
	// Limited is true when a value of the Go type can break the schema.
	Limited bool
	// Dynamic is true when part of the type is an interface: what encoding/json
	// puts there depends on the JSON.
	Dynamic bool

	root string
	plan *plan
	all  *plans
	bare *bare
}

// A Field is a member of a struct.
type Field struct {
	// Name is the JSON name.
	Name string
	// Desc is the description that the tags give.
	Desc string
	// Schema describes the field's type, with its limits.
	Schema *jsonschema.Schema
	// Required is false when the member may be missing.
	Required bool
	// Index leads to the Go field, for reflect.Value.FieldByIndex.
	Index []int
	// Type is the Go field's type.
	Type reflect.Type
}

// Type describes t. root names it in the paths of errors, and of what Check
// finds. The error says everything that JSON or the tags do not allow.
func (s *Set) Type(t reflect.Type, root string) (*Type, error) {
	out := &Type{root: root, all: s.plans}
	inner := t
	if t.Kind() == reflect.Pointer {
		inner = t.Elem()
	}
	var err error
	if inner.Kind() == reflect.Struct && special(inner) == nil && !marshals(inner) {
		out.Schema, out.Fields, err = s.object(inner, inner.String())
		if inner != t && err == nil {
			out.Schema = nullable(out.Schema)
		}
	} else {
		out.Schema, err = s.schema(t, t.String())
	}
	if err != nil {
		return nil, err
	}
	out.Limited = s.reaches(out.Schema, map[*jsonschema.Schema]bool{})
	out.plan = s.plans.of(t)
	out.Dynamic = out.plan.dynamic(map[*plan]bool{})
	if out.Fields != nil {
		out.bare = bareOf(inner)
	}
	return out, nil
}

// schema describes t, found at path.
func (s *Set) schema(t reflect.Type, path string) (*jsonschema.Schema, error) {
	if s.depth++; s.depth > nestingMax {
		return nil, fmt.Errorf("%s: the type has no end; make it of named structs", path)
	}
	defer func() { s.depth-- }()
	if t.Kind() == reflect.Pointer {
		inner, err := s.schema(t.Elem(), path)
		if err != nil {
			return nil, err
		}
		return nullable(inner), nil
	}
	if known := special(t); known != nil {
		return known, nil
	}
	switch {
	case marshals(t):
		return &jsonschema.Schema{}, nil
	case marshalsText(t):
		return &jsonschema.Schema{Type: "string"}, nil
	}
	return s.kind(t, path)
}

// kind describes a type by its kind alone.
func (s *Set) kind(t reflect.Type, path string) (*jsonschema.Schema, error) {
	switch t.Kind() {
	case reflect.Bool:
		return &jsonschema.Schema{Type: "boolean"}, nil
	case reflect.String:
		return &jsonschema.Schema{Type: "string"}, nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return &jsonschema.Schema{Type: "integer"}, nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		return &jsonschema.Schema{Type: "integer", Minimum: jsonschema.Ptr(0.0)}, nil
	case reflect.Float32, reflect.Float64:
		return &jsonschema.Schema{Type: "number"}, nil
	case reflect.Slice, reflect.Array:
		return s.list(t, path)
	case reflect.Map:
		return s.dict(t, path)
	case reflect.Struct:
		return s.reference(t, path)
	case reflect.Interface:
		if t.NumMethod() == 0 {
			return &jsonschema.Schema{}, nil
		}
	default: // JSON has nothing for it
	}
	return nil, fmt.Errorf(`%s: %s cannot be expressed in JSON; give it another type, or leave it out with the tag json:"-"`, path, t)
}

func (s *Set) list(t reflect.Type, path string) (*jsonschema.Schema, error) {
	if isBytes(t) {
		return &jsonschema.Schema{Type: "string", ContentEncoding: "base64"}, nil
	}
	items, err := s.schema(t.Elem(), path+"[]")
	if err != nil {
		return nil, err
	}
	out := &jsonschema.Schema{Type: "array", Items: items}
	if t.Kind() == reflect.Array {
		out.MinItems, out.MaxItems = jsonschema.Ptr(t.Len()), jsonschema.Ptr(t.Len())
	}
	return out, nil
}

// isBytes reports whether encoding/json writes the type as base64.
func isBytes(t reflect.Type) bool {
	return t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Uint8 && !marshals(t.Elem()) && !marshalsText(t.Elem())
}

func (s *Set) dict(t reflect.Type, path string) (*jsonschema.Schema, error) {
	out := &jsonschema.Schema{Type: "object"}
	switch k := t.Key(); {
	case k.Kind() == reflect.String, marshalsText(k):
	case k.Kind() >= reflect.Int && k.Kind() <= reflect.Uintptr:
		out.PropertyNames = &jsonschema.Schema{Pattern: "^-?(0|[1-9][0-9]*)$"}
	default:
		return nil, fmt.Errorf("%s: %s cannot be the key of a JSON object; use a string or an integer", path, k)
	}
	if v := t.Elem(); !v.Implements(reflect.TypeFor[json.Marshaler]()) && marshals(v) {
		return nil, fmt.Errorf("%s: encoding/json does not find the MarshalJSON of the map's values; use map[%s]*%s", path, t.Key(), v)
	}
	values, err := s.schema(t.Elem(), path+"[]")
	out.AdditionalProperties = values
	return out, err
}

// reference describes a struct: by a definition where it has a name, so that it
// may refer to itself.
func (s *Set) reference(t reflect.Type, path string) (*jsonschema.Schema, error) {
	if t.Name() == "" {
		out, _, err := s.object(t, path)
		return out, err
	}
	name, known := s.names[t]
	if !known {
		name = s.name(t)
		s.names[t] = name
		s.Defs[name] = &jsonschema.Schema{}
		out, _, err := s.object(t, path)
		if err != nil {
			return nil, err
		}
		s.Defs[name] = out
	}
	return &jsonschema.Schema{Ref: "#/$defs/" + name}, nil
}

// name finds a name for a struct that no other struct has.
func (s *Set) name(t reflect.Type) string {
	base := plainName(t.Name())
	name := base
	for n := 2; s.Defs[name] != nil; n++ {
		name = base + strconv.Itoa(n)
	}
	return name
}

// plainName makes an identifier of a type's name: the packages inside a generic
// type's brackets are left out.
func plainName(name string) string {
	var parts []string
	for part := range strings.FieldsFuncSeq(name, func(r rune) bool { return strings.ContainsRune("[], *", r) }) {
		part = part[strings.LastIndexByte(part, '/')+1:]
		part = part[strings.LastIndexByte(part, '.')+1:]
		part, _, _ = strings.Cut(part, "·") // the number of a function's own type
		parts = append(parts, strings.Map(func(r rune) rune {
			if r == '_' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z' {
				return r
			}
			return '_'
		}, part))
	}
	return strings.Join(parts, "_")
}

// object describes the members of a struct.
func (s *Set) object(t reflect.Type, path string) (*jsonschema.Schema, []Field, error) {
	out := &jsonschema.Schema{
		Type: "object", Properties: map[string]*jsonschema.Schema{},
		AdditionalProperties: &jsonschema.Schema{Not: &jsonschema.Schema{}},
	}
	fields := []Field{}
	var errs []error
	for _, sf := range structFields(t) {
		f, err := s.field(sf, path+"."+sf.goName)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		fields = append(fields, f)
		out.Properties[f.Name] = s.described(f)
		out.PropertyOrder = append(out.PropertyOrder, f.Name)
		if f.Required {
			out.Required = append(out.Required, f.Name)
		}
	}
	return out, fields, errors.Join(errs...)
}

// described returns a field's schema with its description in it.
func (s *Set) described(f Field) *jsonschema.Schema {
	if f.Desc == "" {
		return f.Schema
	}
	c := *f.Schema
	c.Description = f.Desc
	s.limited[&c] = s.limited[f.Schema]
	return &c
}

// field describes one member, with the limits that its tags set.
func (s *Set) field(sf structField, path string) (Field, error) {
	tag, err := parseTag(sf.tag)
	if err != nil {
		return Field{}, fmt.Errorf("%s: %w", path, err)
	}
	base, null := sf.typ, sf.optional()
	for base.Kind() == reflect.Pointer {
		base, null = base.Elem(), true
	}
	schema, err := s.schema(base, path)
	if err != nil {
		return Field{}, err
	}
	if sf.quoted && base.Kind() >= reflect.Bool && base.Kind() <= reflect.Float64 && !marshals(base) && !marshalsText(base) {
		schema = &jsonschema.Schema{Type: "string"}
	}
	if err := tag.apply(schema, base); err != nil {
		return Field{}, fmt.Errorf("%s: %w", path, err)
	}
	if tag.limits() {
		s.limited[schema] = true
	}
	limited := s.limited[schema]
	if null {
		schema = nullable(schema)
		s.limited[schema] = limited
	}
	return Field{
		Name: sf.name, Desc: tag.desc, Schema: schema, Index: sf.index, Type: sf.typ,
		Required: !null && schema.Default == nil,
	}, nil
}

// nullable returns a schema that admits null besides what s admits.
func nullable(s *jsonschema.Schema) *jsonschema.Schema {
	switch {
	case s.Type == "" && s.Types == nil && s.Ref == "" && s.AnyOf == nil && s.Extra == nil:
		return s // anything, null included
	case len(s.Types) > 0 || s.AnyOf != nil:
		return s // null already
	case s.Ref != "" || s.Extra != nil:
		return &jsonschema.Schema{AnyOf: []*jsonschema.Schema{s, {Type: "null"}}}
	}
	c := *s
	c.Type, c.Types = "", []string{s.Type, "null"}
	if c.Enum != nil {
		c.Enum = append(append([]any{}, s.Enum...), nil)
	}
	return &c
}

// special returns the schema of types of the standard library that
// encoding/json treats in their own way, or nil.
func special(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[time.Time]():
		return &jsonschema.Schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[json.RawMessage]():
		return &jsonschema.Schema{}
	case reflect.TypeFor[json.Number]():
		return &jsonschema.Schema{Type: "number"}
	case reflect.TypeFor[big.Int]():
		return &jsonschema.Schema{Type: "integer"}
	}
	return nil
}

// marshals reports whether the type writes its own JSON. Values are reached
// through pointers, so methods of the pointer count.
func marshals(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(reflect.TypeFor[json.Marshaler]())
}

// marshalsText reports whether the type writes itself as a JSON string.
func marshalsText(t reflect.Type) bool {
	return t.Kind() != reflect.Interface && reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextMarshaler]())
}

// reaches reports whether a limited schema is part of s.
func (s *Set) reaches(from *jsonschema.Schema, seen map[*jsonschema.Schema]bool) bool {
	if from == nil || seen[from] {
		return false
	}
	seen[from] = true
	if s.limited[from] {
		return true
	}
	parts := append([]*jsonschema.Schema{from.Items, from.AdditionalProperties}, from.AnyOf...)
	for _, p := range from.Properties {
		parts = append(parts, p)
	}
	if name, ok := strings.CutPrefix(from.Ref, "#/$defs/"); ok {
		parts = append(parts, s.Defs[name])
	}
	for _, p := range parts {
		if s.reaches(p, seen) {
			return true
		}
	}
	return false
}

// plans holds how values are checked, by type. It grows when an interface holds
// a type that was not seen before.
type plans struct {
	mu   sync.RWMutex
	made map[reflect.Type]*plan
}
