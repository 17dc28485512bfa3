package validate

import "bytes"

// union reads a value that fits at least one of several schemas. Alternatives
// whose kind cannot fit are left out first, so that an optional value, the
// usual case, is read once.
func (w *walk) union(n *node) bool {
	fitting := w.fitting(n.anyOf)
	if w.options.Coerce {
		fitting = coercible(fitting, n.anyOf)
	}
	switch len(fitting) {
	case 0:
		start := w.pos
		if !w.plain(nil) {
			return false
		}
		w.wrongf("expected %s, found %s", expected(n.anyOf), w.shown(start))
		return true
	case 1:
		return w.value(fitting[0])
	}
	return w.first(fitting)
}

// first reads the value with one alternative after the other until one fits.
func (w *walk) first(alternatives []*node) bool {
	start, report, edits := w.pos, w.report, len(w.edits)
	var reason Violation
	for i, n := range alternatives {
		w.pos, w.report, w.edits = start, Report{}, w.edits[:edits]
		ok := w.value(n)
		if ok && len(w.report.Violations) == 0 {
			w.report = report
			return true
		}
		if i == 0 && len(w.report.Violations) > 0 {
			reason = w.report.Violations[0]
		}
		if !ok || !w.spend(w.pos-start) {
			w.report.Violations = append(report.Violations, w.report.Violations...)
			return false
		}
	}
	w.report, w.edits = report, w.edits[:edits]
	w.wrongf("fits none of the %d alternatives; of the first: %s", len(alternatives), reason)
	return true
}

// fitting returns the alternatives whose kind the next value may have. A number
// that is written with a fraction fits integers only where nothing else does.
func (w *walk) fitting(alternatives []*node) []*node {
	k := kindOf(w.src[w.pos])
	if k == isInteger && w.fraction() {
		if floats := having(alternatives, isNumber); len(floats) > 0 {
			return floats
		}
	}
	return having(alternatives, k)
}

func having(alternatives []*node, k kinds) []*node {
	out := make([]*node, 0, len(alternatives))
	for _, n := range alternatives {
		if n == nil || n.kinds&k != 0 {
			out = append(out, n)
		}
	}
	return out
}

// kindOf tells a value's kind by its first character. Numbers count as integers.
func kindOf(first byte) kinds {
	switch first {
	case '"':
		return isString
	case '{':
		return isObject
	case '[':
		return isArray
	case 't', 'f':
		return isBool
	case 'n':
		return isNull
	default:
		return isInteger
	}
}

// fraction reports whether the number that comes next is written with a
// fraction or an exponent.
func (w *walk) fraction() bool {
	rest := w.src[w.pos:]
	if i := bytes.IndexAny(rest, ",]} \t\r\n"); i >= 0 {
		rest = rest[:i]
	}
	return bytes.ContainsAny(rest, ".eE")
}

// expected names the kinds of all alternatives.
func expected(alternatives []*node) kinds {
	var k kinds
	for _, n := range alternatives {
		if n == nil {
			return isAny
		}
		k |= n.kinds
	}
	return k
}
