package dspooltest

import (
	"os"
	"testing"
	"time"

	"github.com/dspool/dspool/adapter"
)

// Isolation is how far a test is kept from what others do.
type Isolation string

// The isolations, each with all that comes before it. Every [Kit] has a Runner,
// sessions, events and a temporary folder of its own, so no two tests ever share
// state: registries, signals and contamination need no mode of their own.
const (
	// IsolationNone runs in this process; a program that takes it down takes
	// the tests down.
	IsolationNone Isolation = "none"
	// IsolationProcess runs programs in processes of the test's own.
	IsolationProcess Isolation = "process"
	// IsolationSupervision is that with supervised workers that may be killed,
	// frozen and exchanged without anybody else noticing.
	IsolationSupervision Isolation = "supervision"
)

// Settings are what a mode brings with it; [Setup] overrides them.
type Settings struct {
	// Timeout is each call's time budget.
	Timeout time.Duration
	// Parallel is whether tests of the mode are meant to run beside others, and
	// Concurrency how many calls a test is meant to make at once.
	Parallel    bool
	Concurrency int
	Isolation   Isolation
}

// SettingsOf returns the settings of a mode.
func SettingsOf(mode adapter.Mode) Settings {
	switch mode {
	case adapter.ModeMock:
		return Settings{Timeout: time.Second, Parallel: true, Concurrency: 50, Isolation: IsolationNone}
	case adapter.ModeBridgeMock:
		return Settings{Timeout: 5 * time.Second, Parallel: true, Concurrency: 10, Isolation: IsolationProcess}
	case adapter.ModeFull:
	}
	return Settings{Timeout: 30 * time.Second, Concurrency: 1, Isolation: IsolationSupervision}
}

// modeOf decides which mode is meant and says what decided it. The environment
// is read each time. A value that is no mode is passed over, with a warning.
func modeOf(t testing.TB, s Setup) (mode adapter.Mode, by string) {
	t.Helper()
	for _, source := range []struct {
		mode adapter.Mode
		by   string
	}{
		{s.Mode, "explicit choice"},
		{adapter.Mode(os.Getenv(adapter.ModeVariable)), adapter.ModeVariable},
		{s.Configured, "configuration"},
		{s.Default, "the test's default"},
	} {
		if source.mode == "" {
			continue
		}
		if _, known := adapter.TestModes(false)[source.mode]; known {
			return source.mode, source.by
		}
		t.Logf("warning: there is no test mode %q (by %s); passed over", source.mode, source.by)
	}
	return adapter.ModeMock, "default"
}
