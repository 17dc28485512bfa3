package dspool

import (
	"runtime"
	"strings"
	"testing"

	"github.com/dspool/dspool/fault"
)

func TestASandboxHasDefaultsOnlyIfThereIsOne(t *testing.T) {
	t.Parallel()
	if s := (Config{}).WithDefaults().Sandbox; s.Mode != SandboxOff || s.Network != "" || s.ScratchBytes != 0 || s.settings() != nil {
		t.Errorf("without one: %+v", s)
	}
	s := Config{Sandbox: Sandbox{Mode: SandboxBestEffort}}.WithDefaults().Sandbox
	if s.Network != SandboxNetworkNone || s.ReadOnly || s.ScratchBytes != SandboxScratchDefault || !s.cutOff() {
		t.Errorf("with one: %+v", s)
	}
	w := Sandbox{Mode: SandboxRequired, Network: SandboxNetworkHost, ReadOnly: true, ScratchBytes: 5, Hidden: []string{"/x"}}.settings()
	if !w.Required || w.Network != "host" || !w.ReadOnly || w.Scratch != 5 || len(w.Hidden) != 1 {
		t.Errorf("as the worker reads it: %+v", w)
	}
}

func TestMistakesOfASandboxAreNamedWithTheirPaths(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		err := Config{Sandbox: Sandbox{Mode: SandboxBestEffort}}.Validate()
		if err == nil || !strings.Contains(err.Error(), "Config.Sandbox.Mode: must be \"off\"") {
			t.Errorf("Validate = %v", err)
		}
		return
	}
	on := func(s Sandbox) Config {
		s.Mode = SandboxRequired
		return Config{Sandbox: s}
	}
	direct := LM{Model: "together_ai/m", Direct: true}
	withLMs, withCommand, withNetwork := on(Sandbox{}), on(Sandbox{}), on(Sandbox{Network: SandboxNetworkHost, ReadOnly: true})
	withLMs.LM, withLMs.LMs = direct, map[string]LM{"other": direct, "good": {Model: "openai/m"}}
	withCommand.Command = []string{"worker"}
	withNetwork.LM = direct
	tests := []struct {
		name   string
		config Config
		paths  []string
	}{
		{"good", on(Sandbox{}), nil},
		{"good with everything", on(Sandbox{ReadOnly: true, Writable: []string{"/var/x"}, Hidden: []string{"/etc/x"}}), nil},
		{"a direct LM with the host's network", withNetwork, nil},
		{"unknown mode", Config{Sandbox: Sandbox{Mode: "maximum"}}, []string{"Sandbox.Mode"}},
		{"forgotten mode", Config{Sandbox: Sandbox{ReadOnly: true}}, []string{"Sandbox.Mode"}},
		{"unknown network", on(Sandbox{Network: "lan"}), []string{"Sandbox.Network"}},
		{"nothing kept apart", on(Sandbox{Network: SandboxNetworkHost}), []string{"Sandbox.Network"}},
		{"writable without a read-only view", on(Sandbox{Writable: []string{"/x"}}), []string{"Sandbox.Writable"}},
		{
			"paths", on(Sandbox{ReadOnly: true, Writable: []string{"x"}, Hidden: []string{"/", ""}}),
			[]string{"Sandbox.Writable[0]", "Sandbox.Hidden[0]", "Sandbox.Hidden[1]"},
		},
		{"scratch", on(Sandbox{ScratchBytes: 1}), []string{"Sandbox.ScratchBytes"}},
		{"a worker that is not ours", withCommand, []string{"Sandbox.Mode"}},
		{"direct LMs", withLMs, []string{"LM.Direct", `LMs["other"].Direct`}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			err := tt.config.Validate()
			if len(tt.paths) == 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if fault.CodeOf(err) != fault.InvalidArgument || strings.Count(err.Error(), "Config.") != len(tt.paths) {
				t.Errorf("Validate = %v", err)
			}
			for _, path := range tt.paths {
				if !strings.Contains(err.Error(), "Config."+path+": ") {
					t.Errorf("%s is not named: %v", path, err)
				}
			}
		})
	}
}

func TestWritableFoldersMustBeThere(t *testing.T) {
	t.Parallel()
	if err := (Sandbox{Writable: []string{t.TempDir()}}).exists(); err != nil {
		t.Error(err)
	}
	err := Sandbox{Writable: []string{t.TempDir(), "/nonexistent/x"}}.exists()
	if fault.CodeOf(err) != fault.InvalidArgument || !strings.Contains(err.Error(), "Config.Sandbox.Writable[1]") {
		t.Errorf("exists = %v", err)
	}
}

func TestLiteLLMIsNeededForDirectLMsThatNothingElseReaches(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		lm   LM
		want bool
	}{
		"through the host":          {LM{Model: "openai/m"}, false},
		"direct, but native":        {LM{Model: "openai/m", Direct: true}, false},
		"direct, text completions":  {LM{Model: "openai/m", ModelType: "text", Direct: true}, true},
		"direct, another provider":  {LM{Model: "together_ai/m", Direct: true}, true},
		"not direct: never reached": {LM{Model: "together_ai/m"}, false},
	} {
		if got := tt.lm.litellm(); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
