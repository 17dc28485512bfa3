package worker

import (
	"os"
	"testing"

	"github.com/dspool/dspool/internal/testkit"
)

func descriptors(t *testing.T) int {
	t.Helper()
	list, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc/self/fd on this system")
	}
	return len(list)
}

// These run before the parallel tests: they count the process's descriptors.
func TestWorkersLeakNoDescriptors(t *testing.T) { //nolint:paralleltest // counts descriptors
	for name, open := range sources() {
		s := started(t, open(config(t)))
		round := func(how string) {
			w := spawn(t, s)
			if how == "stop" {
				if err := w.Stop(testkit.Context(t, patience)); err != nil {
					t.Fatal(err)
				}
				return
			}
			w.Kill("test")
			await(t, "the end", w.Done())
		}
		round("stop")
		before := descriptors(t)
		for range 50 {
			round("stop")
			round("kill")
		}
		if after := descriptors(t); after > before {
			t.Errorf("%s: %d descriptors before, %d after 100 rounds", name, before, after)
		}
	}
}

func TestSourcesLeakNoDescriptors(t *testing.T) { //nolint:paralleltest // counts descriptors
	ctx := testkit.Context(t, patience)
	round := func(open func(Config) Source) {
		s := open(config(t))
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
		spawn(t, s)
		if err := s.Stop(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for name, open := range sources() {
		round(open)
		before := descriptors(t)
		for range 20 {
			round(open)
		}
		if after := descriptors(t); after > before {
			t.Errorf("%s: %d descriptors before, %d after 20 rounds", name, before, after)
		}
	}
}

func TestFailedStartsLeakNoDescriptors(t *testing.T) { //nolint:paralleltest // counts descriptors
	s := started(t, NewSpawner(config(t, script(t, "exit 3"))))
	round := func() {
		if _, err := s.Spawn(testkit.Context(t, patience), "w1"); err == nil {
			t.Fatal("a worker without a process")
		}
	}
	round()
	before := descriptors(t)
	for range 30 {
		round()
	}
	if after := descriptors(t); after > before {
		t.Errorf("%d descriptors before, %d after 30 rounds", before, after)
	}
}
