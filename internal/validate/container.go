package validate

import (
	"bytes"
	"fmt"
	"slices"
)

// array reads an array.
func (w *walk) array(n *node) bool {
	var rule arrayRule
	rule.max = -1
	if n != nil && n.kinds&isArray == 0 {
		w.wrongf("expected %s, found an array", n.kinds)
	} else if n != nil && n.array != nil {
		rule = *n.array
	}
	var seen map[string]bool
	if rule.unique {
		seen = map[string]bool{}
	}
	total := 0
	w.path = append(w.path, step{})
	ok := w.list(']', func() bool {
		w.path[len(w.path)-1] = step{index: total}
		ok := w.item(&rule, total, seen)
		total++
		return ok
	})
	w.path = w.path[:len(w.path)-1]
	if ok {
		w.count(total, rule.min, rule.max, "item")
	}
	return ok
}

// item reads one item of an array.
func (w *walk) item(rule *arrayRule, i int, seen map[string]bool) bool {
	n := rule.items
	switch {
	case i < len(rule.prefix):
		n = rule.prefix[i]
	case rule.closed:
		w.wrongf("unexpected item")
	}
	w.space()
	start := w.pos
	if !w.value(n) {
		return false
	}
	if seen != nil {
		key := canonical(w.src[start:w.pos])
		if seen[key] {
			w.wrongf("stands twice in an array of different items")
		}
		seen[key] = true
	}
	return true
}

// list reads what stands between brackets: nothing, or parts with commas
// between them.
func (w *walk) list(closing byte, part func() bool) bool {
	w.pos++
	w.space()
	if w.pos < len(w.src) && w.src[w.pos] == closing {
		w.pos++
		return true
	}
	for {
		if !part() {
			return false
		}
		w.space()
		switch {
		case w.pos >= len(w.src):
			return w.brokenf("the text ends too early")
		case w.src[w.pos] == closing:
			w.pos++
			return true
		case w.src[w.pos] != ',':
			return w.brokenf("expected , or %c", closing)
		}
		w.pos++
	}
}

// object reads an object.
func (w *walk) object(n *node) bool {
	rule := &objectRule{max: -1}
	if n != nil && n.kinds&isObject == 0 {
		w.wrongf("expected %s, found an object", n.kinds)
	} else if n != nil && n.object != nil {
		rule = n.object
	}
	var few [16]bool
	seen := few[:min(len(few), len(rule.list))]
	if len(rule.list) > len(few) {
		seen = make([]bool, len(rule.list))
	}
	root := len(w.path) == 0
	total := 0
	w.path = append(w.path, step{})
	ok := w.list('}', func() bool {
		total++
		return w.member(rule, seen, root)
	})
	w.path = w.path[:len(w.path)-1]
	if ok {
		if root {
			total -= w.takeOut()
			w.attachments(rule)
		}
		w.missing(rule, seen, root, total)
		w.count(total, rule.min, rule.max, "member")
	}
	return ok
}

// member reads one key and its value.
func (w *walk) member(rule *objectRule, seen []bool, root bool) bool {
	begin := w.pos
	w.space()
	start := w.pos
	if w.pos >= len(w.src) || w.src[w.pos] != '"' {
		return w.brokenf("expected a key in quotes")
	}
	w.path = w.path[:len(w.path)-1] // a broken key is the object's fault
	ok := w.text(nil)
	quoted := w.src[start:w.pos]
	key := quoted
	if ok {
		key = quoted[1 : len(quoted)-1]
	}
	w.path = append(w.path, step{key: key})
	if w.space(); !ok {
		return false
	} else if w.pos >= len(w.src) || w.src[w.pos] != ':' {
		return w.brokenf("expected : after a key")
	}
	w.pos++
	if bytes.IndexByte(key, '\\') >= 0 {
		key = []byte(decoded(quoted))
	}
	if root && w.options.Drop {
		return w.droppable(rule, begin, key, quoted, seen)
	}
	return w.value(w.named(rule, key, quoted, seen, root))
}

// named finds the schema of a member and checks its name.
func (w *walk) named(rule *objectRule, key, quoted []byte, seen []bool, root bool) *node {
	i, known := rule.members[string(key)]
	switch {
	case root && w.attached(string(key)):
		w.wrongf("stands in the JSON and among the attachments; give it once")
		return nil
	case known && seen[i]:
		w.wrongf("stands twice in the object")
		return nil
	case known:
		seen[i] = true
		return rule.list[i].node
	case rule.closed:
		if !w.options.Open {
			w.wrongf("unknown; known are %s", rule.names())
		}
		return nil
	case rule.keys != nil:
		w.key(rule.keys, quoted)
	}
	return rule.rest
}

// key holds a name against the schema for names.
func (w *walk) key(n *node, quoted []byte) {
	sub := walk{src: quoted, budget: 1 << 16}
	sub.value(n)
	for _, v := range sub.report.Violations {
		w.wrongf("the key: %s", v.Message)
	}
}

func (w *walk) attached(name string) bool {
	return slices.Contains(w.options.Attached, name)
}

// attachments holds what travels outside of the JSON against the root object's
// schema.
func (w *walk) attachments(rule *objectRule) {
	for _, name := range w.options.Attached {
		w.path = append(w.path, step{key: []byte(name)})
		i, known := rule.members[name]
		switch {
		case !known && rule.closed && !w.options.Open:
			w.wrongf("unknown; known are %s", rule.names())
		case known && !rule.list[i].node.bytes(): // a node without limits is nil and takes bytes
			w.wrongf("expected %s, found bytes as an attachment", rule.list[i].node.kinds)
		}
		w.path = w.path[:len(w.path)-1]
	}
}

// bytes reports whether the schema admits bytes.
func (n *node) bytes() bool {
	if n == nil || n.text != nil && n.text.base64 {
		return true
	}
	return slices.ContainsFunc(slices.Concat(n.anyOf, n.allOf), (*node).bytes)
}

// missing reports required members that are not there, and fills in defaults
// before the closing brace, which has just been read.
func (w *walk) missing(rule *objectRule, seen []bool, root bool, total int) {
	filled := ""
	for i, m := range rule.list {
		switch {
		case seen[i], root && (w.options.Partial || w.attached(m.name)):
		case m.fallback != "":
			if total > 0 || filled != "" {
				filled += ","
			}
			filled += fmt.Sprintf("%q:%s", m.name, m.fallback)
		case m.required:
			w.path = append(w.path, step{key: []byte(m.name)})
			w.wrongf("missing")
			w.path = w.path[:len(w.path)-1]
		}
	}
	if filled != "" {
		w.edits = append(w.edits, edit{from: w.pos - 1, to: w.pos - 1, text: filled})
	}
}

// names lists the members for a message.
func (r *objectRule) names() string {
	var out []byte
	for i, m := range r.list {
		if i > 0 {
			out = append(out, ", "...)
		}
		out = append(out, m.name...)
	}
	return clip(out, 300)
}
