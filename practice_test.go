package dspool_test

import (
	"testing"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/internal/testkit"
)

// practicePool starts a pool of real workers whose language model is the
// practice one.
func practicePool(t *testing.T, change func(*dspool.Config)) (*dspool.Pool, *dspooltest.PracticeLM) {
	t.Helper()
	practice := dspooltest.NewPracticeLM(dspooltest.PracticeConfig{})
	if err := practice.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = practice.Close() })
	config := dspool.Config{
		Python: testkit.Python(t), Workers: 2, Path: []string{"internal/conformance/testdata"},
		LM: dspool.LM{Model: "openai/practice", APIBase: practice.URL(), APIKey: theSecret},
	}
	if change != nil {
		change(&config)
	}
	pool, err := dspool.New(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := pool.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stopPool(t, pool) })
	return pool, practice
}

const theSecret = "sk-practice-no-python-process-knows-this"
