package dspooltest

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/dspool/dspool"
)

// A SignatureShape is a kind of signatures that [Signatures] makes.
type SignatureShape string

// The shapes: one text to another; several fields with nested types; programs
// of which each one's output is an input of the next.
const (
	SimpleSignatures  SignatureShape = "simple"
	ComplexSignatures SignatureShape = "complex"
	ChainSignatures   SignatureShape = "chain"
)

// Signatures returns n signatures of a shape, as text for dspool.NewPredict.
// They differ from each other, and are the same for the same seed. A shape that
// there is not is a custom one: a signature in which each %d becomes a number of
// its own.
func Signatures(shape SignatureShape, n int, seed uint64) []string {
	dice := rand.New(rand.NewPCG(seed, 0)) //nolint:gosec // chance in tests
	out := make([]string, n)
	for i := range out {
		switch shape {
		case SimpleSignatures:
			out[i] = fmt.Sprintf("question_%d -> answer_%d", i, i)
		case ComplexSignatures:
			out[i] = complexSignature(dice, i)
		case ChainSignatures:
			out[i] = fmt.Sprintf("step_%d: str -> step_%d: str", i, i+1)
		default:
			out[i] = strings.ReplaceAll(string(shape), "%d", fmt.Sprint(i))
		}
	}
	return out
}

func complexSignature(dice *rand.Rand, i int) string {
	types := []string{
		"str", "int", "float", "bool", "list[str]", "dict[str, int]", "list[dict[str, float]]",
		"Literal['low', 'high']", "Optional[str]", "list[list[int]]",
	}
	fields := func(prefix string) string {
		list := make([]string, 2+dice.IntN(3))
		for j := range list {
			list[j] = fmt.Sprintf("%s_%d_%d: %s", prefix, i, j, types[dice.IntN(len(types))])
		}
		return strings.Join(list, ", ")
	}
	return fields("in") + " -> " + fields("out")
}

// Predicts makes programs of signatures, and fails the test if one is refused.
func Predicts(t testing.TB, signatures []string, options ...dspool.PredictOption) []*dspool.Spec {
	t.Helper()
	specs := make([]*dspool.Spec, len(signatures))
	for i, text := range signatures {
		spec, err := dspool.NewPredict(text, "", options...)
		if err != nil {
			t.Fatalf("signature %q: %v", text, err)
		}
		specs[i] = spec
	}
	return specs
}
