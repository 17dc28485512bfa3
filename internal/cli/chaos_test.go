package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// runs runs a command to its end.
func runs(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	err = execute(t.Context(), args, IO{Out: &o, Err: &e})
	return o.String(), e.String(), err
}

func TestChaosPrintsExactlyItsFigures(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "chaos.json")
	out, errs, err := runs(t, "chaos", "--mock-workers", "--seconds", "1.3", "--kill-every", "200ms", "--callers", "8", "--success", "0.5", "--json", "--out", file)
	if err != nil {
		t.Fatal(err)
	}
	names := []string{"calls", "ok", "typed_errors", "lost", "wrong", "hung", "orphans", "success_rate", "recovery_p99_ms"}
	var figures map[string]float64
	if err := json.Unmarshal([]byte(out), &figures); err != nil || len(figures) != len(names) {
		t.Fatalf("%v: %s", err, out)
	}
	at := -1
	for _, name := range names {
		i := strings.Index(out, `"`+name+`"`)
		if i <= at {
			t.Errorf("%s is missing or in another place: %s", name, out)
		}
		at = i
	}
	if figures["calls"] == 0 || figures["ok"] != figures["calls"]*figures["success_rate"] || figures["recovery_p99_ms"] <= 0 {
		t.Errorf("%v", figures)
	}
	if !strings.Contains(errs, "kills") {
		t.Errorf("no progress: %s", errs)
	}
	raw, err := os.ReadFile(file)
	if err != nil || !strings.Contains(string(raw), `"run_twice": 0`) {
		t.Errorf("%v: %s", err, raw)
	}
}

func TestChaosPrintsATable(t *testing.T) {
	t.Parallel()
	out, _, err := runs(t, "chaos", "--mock-workers", "--kill-every", "0", "--calls", "500", "--quiet")
	rows := slices.Collect(strings.Lines(out))
	if err != nil || len(rows) != 9 || !strings.Contains(rows[1], "500") {
		t.Errorf("%v: %s", err, out)
	}
}

// Half a millisecond is no time for work of a second: nothing is answered.
func TestChaosFailsBelowItsBound(t *testing.T) {
	t.Parallel()
	_, errs, err := runs(t, "chaos", "--mock-workers", "--kill-every", "0", "--calls", "5", "--work", "1s", "--timeout", "500us", "--idempotent=false")
	if ExitCode(err) != ExitFailure || !strings.Contains(errs, "had to be") {
		t.Errorf("exit code %d: %s", ExitCode(err), errs)
	}
}

func TestChaosRefusesNonsense(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--callers", "-1"}, {"--seconds", "0"}, {"--kill-every", "often"}, {"--success", "2"}, {"extra"}} {
		if _, errs, err := runs(t, append([]string{"chaos", "--mock-workers"}, args...)...); ExitCode(err) != ExitUsage {
			t.Errorf("%v: exit code %d: %s", args, ExitCode(err), errs)
		}
	}
}
