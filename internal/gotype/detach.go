package gotype

import (
	"reflect"
	"strconv"
	"strings"
)

// bare is a struct type without the fields that may travel beside the JSON.
type bare struct {
	typ    reflect.Type
	fields []structField // of typ, in its order
	blobs  []structField // []byte, left out of typ
}

// bareOf prepares the type for [Type.Detach]; nil when there is nothing to
// detach. Fields behind embedded pointers stay where they are: whether they are
// written depends on the value.
func bareOf(t reflect.Type) *bare {
	out := &bare{}
	var fields []reflect.StructField
	for _, f := range structFields(t) {
		switch {
		case f.indirect:
			return nil
		case f.typ.Kind() == reflect.Slice && isBytes(f.typ) && !marshals(f.typ) && !marshalsText(f.typ):
			out.blobs = append(out.blobs, f)
		default:
			out.fields = append(out.fields, f)
			fields = append(fields, reflect.StructField{
				Name: "F" + strconv.Itoa(len(fields)), Type: f.typ, Tag: jsonTag(f),
			})
		}
	}
	if out.blobs == nil {
		return nil
	}
	out.typ = reflect.StructOf(fields)
	return out
}

// jsonTag writes the tag that gives a field the same JSON under another name.
func jsonTag(f structField) reflect.StructTag {
	parts := []string{f.name}
	for _, o := range []struct {
		on   bool
		name string
	}{{f.noEmpty, "omitempty"}, {f.noZero, "omitzero"}, {f.quoted, "string"}} {
		if o.on {
			parts = append(parts, o.name)
		}
	}
	return reflect.StructTag(`json:` + strconv.Quote(strings.Join(parts, ",")))
}

// Detach takes the []byte members of v, a value of the type, out of it when one
// of them is at least min bytes long. rest is what encoding/json has to write
// then, and blobs are the members that it leaves out; they share memory with v.
// Without such members rest is nil. It costs nothing for types without []byte.
func (t *Type) Detach(v reflect.Value, least int) (rest any, blobs map[string][]byte) {
	if t.bare == nil {
		return nil, nil
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	large := false
	for _, f := range t.bare.blobs {
		large = large || v.FieldByIndex(f.index).Len() >= least
	}
	if !large {
		return nil, nil
	}
	blobs = make(map[string][]byte, len(t.bare.blobs))
	for _, f := range t.bare.blobs {
		if b := v.FieldByIndex(f.index).Bytes(); len(b) > 0 || !f.optional() {
			blobs[f.name] = b
		}
	}
	out := reflect.New(t.bare.typ)
	for i, f := range t.bare.fields {
		out.Elem().Field(i).Set(v.FieldByIndex(f.index))
	}
	return out.Interface(), blobs
}

// Attach puts bytes that came beside the JSON into out, a settable value of the
// type: into the member of that name, or into the value itself for the name "".
// It returns false when there is no place for them.
func (t *Type) Attach(out reflect.Value, name string, data []byte) bool {
	for out.Kind() == reflect.Pointer {
		if out.IsNil() {
			out.Set(reflect.New(out.Type().Elem()))
		}
		out = out.Elem()
	}
	if name == "" {
		return setBytes(out, data)
	}
	if out.Kind() == reflect.Map {
		return mapBytes(out, name, data)
	}
	for _, f := range t.Fields {
		if f.Name == name {
			return setBytes(reach(out, f.Index), data)
		}
	}
	return false
}

// mapBytes enters bytes into a map.
func mapBytes(out reflect.Value, name string, data []byte) bool {
	if out.IsNil() {
		out.Set(reflect.MakeMap(out.Type()))
	}
	v := reflect.New(out.Type().Elem()).Elem()
	if out.Type().Key().Kind() != reflect.String || !setBytes(v, data) {
		return false
	}
	out.SetMapIndex(reflect.ValueOf(name).Convert(out.Type().Key()), v)
	return true
}

// reach is FieldByIndex that makes the embedded structs on the way.
func reach(v reflect.Value, index []int) reflect.Value {
	for _, i := range index {
		if v.Kind() == reflect.Pointer {
			if v.IsNil() {
				v.Set(reflect.New(v.Type().Elem()))
			}
			v = v.Elem()
		}
		v = v.Field(i)
	}
	return v
}

func setBytes(v reflect.Value, data []byte) bool {
	switch {
	case v.Kind() == reflect.Pointer && v.Type().Elem().Kind() != reflect.Pointer:
		inner := reflect.New(v.Type().Elem())
		if !setBytes(inner.Elem(), data) {
			return false
		}
		v.Set(inner)
	case v.Kind() == reflect.Slice && v.Type().Elem().Kind() == reflect.Uint8:
		v.SetBytes(data)
	case v.Kind() == reflect.Interface && v.NumMethod() == 0:
		v.Set(reflect.ValueOf(data))
	default:
		return false
	}
	return true
}
