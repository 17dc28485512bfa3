package dspool_test

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/dspool/dspool"
)

// The bytes are what workers in every process agree on: a change here changes
// the hash of every program.
func TestDefinitionIsCanonical(t *testing.T) {
	t.Parallel()
	spec, err := dspool.NewChainOfThought("question: str, k: int -> answer: str, score: probability", "Be short.",
		dspool.WithTemperature(0.5), dspool.WithMaxTokens(100), dspool.WithLM("big"), dspool.Idempotent(),
		dspool.WithDemos(dspool.Demo{Input: map[string]any{"question": "q"}, Output: map[string]any{"score": 1, "answer": "a"}}))
	if err != nil {
		t.Fatal(err)
	}
	raw, hash, err := spec.Definition()
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"kind":"chain_of_thought","signature":{"name":"Signature","instructions":"Be short.",` +
		`"inputs":[{"name":"question","schema":{"type":"string"},"required":true},{"name":"k","schema":{"type":"integer"},"required":true}],` +
		`"outputs":[{"name":"answer","schema":{"type":"string"},"required":true},` +
		`{"name":"score","schema":{"type":"number","minimum":0,"maximum":1},"required":true}]},` +
		`"demos":[{"question":"q","answer":"a","score":1}],"options":{"max_tokens":100,"temperature":0.5}}`
	if string(raw) != want {
		t.Errorf("definition\n got %s\nwant %s", raw, want)
	}
	sum := sha256.Sum256([]byte(want))
	if hash != hex.EncodeToString(sum[:])[:32] {
		t.Errorf("hash is %s", hash)
	}
}
