package examples_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/testkit"
)

func TestMain(m *testing.M) { testkit.Main(m) }

// Every example is built and run, and prints what a reader is told to expect.
func TestExamplesRun(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "dspy")
	for name, want := range map[string][]string{
		"quickstart": {"high urgency", "% sure"},
		"ownpython":  {"to pay: 13.95", "countdown: 3\ncountdown: 2\ncountdown: 1\n", "high urgency, answer: "},
		"batch":      {"review 0: happy", "review 1: invalid_argument", "review 2: sad"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
			defer cancel()
			out := output(ctx, t, name)
			for _, part := range want {
				if !strings.Contains(out, part) {
					t.Errorf("no %q in %s", part, out)
				}
			}
		})
	}
}

func output(ctx context.Context, t *testing.T, name string) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), name)
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./"+name).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = append(os.Environ(), "DSPOOL_PYTHON="+testkit.Python(t), "DSPOOL_LM=", "DSPOOL_LM_BASE=")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return string(out)
}
