package dspooltest

import (
	"slices"
	"testing"

	"github.com/dspool/dspool/adapter"
	"github.com/dspool/dspool/internal/testkit"
)

// Require skips the test unless everything it names is there, and says what is
// missing:
//
//	python       an interpreter for workers, in DSPOOL_TEST_PYTHON or DSPOOL_PYTHON
//	dspy         the same, and it has dspy
//	fork_server  a system on which workers can be forked: Linux
//	proc         /proc
//	lm           a real language model, in DSPOOL_LM
//	slow         the wish for tests that take long, in DSPOOL_SLOW
//
// A test that would be skipped fails if the variable DSPOOL_REQUIRE, a list
// with commas, names what is missing: so that a build server which has lost its
// Python is not green.
func Require(t testing.TB, needs ...string) {
	t.Helper()
	testkit.Require(t, needs...)
}

// Python returns the interpreter for tests with real workers, and skips or fails
// the test as [Require] does if there is none.
func Python(t testing.TB) string {
	t.Helper()
	return testkit.Python(t)
}

// RequireLayer skips a test that says nothing below a layer: if the mode that
// [New] would choose by the environment is of a lower one.
func RequireLayer(t testing.TB, layer adapter.Layer) {
	t.Helper()
	mode, by := modeOf(t, Setup{})
	order := []adapter.Layer{adapter.Layer1, adapter.Layer2, adapter.Layer3}
	if slices.Index(order, adapter.LayerOf(mode)) < slices.Index(order, layer) {
		t.Skipf("needs %s: the mode is %s, by %s (set %s)", layer, mode, by, adapter.ModeVariable)
	}
}
