package gotype

import (
	"encoding/json"
	"math/big"
	"reflect"
	"time"
)

// of returns the plan for a type, made at the first need.
func (p *plans) of(t reflect.Type) *plan {
	p.mu.RLock()
	made, ok := p.made[t]
	p.mu.RUnlock()
	if ok {
		return made
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.make(t)
}

// make builds the plan for t. The plan of a type that refers to itself is
// entered before it is filled in.
func (p *plans) make(t reflect.Type) *plan {
	if made, ok := p.made[t]; ok {
		return made
	}
	if made, ok := leaf(t); ok {
		p.made[t] = made
		return made
	}
	out := &plan{}
	p.made[t] = out
	if !p.fill(out, t) {
		p.made[t] = nil
		return nil
	}
	return out
}

// leaf returns the plan for types that are not made of others.
func leaf(t reflect.Type) (*plan, bool) {
	switch {
	case t == reflect.TypeFor[time.Time]():
		return &plan{kind: checkTime}, true
	case t == reflect.TypeFor[json.RawMessage]():
		return &plan{kind: checkRaw}, true
	case t == reflect.TypeFor[json.Number]():
		return &plan{kind: checkNumber}, true
	case t == reflect.TypeFor[big.Int]():
		return nil, true
	case t.Kind() == reflect.Pointer:
		return nil, false
	case marshals(t):
		return &plan{kind: checkMarshaler}, true
	case marshalsText(t):
		return &plan{kind: checkTexter}, true
	}
	switch t.Kind() {
	case reflect.String:
		return &plan{kind: checkText}, true
	case reflect.Float32, reflect.Float64:
		return &plan{kind: checkFloat}, true
	case reflect.Interface:
		return &plan{kind: checkInterface}, true
	case reflect.Chan, reflect.Func, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return &plan{kind: impossible}, true
	default:
		return nil, false
	}
}

// fill completes the plan of a type that is made of others. It returns false
// when there is nothing to check.
func (p *plans) fill(out *plan, t reflect.Type) bool {
	switch t.Kind() {
	case reflect.Pointer:
		out.kind, out.elem = checkPointer, p.make(t.Elem())
		return out.elem != nil
	case reflect.Array:
		out.kind, out.elem = checkList, p.make(t.Elem())
		return out.elem != nil && t.Len() > 0
	case reflect.Slice:
		out.kind, out.nils = checkList, true
		if !isBytes(t) {
			out.elem = p.make(t.Elem())
		}
		return true
	case reflect.Map:
		out.kind, out.key, out.elem = checkMap, p.make(t.Key()), p.make(t.Elem())
		return true
	case reflect.Struct:
		return p.structure(out, t)
	default:
		return false
	}
}

func (p *plans) structure(out *plan, t reflect.Type) bool {
	out.kind = checkStruct
	for _, f := range structFields(t) {
		if inner := p.make(f.typ); inner != nil {
			out.fields = append(out.fields, fieldPlan{
				step: step{name: f.name}, index: f.index, noEmpty: f.noEmpty, noZero: f.noZero, plan: inner,
			})
		}
	}
	return len(out.fields) > 0
}

// dynamic reports whether the plan reaches an interface.
func (p *plan) dynamic(seen map[*plan]bool) bool {
	if p == nil || seen[p] {
		return false
	}
	seen[p] = true
	if p.kind == checkInterface || p.elem.dynamic(seen) {
		return true
	}
	for _, f := range p.fields {
		if f.plan.dynamic(seen) {
			return true
		}
	}
	return false
}
