package dspool_test

import (
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

func TestTheZeroConfigurationWorks(t *testing.T) {
	t.Parallel()
	if err := (dspool.Config{}).Validate(); err != nil {
		t.Error(err)
	}
	c := dspool.Config{}.WithDefaults()
	if c.Workers < 2 || c.Workers > 4 || c.WorkerConcurrency != 256 || c.QueueSize != 1024 ||
		c.QueueTimeout != 30*time.Second || c.CallTimeout != 2*time.Minute || c.FrameLimit != 64<<20 {
		t.Errorf("defaults %+v", c)
	}
	if want := map[bool]dspool.StartMode{true: dspool.ForkServer, false: dspool.Spawn}[runtime.GOOS == "linux"]; c.Start != want {
		t.Errorf("Start = %s, want %s", c.Start, want)
	}
	if c := (dspool.Config{Command: []string{"worker"}}).WithDefaults(); c.Start != dspool.Spawn {
		t.Errorf("Start of a foreign worker = %s, want spawn", c.Start)
	}
}

func TestWhatWasSetIsKept(t *testing.T) {
	t.Parallel()
	in := dspool.Config{Workers: 9, QueueSize: -1, CallTimeout: -1, Restart: dspool.Restart{Failures: 2}}
	c := in.WithDefaults()
	if c.Workers != 9 || c.QueueSize != -1 || c.CallTimeout != -1 || c.Restart.Failures != 2 {
		t.Errorf("WithDefaults changed what was set: %+v", c)
	}
	if in.Logger != nil {
		t.Error("WithDefaults changed its receiver")
	}
}

func TestEveryMistakeIsNamedWithItsPath(t *testing.T) {
	t.Parallel()
	negative, cold := -1, -0.5
	err := dspool.Config{
		Workers: -3, Start: "magic", Path: []string{""}, Preload: []string{"not a module"}, Env: []string{"NOVALUE"},
		LM:                dspool.LM{APIBase: "ftp://x"},
		LMs:               map[string]dspool.LM{"fast": {Model: "m", Retries: &negative, Temperature: &cold, Extra: map[string]any{"f": func() {}}}},
		WorkerConcurrency: -1, Threads: -1, QueueSize: -2, QueueTimeout: -5, CallTimeout: -5, CancelGrace: -1, DrainTimeout: -1,
		TermGrace: -1, StartTimeout: -1, FrameLimit: 10,
		Restart:  dspool.Restart{Failures: -1, Decay: -1, Backoff: time.Minute, BackoffMax: time.Second},
		Affinity: dspool.Affinity{Mode: "glue", TTL: -1, Bindings: -1},
	}.Validate()
	if fault.CodeOf(err) != fault.InvalidArgument {
		t.Fatalf("Validate = %v", err)
	}
	for _, path := range []string{
		"Config.Workers:", "Config.Start:", "Config.Path[0]:", "Config.Preload[0]:", "Config.Env[0]:", "Config.LM.Model:",
		"Config.LM.APIBase:", `Config.LMs["fast"].Retries:`, `Config.LMs["fast"].Temperature:`, `Config.LMs["fast"].Extra:`,
		"Config.WorkerConcurrency:", "Config.Threads:", "Config.QueueSize:", "Config.QueueTimeout:", "Config.CallTimeout:",
		"Config.CancelGrace:", "Config.DrainTimeout:", "Config.TermGrace:", "Config.StartTimeout:", "Config.FrameLimit:",
		"Config.Restart.Failures:", "Config.Restart.Decay:", "Config.Restart.BackoffMax:",
		"Config.Affinity.Mode:", "Config.Affinity.TTL:", "Config.Affinity.Bindings:",
	} {
		if !strings.Contains(err.Error(), path) {
			t.Errorf("%s is missing in\n%v", path, err)
		}
	}
}

func TestSettingsThatExcludeEachOther(t *testing.T) {
	t.Parallel()
	foreign := []string{"worker"}
	tests := map[string]struct {
		config dspool.Config
		want   string
	}{
		"a fork server of a foreign worker":   {dspool.Config{Command: foreign, Start: dspool.ForkServer}, "Config.Start:"},
		"an interpreter for a foreign worker": {dspool.Config{Command: foreign, Python: "python3"}, "Config.Python:"},
		"a command without a program":         {dspool.Config{Command: []string{""}}, "Config.Command[0]:"},
		"more calls than ids":                 {dspool.Config{WorkerConcurrency: 1 << 20}, "Config.WorkerConcurrency:"},
	}
	for name, tt := range tests {
		if err := tt.config.Validate(); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
	}
}
