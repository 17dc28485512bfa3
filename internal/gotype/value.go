package gotype

import (
	"encoding"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dspool/dspool/internal/validate"
)

const (
	// listedMax bounds how many findings are listed.
	listedMax = 64
	// depthMax bounds how deep values nest, which also ends cycles.
	depthMax = 1000
)

// planKind says what has to be looked at in a value.
type planKind uint8

const (
	nothing planKind = iota
	checkText
	checkFloat
	checkNumber
	checkTime
	checkRaw
	checkMarshaler
	checkTexter
	checkPointer
	checkInterface
	checkList
	checkMap
	checkStruct
	impossible // a type that JSON cannot express, inside an interface
)

// A plan says how values of a type are checked. A nil plan: there is nothing
// to check.
type plan struct {
	kind   planKind
	nils   bool // a nil value is written as null
	elem   *plan
	key    *plan
	fields []fieldPlan
}

type fieldPlan struct {
	step            step
	index           []int
	noEmpty, noZero bool
	plan            *plan
}

// A step leads from a value to one inside it: to the member of that name, to
// the map's value of that key, or else to an index.
type step struct {
	name  string
	key   reflect.Value
	index int
}

// Findings are what encoding/json would hide or repair in a value.
type Findings struct {
	Report validate.Report
	// Nils is true when a nil slice or map would be written as null.
	Nils bool
	// Foreign is true when part of the JSON is made by others: a
	// json.RawMessage or a MarshalJSON method.
	Foreign bool
}

// Check walks v, a value of the type. It costs nothing for types without text,
// floats, slices, maps and interfaces. Safe for concurrent use.
func (t *Type) Check(v reflect.Value) Findings {
	w := valueWalk{plans: t.all, root: t.root}
	w.value(t.plan, v)
	if w.maps { // which are walked in any order
		slices.SortStableFunc(w.out.Report.Violations, func(a, b validate.Violation) int {
			return strings.Compare(a.Path, b.Path)
		})
	}
	return w.out
}

type valueWalk struct {
	plans *plans
	root  string
	path  []step
	maps  bool
	out   Findings
	depth int
}

func (w *valueWalk) wrongf(format string, args ...any) {
	r := &w.out.Report
	if len(r.Violations) >= listedMax {
		r.More++
		return
	}
	r.Violations = append(r.Violations, validate.Violation{
		Path: w.where(), Message: fmt.Sprintf(format, args...),
	})
}

// where writes the current path.
func (w *valueWalk) where() string {
	out := []byte(w.root)
	for _, s := range w.path {
		switch {
		case s.name != "":
			out = append(append(out, '.'), s.name...)
		case s.key.IsValid():
			out = append(strconv.AppendQuoteToGraphic(append(out, '['), fmt.Sprint(s.key)), ']')
		default:
			out = append(strconv.AppendInt(append(out, '['), int64(s.index), 10), ']')
		}
	}
	return string(out)
}

// inside checks a value below the current one.
func (w *valueWalk) inside(s step, p *plan, v reflect.Value) {
	w.path = append(w.path, s)
	w.value(p, v)
	w.path = w.path[:len(w.path)-1]
}

func (w *valueWalk) value(p *plan, v reflect.Value) {
	if p == nil {
		return
	}
	if w.depth++; w.depth > depthMax {
		w.wrongf("the value nests deeper than %d levels, or contains itself", depthMax)
	} else {
		w.known(p, v)
	}
	w.depth--
}

func (w *valueWalk) known(p *plan, v reflect.Value) {
	switch p.kind {
	case checkText:
		w.text(v.String())
	case checkFloat:
		w.float(v.Float())
	case checkNumber:
		if n := v.String(); n != "" && !validNumber(n, false) {
			w.wrongf("%.40q is not a number in JSON", n)
		}
	case checkTime:
		w.time(v)
	case checkRaw, checkMarshaler:
		w.foreign(p, v)
	case checkTexter:
		w.texter(v)
	case checkPointer, checkInterface:
		w.indirect(p, v)
	case checkList:
		w.list(p, v)
	case checkMap:
		w.dict(p, v)
	case checkStruct:
		w.structure(p, v)
	case impossible:
		w.wrongf("%s cannot be expressed in JSON", v.Type())
	case nothing:
	}
}

func (w *valueWalk) time(v reflect.Value) {
	if t, ok := reflect.TypeAssert[time.Time](v); ok && (t.Year() < 0 || t.Year() > 9999) {
		w.wrongf("the year %d cannot be written as a date", t.Year())
	}
}

// foreign notes JSON that is made by others.
func (w *valueWalk) foreign(p *plan, v reflect.Value) {
	w.out.Foreign = true
	if p.kind == checkRaw && !v.IsNil() && !json.Valid(v.Bytes()) {
		w.wrongf("the json.RawMessage is not valid JSON")
	}
}

func (w *valueWalk) text(s string) {
	if utf8.ValidString(s) {
		return
	}
	for at, r := range s {
		if r == utf8.RuneError && !strings.HasPrefix(s[at:], "\ufffd") {
			w.wrongf("not valid UTF-8 at byte %d", at+1)
			return
		}
	}
}

func (w *valueWalk) float(f float64) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		w.wrongf("%v is not a number in JSON", f)
	}
}

func (w *valueWalk) texter(v reflect.Value) {
	if v.Kind() == reflect.Pointer && v.IsNil() || !v.CanInterface() {
		return
	}
	m, ok := reflect.TypeAssert[encoding.TextMarshaler](v)
	if !ok && v.CanAddr() {
		m, ok = reflect.TypeAssert[encoding.TextMarshaler](v.Addr())
	}
	if !ok {
		return
	}
	if text, err := m.MarshalText(); err != nil {
		w.wrongf("%v", err)
	} else {
		w.text(string(text))
	}
}

// indirect checks what a pointer or an interface holds.
func (w *valueWalk) indirect(p *plan, v reflect.Value) {
	switch {
	case v.IsNil():
	case p.kind == checkPointer:
		w.value(p.elem, v.Elem())
	default:
		w.value(w.plans.of(v.Elem().Type()), v.Elem())
	}
}

func (w *valueWalk) list(p *plan, v reflect.Value) {
	if p.nils && v.IsNil() {
		w.out.Nils = true
	}
	if p.elem == nil {
		return
	}
	if p.elem.kind == checkFloat && w.floats(v) {
		return
	}
	for i := range v.Len() {
		w.inside(step{index: i}, p.elem, v.Index(i))
	}
}

// floats reports whether a list of floats is in order, without building paths.
func (w *valueWalk) floats(v reflect.Value) bool {
	for i := range v.Len() {
		if f := v.Index(i).Float(); math.IsNaN(f) || math.IsInf(f, 0) {
			return false
		}
	}
	return true
}

func (w *valueWalk) dict(p *plan, v reflect.Value) {
	if v.IsNil() {
		w.out.Nils = true
	}
	if p.elem == nil && p.key == nil {
		return
	}
	w.maps = true
	for entries := v.MapRange(); entries.Next(); {
		at := step{key: entries.Key()}
		w.inside(at, p.key, entries.Key())
		w.inside(at, p.elem, entries.Value())
	}
}

func (w *valueWalk) structure(p *plan, v reflect.Value) {
	for _, f := range p.fields {
		fv, err := v.FieldByIndexErr(f.index)
		if err != nil || f.noZero && zero(fv) || f.noEmpty && empty(fv) {
			continue // not written at all
		}
		w.inside(f.step, f.plan, fv)
	}
}

// empty reports whether omitempty leaves a value out.
func empty(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice, reflect.Map, reflect.Array, reflect.String:
		return v.Len() == 0
	case reflect.Struct:
		return false
	default:
		return v.IsZero()
	}
}

// zero reports whether omitzero leaves a value out.
func zero(v reflect.Value) bool {
	if v.IsZero() {
		return true
	}
	z, ok := reflect.TypeAssert[interface{ IsZero() bool }](v)
	return ok && z.IsZero()
}
