package testkit_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/testkit"
)

func TestMain(m *testing.M) {
	testkit.Main(m, testkit.Command{Name: "linger", Run: func([]string) int {
		_, _ = os.Stdin.Read(make([]byte, 1))
		return 0
	}})
}

func TestMarkedFindsProcessesThatInheritTheMark(t *testing.T) {
	t.Parallel()
	const mark = "TestMarkedFindsProcessesThatInheritTheMark"
	cmd := exec.CommandContext(testkit.Context(t, time.Minute), testkit.Worker(t)[0], "linger")
	cmd.Env = append(os.Environ(), testkit.RunVariable+"="+mark)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if found := testkit.Marked(mark); len(found) != 1 || !strings.Contains(found[0], "linger") {
		t.Errorf("Marked = %q, want the one process", found)
	}
	if err := stdin.Close(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	if found := testkit.Marked(mark); len(found) != 0 {
		t.Errorf("Marked = %q after its end, want nothing", found)
	}
}

func TestRequireSkipsWhatIsMissing(t *testing.T) {
	t.Parallel()
	inner := &skipping{TB: t}
	func() {
		defer func() { _ = recover() }() // Skipf ends the test that calls it
		testkit.Require(inner, "a thing that does not exist")
	}()
	if !inner.skipped {
		t.Error("a test that needs what is missing was not skipped")
	}
}

// skipping is a test that takes note of being skipped.
type skipping struct {
	testing.TB

	skipped bool
}

func (s *skipping) Skipf(string, ...any) {
	s.skipped = true
	panic("skipped")
}
