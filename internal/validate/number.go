package validate

import (
	"bytes"
	"math/big"
	"strconv"
	"strings"
)

const (
	// digitsMax bounds the length of numbers. Python refuses longer integers.
	digitsMax = 4300
	// exactDigits is how many digits a float64 always holds exactly.
	exactDigits = 15
)

// number reads a number and holds it against n.
func (w *walk) number(n *node) bool {
	start := w.pos
	whole, ok := w.numeral()
	if !ok {
		return false
	}
	token := w.src[start:w.pos]
	if len(token) > digitsMax {
		w.wrongf("a number has at most %d digits, found %d", digitsMax, len(token))
		return true
	}
	k := isNumber
	if whole {
		k |= isInteger
	} else if n != nil && n.kinds&(isNumber|isInteger) == isInteger {
		if !w.rounded(token, start) {
			return true
		}
		k |= isInteger
	}
	if !w.kind(n, k, start) {
		return true
	}
	if !whole && !finite(token) {
		w.wrongf("the number %s is too large for a float", clip(token, 40))
		return true
	}
	if n != nil && n.number != nil {
		w.bounded(n.number, token)
	}
	if w.options.Coerce && whole && n.float() {
		w.edits = append(w.edits, edit{from: start, to: w.pos, text: string(token) + ".0"})
	}
	return true
}

// numeral reads the characters of a number by JSON's grammar. whole is true
// when there is neither a fraction nor an exponent.
func (w *walk) numeral() (whole, ok bool) {
	if w.src[w.pos] == '-' {
		w.pos++
	}
	first := w.pos
	if w.digits() == 0 {
		if bytes.HasPrefix(w.src[w.pos:], []byte("Infinity")) {
			return false, w.brokenf("NaN and Infinity are not numbers in JSON")
		}
		return false, w.brokenf("a number needs a digit")
	}
	if w.src[first] == '0' && w.pos > first+1 {
		return false, w.brokenf("a number has no leading zeros")
	}
	whole = true
	if w.at(".") {
		w.pos++
		whole = false
		if w.digits() == 0 {
			return false, w.brokenf("a number needs a digit after the point")
		}
	}
	if w.at("eE") {
		w.pos++
		whole = false
		if w.at("+-") {
			w.pos++
		}
		if w.digits() == 0 {
			return false, w.brokenf("a number needs a digit in its exponent")
		}
	}
	return whole, true
}

// at reports whether the next byte is one of set.
func (w *walk) at(set string) bool {
	return w.pos < len(w.src) && strings.IndexByte(set, w.src[w.pos]) >= 0
}

func (w *walk) digits() int {
	start := w.pos
	for w.pos < len(w.src) && w.src[w.pos] >= '0' && w.src[w.pos] <= '9' {
		w.pos++
	}
	return w.pos - start
}

// rounded rewrites a number such as 42.0 or 1e3 as an integer, if it is one.
func (w *walk) rounded(token []byte, start int) bool {
	rat, ok := exact(token)
	if !ok || !rat.IsInt() {
		w.wrongf("expected an integer, found %s", w.shown(start))
		return false
	}
	w.edits = append(w.edits, edit{from: start, to: w.pos, text: rat.Num().String()})
	return true
}

// finite reports whether a float64 can hold the number.
func finite(token []byte) bool {
	_, err := strconv.ParseFloat(string(token), 64)
	return err == nil
}

// exact returns the number as it is written. It fails for exponents that no
// float64 has: their digits would fill the memory.
func exact(token []byte) (*big.Rat, bool) {
	if i := bytes.IndexAny(token, "eE"); i >= 0 {
		e, err := strconv.Atoi(string(token[i+1:]))
		if err != nil || e > 400 || e < -400 {
			return nil, false
		}
	}
	return new(big.Rat).SetString(string(token))
}

// bounded holds a number against its limits.
func (w *walk) bounded(r *numberRule, token []byte) {
	if len(token) <= exactDigits && r.multiple == nil {
		if f, err := strconv.ParseFloat(string(token), 64); err == nil {
			w.compared(r, token, func(b *bound) int {
				switch {
				case f < b.float:
					return -1
				case f > b.float:
					return 1
				}
				return 0
			})
			return
		}
	}
	rat, ok := exact(token)
	if !ok {
		rat = new(big.Rat) // so small that it is nothing
	}
	w.compared(r, token, func(b *bound) int { return rat.Cmp(b.rat) })
	if r.multiple != nil && !new(big.Rat).Quo(rat, r.multiple.rat).IsInt() {
		w.wrongf("expected a multiple of %s, found %s", r.multiple.text, clip(token, 40))
	}
}

func (w *walk) compared(r *numberRule, token []byte, compare func(*bound) int) {
	shown := clip(token, 40)
	switch {
	case r.min != nil && compare(r.min) < 0:
		w.wrongf("expected at least %s, found %s", r.min.text, shown)
	case r.over != nil && compare(r.over) <= 0:
		w.wrongf("expected more than %s, found %s", r.over.text, shown)
	}
	switch {
	case r.max != nil && compare(r.max) > 0:
		w.wrongf("expected at most %s, found %s", r.max.text, shown)
	case r.under != nil && compare(r.under) >= 0:
		w.wrongf("expected less than %s, found %s", r.under.text, shown)
	}
}
