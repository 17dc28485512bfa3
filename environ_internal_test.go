package dspool

import (
	"slices"
	"testing"
)

func TestAnInheritedPythonPathDoesNotHideTheWorkersOwn(t *testing.T) {
	t.Parallel()
	own := []string{"A=1", "PYTHONPATH=/home/me/src", "HOME=/home/me", "OPENAI_API_KEY=secret", "A=2"}
	got := workerEnv(own, []string{"PYTHONPATH=/cache/worker", "A=3"})
	if want := []string{"A=3", "PYTHONPATH=/cache/worker", "HOME=/home/me"}; !slices.Equal(got, want) {
		t.Errorf("workerEnv = %q, want %q", got, want)
	}
	if got := workerEnv([]string{"PYTHONPATH="}, []string{"PYTHONPATH=/cache/worker"}); !slices.Equal(got, []string{"PYTHONPATH=/cache/worker"}) {
		t.Errorf("with an empty one: %q", got)
	}
}
