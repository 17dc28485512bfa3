package dspool_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/internal/testkit"
)

// Every patch fits the DSPy of the environment, and one switch leaves DSPy as
// it is.
func TestWorkersPatchDSPyUnlessItIsToStayPlain(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "python", "dspy")
	for name, c := range map[string]struct {
		change func(*dspool.Config)
		want   map[string]string
	}{
		"by default": {func(*dspool.Config) {}, map[string]string{"hops": "applied", "prompts": "applied", "selection": "applied", "types": "applied"}},
		"plain":      {func(c *dspool.Config) { c.PlainDSPy = true }, map[string]string{"hops": "off", "prompts": "off", "selection": "off", "types": "off"}},
		"by name": {
			func(c *dspool.Config) { c.Env = []string{"DSPOOL_DSPY_PATCHES=types"} },
			map[string]string{"hops": "applied", "prompts": "applied", "selection": "applied", "types": "off"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := dspool.Config{Python: testkit.Python(t), Workers: 1}
			c.change(&config)
			pool := started(t, config)
			spec, err := dspool.NewFunc("dspool_worker.patches:install")
			if err != nil {
				t.Fatal(err)
			}
			resp, err := pool.Call(testkit.Context(t, time.Minute), dspool.Request{Program: spec, Input: json.RawMessage(`{}`)})
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]string
			if err := json.Unmarshal(resp.Output, &got); err != nil {
				t.Fatal(err)
			}
			for patch, want := range c.want {
				if got[patch] != want {
					t.Errorf("the patch %s is %q, want %q", patch, got[patch], want)
				}
			}
			if len(got) != len(c.want) {
				t.Errorf("patches %v, want %v", got, c.want)
			}
		})
	}
}
