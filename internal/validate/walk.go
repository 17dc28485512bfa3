package validate

import "bytes"

func (w *walk) space() {
	for w.pos < len(w.src) {
		switch w.src[w.pos] {
		case ' ', '\t', '\n', '\r':
			w.pos++
		default:
			return
		}
	}
}

// value reads one value and holds it against n. It returns false when the text
// is not JSON, and the walk has to end.
func (w *walk) value(n *node) bool {
	w.space()
	if w.pos >= len(w.src) {
		return w.brokenf("the text ends too early")
	}
	if w.depth++; w.depth > depthMax {
		w.wrongf("the value nests deeper than %d levels", depthMax)
		return false
	}
	ok := w.checked(n)
	w.depth--
	return ok
}

// checked holds the value at the current position against n and everything that
// n combines. A value is read once for each of these parts; most nodes have one.
func (w *walk) checked(n *node) bool {
	if n == nil {
		return w.plain(nil)
	}
	start, read := w.pos, false
	again := func(part func() bool) bool {
		if read && !w.spend(w.pos-start) {
			return false
		}
		w.pos, read = start, true
		return part()
	}
	ok := !n.own || again(func() bool { return w.plain(n) })
	ok = ok && (n.anyOf == nil || again(func() bool { return w.union(n) }))
	for _, sub := range n.allOf {
		ok = ok && again(func() bool { return w.value(sub) })
	}
	if !ok {
		return false
	}
	w.common(n, start)
	return true
}

// spend takes bytes that are read once more from the budget.
func (w *walk) spend(bytes int) bool {
	if w.budget -= bytes; w.budget >= 0 {
		return true
	}
	w.wrongf("the schema's unions are too ambiguous to check this value")
	return false
}

// common holds the value that was read from start on against what concerns values
// of all kinds.
func (w *walk) common(n *node, start int) {
	if n.enum != nil && n.kinds&kindOf(w.src[start]) != 0 && !n.enum.has(w.src[start:w.pos]) {
		w.wrongf("expected one of %s, found %s", clip([]byte(n.enum.shown), 400), w.shown(start))
	}
	if n.never {
		w.wrongf("no value is allowed here")
	}
}

// plain reads one value by its first character.
func (w *walk) plain(n *node) bool {
	switch c := w.src[w.pos]; {
	case c == '"':
		return w.text(n)
	case c == '{':
		return w.object(n)
	case c == '[':
		return w.array(n)
	case c == 't':
		return w.word(n, "true", isBool)
	case c == 'f':
		return w.word(n, "false", isBool)
	case c == 'n':
		return w.null(n)
	case c == '-' || c >= '0' && c <= '9':
		return w.number(n)
	case c == 'N' || c == 'I':
		return w.brokenf("NaN and Infinity are not numbers in JSON")
	}
	return w.brokenf("unexpected %s", clip(w.src[w.pos:], 1))
}

// word reads true, false or null.
func (w *walk) word(n *node, word string, k kinds) bool {
	start := w.pos
	if !bytes.HasPrefix(w.src[w.pos:], []byte(word)) {
		return w.brokenf("unexpected %s", clip(w.src[w.pos:], 5))
	}
	w.pos += len(word)
	w.kind(n, k, start)
	return true
}

// null reads null. Where encoding/json wrote it for a nil slice or map it is put
// right.
func (w *walk) null(n *node) bool {
	start := w.pos
	empty := ""
	if n != nil && w.options.NilAsEmpty && n.kinds&isNull == 0 {
		empty = n.empty()
	}
	if empty == "" {
		return w.word(n, "null", isNull)
	}
	if !w.word(nil, "null", isNull) {
		return false
	}
	w.edits = append(w.edits, edit{from: start, to: w.pos, text: empty})
	w.emptied(n)
	return true
}

// empty returns the JSON of an empty value of the node's kind, for the kinds
// that encoding/json writes as null.
func (n *node) empty() string {
	switch {
	case n.kinds == isArray:
		return "[]"
	case n.kinds == isObject && (n.object == nil || len(n.object.list) == 0):
		return "{}"
	case n.kinds == isString && n.text != nil && n.text.base64:
		return `""`
	}
	return ""
}

// emptied reports the limits that an empty value breaks.
func (w *walk) emptied(n *node) {
	if n.array != nil {
		w.count(0, n.array.min, n.array.max, "item")
	}
	if n.object != nil {
		w.count(0, n.object.min, n.object.max, "member")
	}
}

// kind reports a value of a kind that n does not admit, which was read from
// start on, unless it can be coerced into one that n does admit. It returns
// whether the kind is right as it stands.
func (w *walk) kind(n *node, k kinds, start int) bool {
	if n == nil || n.kinds&k != 0 {
		return true
	}
	if !w.options.Coerce || !w.coerced(n, start) {
		w.wrongf("expected %s, found %s", n.kinds, w.shown(start))
	}
	return false
}

// count reports a wrong number of items or members.
func (w *walk) count(n, low, high int, what string) {
	switch {
	case n < low:
		w.wrongf("expected at least %s, found %d", plural(low, what), n)
	case high >= 0 && n > high:
		w.wrongf("expected at most %s, found %d", plural(high, what), n)
	}
}
