package dspooltest_test

import (
	"os"
	"os/exec"
	"testing"

	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/internal/testkit"
)

// The prompts, the parsers and the errors of the real DSPy: Predict,
// ChainOfThought and ReAct with every type, through its three adapters.
func TestPracticeLMServesRealDSPy(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "dspy")
	lm := start(t, dspooltest.PracticeConfig{})
	cmd := exec.CommandContext(within(t), testkit.Python(t), "check.py", lm.URL())
	cmd.Dir = "testdata"
	cmd.Env = append(os.Environ(), "LITELLM_LOCAL_MODEL_COST_MAP=True", "PYTHONDONTWRITEBYTECODE=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if s := lm.Stats(); s.ByKey[dspooltest.KeyHash("check")] == 0 || s.InFlight != 0 {
		t.Errorf("stats %+v", s)
	}
}
