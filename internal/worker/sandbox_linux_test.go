package worker

import (
	"path/filepath"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
)

// wanting sets the workers apart, with programs that try to get out.
func wanting(t *testing.T, s wire.Sandbox) func(*Config) {
	t.Helper()
	programs, err := filepath.Abs("../../pyworker/tests/programs")
	if err != nil {
		t.Fatal(err)
	}
	return func(c *Config) { c.Sandbox, c.Path = &s, append(c.Path, programs) }
}

func TestWorkersTellWhatBecameOfTheirSandbox(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "userns")
	eachPython(t, func(t *testing.T, s Source) {
		w := spawn(t, s)
		i := s.Info().Isolation
		if s.Info().Kind == KindSpawn {
			i = w.Hello().Sandbox
		}
		if i == nil || i.Network != "none" || !i.ReadOnly || !i.Users || len(i.Why) > 0 {
			t.Errorf("isolation %+v", i)
		}
		if v, ok := w.Vitals(); !ok || v.State == 0 {
			t.Error("the host cannot see how its worker does")
		}
		o := outcome(t, begin(t, w, "escapes:nested", `{"folder":"/var"}`))
		if o.Err != nil || string(o.Reply.Body) != `"kept out"` {
			t.Errorf("outcome = %s, %+v", o.Reply.Body, o.Err)
		}
	}, wanting(t, wire.Sandbox{Required: true, Network: "none", ReadOnly: true, Scratch: 1 << 20}))
}

func TestAWorkerThatCannotGoIntoItsSandboxIsNone(t *testing.T) {
	t.Parallel()
	testkit.Require(t, "userns")
	interpreter := testkit.Python(t)
	for kind, open := range sources() {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			// tmpfs does not know such a size.
			mod := wanting(t, wire.Sandbox{Required: true, Network: "none", ReadOnly: true, Scratch: -1})
			s := open(config(t, python(t, interpreter), mod))
			ctx := testkit.Context(t, patience)
			defer func() { _ = s.Stop(ctx) }()
			err := s.Start(ctx)
			if err == nil {
				_, err = s.Spawn(ctx, "w1")
			}
			if f := fault.From(err); f.Code != fault.Unsupported || f.Details["exit"] != "66" {
				t.Errorf("error = %v, details %v", err, f.Details)
			}
		})
	}
}
