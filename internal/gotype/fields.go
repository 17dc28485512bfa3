package gotype

import (
	"reflect"
	"slices"
	"strings"
	"unicode"
)

// A structField is a field of a struct as encoding/json sees it, promoted from
// embedded structs where needed.
type structField struct {
	name     string // the JSON name
	goName   string
	index    []int
	typ      reflect.Type
	tag      reflect.StructTag
	noEmpty  bool // omitempty
	noZero   bool // omitzero
	quoted   bool // the "string" option
	tagged   bool // the JSON name comes from a tag
	indirect bool // promoted through an embedded pointer, which may be nil
}

// optional reports whether the member may be missing from the JSON.
func (f structField) optional() bool { return f.noEmpty || f.noZero || f.indirect }

// structFields lists the fields of t in the order of declaration, after the
// rules of encoding/json: of several fields of one name the least nested wins,
// then the one with a tag, and a tie hides them all.
func structFields(t reflect.Type) []structField {
	all := collect(t, nil, false, map[reflect.Type]bool{})
	byName := map[string][]structField{}
	for _, f := range all {
		byName[f.name] = append(byName[f.name], f)
	}
	return slices.DeleteFunc(all, func(f structField) bool {
		winner, ok := dominant(byName[f.name])
		return !ok || !slices.Equal(winner.index, f.index)
	})
}

// dominant picks the field that stands for a name.
func dominant(rivals []structField) (structField, bool) {
	least := slices.MinFunc(rivals, func(a, b structField) int { return len(a.index) - len(b.index) })
	rivals = slices.DeleteFunc(slices.Clone(rivals), func(f structField) bool { return len(f.index) > len(least.index) })
	if len(rivals) > 1 {
		rivals = slices.DeleteFunc(rivals, func(f structField) bool { return !f.tagged })
	}
	if len(rivals) != 1 {
		return structField{}, false
	}
	return rivals[0], true
}

// collect lists every candidate below t, depth first.
func collect(t reflect.Type, prefix []int, indirect bool, within map[reflect.Type]bool) []structField {
	if within[t] {
		return nil
	}
	within[t] = true
	defer delete(within, t)
	var out []structField
	for i := range t.NumField() {
		sf := t.Field(i)
		f, ok := jsonField(sf)
		if !ok {
			continue
		}
		f.index = append(slices.Clone(prefix), i)
		f.indirect = indirect
		if inner, promoted := embedded(sf); promoted && !f.tagged {
			out = append(out, collect(inner, f.index, indirect || sf.Type.Kind() == reflect.Pointer, within)...)
		} else {
			out = append(out, f)
		}
	}
	return out
}

// embedded returns the struct whose fields sf promotes.
func embedded(sf reflect.StructField) (reflect.Type, bool) {
	t := sf.Type
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t, sf.Anonymous && t.Kind() == reflect.Struct
}

// jsonField reads a field's tag. ok is false for a field that encoding/json
// leaves out.
func jsonField(sf reflect.StructField) (f structField, ok bool) {
	if _, promoted := embedded(sf); !sf.IsExported() && !promoted {
		return f, false
	}
	tag := sf.Tag.Get("json")
	if tag == "-" {
		return f, false
	}
	name, options, _ := strings.Cut(tag, ",")
	f = structField{name: name, goName: sf.Name, typ: sf.Type, tag: sf.Tag, tagged: validName(name)}
	if !f.tagged {
		f.name = sf.Name
	}
	for option := range strings.SplitSeq(options, ",") {
		f.noEmpty = f.noEmpty || option == "omitempty"
		f.noZero = f.noZero || option == "omitzero"
		f.quoted = f.quoted || option == "string"
	}
	return f, true
}

// validName reports whether encoding/json takes a name from a tag.
func validName(name string) bool {
	for _, r := range name {
		if !strings.ContainsRune("!#$%&()*+-./:;<=>?@[]^_{|}~ ", r) && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return false
		}
	}
	return name != ""
}
