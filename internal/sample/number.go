package sample

import (
	"encoding/json"
	"math/big"
	"strconv"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// spread is how many different numbers a field may get.
const spread = 1000

// number makes a multiple of a step between the limits: of 1 for integers, of
// 0.1 for others, of less where the limits are close together, or of what
// multipleOf asks for.
func (b *build) number(path string, s *jsonschema.Schema, whole bool) json.Number {
	step := big.NewRat(1, 10)
	if whole {
		step = big.NewRat(1, 1)
	}
	low, high := steps(s, step)
	switch {
	case s.MultipleOf != nil && *s.MultipleOf > 0:
		step = common(rat(*s.MultipleOf), whole)
		low, high = steps(s, step)
	case !whole:
		for range 30 {
			if low == nil || high == nil || room(low, high) >= spread/10 {
				break
			}
			step = new(big.Rat).Quo(step, big.NewRat(10, 1))
			low, high = steps(s, step)
		}
	}
	got := new(big.Rat).Mul(step, new(big.Rat).SetInt(within(low, high, b.random(path))))
	if whole {
		return json.Number(new(big.Int).Quo(got.Num(), got.Denom()).String())
	}
	return decimal(got)
}

// common is the step of integers that are multiples of m.
func common(m *big.Rat, whole bool) *big.Rat {
	if !whole || m.IsInt() {
		return m
	}
	return new(big.Rat).SetInt(m.Num()) // of m = p/q in lowest terms
}

// steps returns the least and the greatest multiple of step that the schema
// allows, as counts of steps; nil where there is no limit.
func steps(s *jsonschema.Schema, step *big.Rat) (low, high *big.Int) {
	one := big.NewInt(1)
	if s.Minimum != nil {
		low = ceil(rat(*s.Minimum), step)
	}
	if s.ExclusiveMinimum != nil {
		n := floor(rat(*s.ExclusiveMinimum), step)
		if n.Add(n, one); low == nil || n.Cmp(low) > 0 {
			low = n
		}
	}
	if s.Maximum != nil {
		high = floor(rat(*s.Maximum), step)
	}
	if s.ExclusiveMaximum != nil {
		n := ceil(rat(*s.ExclusiveMaximum), step)
		if n.Sub(n, one); high == nil || n.Cmp(high) < 0 {
			high = n
		}
	}
	return low, high
}

// within picks a count between the ends, r%1000 where that is one.
func within(low, high *big.Int, r uint64) *big.Int {
	n := new(big.Int).SetUint64(r % spread)
	below, above := low != nil && n.Cmp(low) < 0, high != nil && n.Cmp(high) > 0
	switch {
	case !below && !above:
		return n
	case low != nil && high != nil:
		return new(big.Int).Add(low, new(big.Int).SetUint64(r%uint64(max(1, room(low, high)))))
	case low != nil:
		return n.Add(n, low)
	default:
		return n.Sub(high, n)
	}
}

// room is how many counts lie between the ends, at most spread.
func room(low, high *big.Int) int64 {
	n := new(big.Int).Sub(high, low)
	if !n.IsInt64() || n.Int64() >= spread {
		return spread
	}
	return n.Int64() + 1
}

func rat(f float64) *big.Rat {
	r, ok := new(big.Rat).SetString(strconv.FormatFloat(f, 'g', -1, 64))
	if !ok {
		return new(big.Rat)
	}
	return r
}

func floor(r, step *big.Rat) *big.Int {
	q := new(big.Rat).Quo(r, step)
	n, _ := new(big.Int).DivMod(q.Num(), q.Denom(), new(big.Int))
	return n
}

func ceil(r, step *big.Rat) *big.Int {
	n := floor(new(big.Rat).Neg(r), step)
	return n.Neg(n)
}

// decimal writes r with a point, so that it reads as a float.
func decimal(r *big.Rat) json.Number {
	f, _ := r.Float64()
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return json.Number(s)
}
