package dspooltest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/dspool/dspool/dspooltest"
)

// python returns an interpreter that has dspy.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"DSPOOL_TEST_PYTHON", "DSPOOL_PYTHON"} {
		if path := os.Getenv(name); path != "" {
			return path
		}
	}
	if strings.Contains(os.Getenv("DSPOOL_REQUIRE"), "dspy") {
		t.Fatal("DSPOOL_REQUIRE demands dspy, but neither DSPOOL_TEST_PYTHON nor DSPOOL_PYTHON names an interpreter")
	}
	t.Skip("no interpreter with dspy: set DSPOOL_TEST_PYTHON")
	return ""
}

// The prompts, the parsers and the errors of the real DSPy: Predict,
// ChainOfThought and ReAct with every type, through its three adapters.
func TestPracticeLMServesRealDSPy(t *testing.T) {
	t.Parallel()
	lm := start(t, dspooltest.PracticeConfig{})
	cmd := exec.CommandContext(within(t), python(t), "check.py", lm.URL()) //nolint:gosec // our own interpreter and script
	cmd.Dir = "testdata"
	cmd.Env = append(os.Environ(), "LITELLM_LOCAL_MODEL_COST_MAP=True", "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if s := lm.Stats(); s.ByKey[dspooltest.KeyHash("check")] == 0 || s.InFlight != 0 {
		t.Errorf("stats %+v", s)
	}
}
