package answer

import (
	"encoding/json"
	"math"
	"math/big"
	"strconv"
	"strings"
)

// limits is an interval with both ends allowed, in steps of step.
type limits struct {
	low, high *big.Rat
	step      *big.Rat
}

// rat reads a JSON number, nil for none and for one whose exponent would fill
// the memory with zeros.
func rat(n json.Number) *big.Rat {
	if f, err := n.Float64(); err != nil || len(n) > 400 || f != 0 && math.Abs(f) < 1e-300 {
		return nil
	}
	if r, ok := new(big.Rat).SetString(string(n)); ok {
		return r
	}
	return nil
}

// bounds gathers the limits of s. An exclusive end moves inwards by one step.
func (s *schema) bounds(step *big.Rat) limits {
	l := limits{low: rat(s.Minimum), high: rat(s.Maximum), step: step}
	if m := rat(s.MultipleOf); m != nil && m.Sign() > 0 {
		l.step = m
	}
	if x := rat(s.ExclusiveMinimum); x != nil {
		l.low = largest(l.low, new(big.Rat).Add(x, l.finer(x, rat(s.Maximum), rat(s.ExclusiveMaximum))))
	}
	if x := rat(s.ExclusiveMaximum); x != nil {
		l.high = smallest(l.high, new(big.Rat).Sub(x, l.finer(x, l.low, nil)))
	}
	return l
}

// finer is the step away from an exclusive end: the common step, or less where
// the whole interval is smaller than that.
func (l limits) finer(end *big.Rat, others ...*big.Rat) *big.Rat {
	step := l.step
	for _, o := range others {
		if o == nil {
			continue
		}
		gap := new(big.Rat).Sub(o, end)
		gap.Abs(gap)
		if third := gap.Quo(gap, big.NewRat(3, 1)); third.Sign() > 0 && third.Cmp(step) < 0 {
			step = third
		}
	}
	return step
}

func largest(a, b *big.Rat) *big.Rat {
	if a == nil || b.Cmp(a) > 0 {
		return b
	}
	return a
}

func smallest(a, b *big.Rat) *big.Rat {
	if a == nil || b.Cmp(a) < 0 {
		return b
	}
	return a
}

// pick returns the multiple of the step nearest to want that lies between the
// ends.
func (l limits) pick(want *big.Rat) *big.Rat {
	if l.high != nil {
		want = smallest(want, l.high)
	}
	if l.low != nil {
		want = largest(want, l.low)
	}
	n := floor(new(big.Rat).Quo(want, l.step))
	got := new(big.Rat).Mul(new(big.Rat).SetInt(n), l.step)
	if l.low != nil && got.Cmp(l.low) < 0 {
		got.Add(got, l.step)
	}
	if l.high != nil && got.Cmp(l.high) > 0 {
		return want
	}
	return got
}

func floor(r *big.Rat) *big.Int {
	q, m := new(big.Int).DivMod(r.Num(), r.Denom(), new(big.Int))
	_ = m
	return q
}

func (g *generator) integer(path string, s *schema) value {
	l := s.bounds(big.NewRat(1, 1))
	want := g.wanted(path, l)
	got := l.pick(want)
	return number(floor(got).String())
}

// decimals is how fine the numbers are that nothing else decides.
const decimals = 100

func (g *generator) number(path string, s *schema) value {
	l := s.bounds(big.NewRat(1, decimals))
	got := l.pick(g.wanted(path, l))
	f, _ := got.Float64()
	return number(decimal(f))
}

// decimal writes f as JSON, always with a point, so that it reads as a float.
func decimal(f float64) string {
	s := strconv.FormatFloat(f, 'g', -1, 64)
	if math.Abs(f) < 1e15 {
		s = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// wanted is the number that would suit the field if nothing forbade it: the
// result of a sum in the inputs, a count where the name asks for one, a
// plausible one for the name, else anything between the ends.
func (g *generator) wanted(path string, l limits) *big.Rat {
	name := hint(path)
	if r := rat(json.Number(g.facts.result)); r != nil && asksResult(path) {
		return r
	}
	low, high := span(name)
	if l.low != nil && l.high != nil {
		width := new(big.Rat).Sub(l.high, l.low)
		share := big.NewRat(int64(g.random(path)%(decimals+1)), decimals)
		if fraction(name) { // nobody is less than half sure
			share = big.NewRat(int64(decimals+g.random(path)%decimals), 2*decimals)
		}
		return width.Add(width.Mul(width, share), l.low)
	}
	if strings.Contains(name, "word") || name == "length" {
		return new(big.Rat).SetInt64(int64(len(g.facts.words)))
	}
	n := low*decimals + int64(g.random(path)%uint64((high-low)*decimals+1))
	return big.NewRat(n, decimals)
}

func fraction(name string) bool {
	switch name {
	case "confidence", "probability", "score", "certainty", "likelihood", "ratio", "relevance", "p":
		return true
	default:
		return false
	}
}

// span is the usual range of what a field of this name holds.
func span(name string) (low, high int64) {
	switch {
	case fraction(name):
		return 0, 1
	case name == "year":
		return 1950, 2025
	case name == "age":
		return 18, 80
	case strings.Contains(name, "percent"):
		return 0, 100
	default:
		return 1, 10
	}
}
