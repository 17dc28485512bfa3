package answer

import (
	"math"
	"strconv"
	"strings"
)

// arithmetic finds the first sum in s, such as "2 + 3 * 4", and returns its
// result as a JSON number.
func arithmetic(s string) (string, bool) {
	for i := 0; i < len(s); i++ {
		if !digit(s[i]) && s[i] != '(' || i > 0 && wordByte(s[i-1]) {
			continue
		}
		e := expression{rest: s[i:]}
		result, ok := e.sum(0)
		taken := s[i : len(s)-len(e.rest)]
		if ok && e.operators > 0 && finite(result) && !dateLike(taken) {
			return strconv.FormatFloat(round(result), 'f', -1, 64), true
		}
		i += max(0, len(taken)-1)
	}
	return "", false
}

// dateLike reports whether a run of digits and dashes is rather a date or a
// telephone number.
func dateLike(s string) bool {
	return strings.Count(s, "-") >= 2 && !strings.ContainsAny(s, " +*/(")
}

func finite(f float64) bool { return !math.IsInf(f, 0) && !math.IsNaN(f) }

// round takes away what binary fractions add to decimal ones.
func round(f float64) float64 {
	if r := math.Round(f*1e9) / 1e9; math.Abs(f) < 1e6 {
		return r
	}
	return f
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

func wordByte(c byte) bool {
	return digit(c) || c == '.' || c == '_' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= 0x80
}

// An expression is a cursor over a sum.
type expression struct {
	rest      string
	operators int
}

const expressionDepth = 16

func (e *expression) sum(depth int) (float64, bool) {
	left, ok := e.product(depth)
	for ok {
		op := e.operator("+-")
		if op == 0 {
			break
		}
		right, more := e.operand(e.product, depth)
		if !more {
			break
		}
		if op == '-' {
			right = -right
		}
		left += right
	}
	return left, ok
}

func (e *expression) product(depth int) (float64, bool) {
	left, ok := e.atom(depth)
	for ok {
		op := e.operator("*x/%")
		if op == 0 {
			break
		}
		right, more := e.operand(e.atom, depth)
		if !more {
			break
		}
		switch op {
		case '/':
			left /= right
		case '%':
			left = math.Mod(left, right)
		default:
			left *= right
		}
	}
	return left, ok
}

// operator looks at the next operator without taking it, so that what follows
// a sum, such as the dash of a sentence, stays outside of it.
func (e *expression) operator(set string) byte {
	s := strings.TrimLeft(e.rest, " ")
	if s == "" || strings.IndexByte(set, s[0]) < 0 {
		return 0
	}
	return s[0]
}

// operand takes an operator and what stands right of it.
func (e *expression) operand(next func(int) (float64, bool), depth int) (float64, bool) {
	before := *e
	e.rest = strings.TrimLeft(e.rest, " ")[1:]
	v, ok := next(depth)
	if !ok {
		*e = before
		return 0, false
	}
	e.operators++
	return v, true
}

func (e *expression) atom(depth int) (float64, bool) {
	s := strings.TrimLeft(e.rest, " ")
	if strings.HasPrefix(s, "(") && depth < expressionDepth {
		inner := expression{rest: s[1:]}
		v, ok := inner.sum(depth + 1)
		after := strings.TrimLeft(inner.rest, " ")
		if !ok || !strings.HasPrefix(after, ")") {
			return 0, false
		}
		e.rest, e.operators = after[1:], e.operators+inner.operators
		return v, true
	}
	end := 0
	for end < len(s) && (digit(s[end]) || s[end] == '.' && end+1 < len(s) && digit(s[end+1]) || s[end] == '-' && end == 0) {
		end++
	}
	v, err := strconv.ParseFloat(s[:end], 64)
	if err != nil {
		return 0, false
	}
	e.rest = s[end:]
	return v, true
}
