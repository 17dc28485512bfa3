package validate

import (
	"encoding/json"
	"slices"
	"strings"
)

// coerced reads a value that was read from start on, and is of a kind that n
// does not admit, as one that n does admit. It returns false where there is
// none: whoever calls it reports that.
func (w *walk) coerced(n *node, start int) bool {
	text := n.instead(w.src[start:w.pos])
	if text == nil {
		return false
	}
	again := walk{src: text, budget: len(text), options: Options{Coerce: true}}
	again.plain(n)
	again.common(n, 0)
	for _, v := range again.report.Violations {
		w.wrongf("%s", v.Message)
	}
	w.edits = append(w.edits, edit{from: start, to: w.pos, text: string(again.edited())})
	return true
}

// instead returns the JSON of the value that a value of the wrong kind stands
// for, or nil. 42.0 for an integer is not its matter, nor null.
func (n *node) instead(raw []byte) []byte {
	switch c := raw[0]; {
	case c == '"':
		return n.spelled(strings.TrimSpace(decoded(raw)))
	case c == '{', c == '[', c == 'n':
		return nil
	case n.kinds&isString != 0:
		return slices.Concat([]byte{'"'}, raw, []byte{'"'})
	case n.kinds&isBool != 0:
		return truth(string(raw))
	}
	return nil
}

// spelled returns the number or boolean that text spells, if n admits it.
func (n *node) spelled(text string) []byte {
	if n.kinds&(isInteger|isNumber) != 0 && numeric(text, n.kinds&isNumber != 0) {
		return []byte(text)
	}
	if n.kinds&isBool != 0 {
		return truth(text)
	}
	return nil
}

// numeric reports whether text is a number in JSON, or an integer.
func numeric(text string, fraction bool) bool {
	if text == "" || kindOf(text[0]) != isInteger || !json.Valid([]byte(text)) {
		return false
	}
	if fraction || len(text) > digitsMax {
		return true
	}
	rat, ok := exact([]byte(text))
	return ok && rat.IsInt()
}

// truth reads the usual spellings of true and false.
func truth(text string) []byte {
	switch text {
	case "true", "True", "1":
		return []byte("true")
	case "false", "False", "0":
		return []byte("false")
	}
	return nil
}

// float reports whether n admits numbers, and no text or container beside them.
func (n *node) float() bool {
	return n != nil && n.kinds&(isNumber|isString|isArray|isObject) == isNumber
}

// coercible returns the alternatives of a union in the order in which a value
// is coerced: those that fit as it stands first.
func coercible(fitting, all []*node) []*node {
	out := slices.Clone(fitting)
	for _, n := range all {
		if !slices.Contains(fitting, n) {
			out = append(out, n)
		}
	}
	return out
}
