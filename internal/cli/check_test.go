package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/pyenv"
)

func TestWorstCheckDecides(t *testing.T) {
	t.Parallel()
	good, odd, bad := okay("a", "x"), warn("b", "x", "y"), fail("c", "x", "y")
	tests := []struct {
		name   string
		checks []check
		want   checkStatus
		code   int
	}{
		{"nothing checked", nil, checkOK, ExitOK},
		{"all well", []check{good, good}, checkOK, ExitOK},
		{"a warning is no failure", []check{good, odd}, checkWarn, ExitOK},
		{"a failure is one", []check{odd, bad, good}, checkFail, ExitFailure},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := worst(tt.checks); got != tt.want {
				t.Errorf("worst = %s, want %s", got, tt.want)
			}
			var out bytes.Buffer
			a := &app{IO: IO{Out: &out}}
			err := a.diagnosis(doctorReport{Status: worst(tt.checks), Checks: tt.checks}, false)
			if ExitCode(err) != tt.code {
				t.Errorf("exit code %d, want %d", ExitCode(err), tt.code)
			}
			for _, c := range tt.checks {
				if !strings.Contains(out.String(), c.Advice) {
					t.Errorf("the advice is not shown: %s", out.String())
				}
			}
		})
	}
}

func TestLeftoverProcessesAreNamedWithTheCommandThatEndsThem(t *testing.T) {
	t.Parallel()
	if c := leftoverCheck([]workerProcess{{pid: 7}}); c.Status != checkOK {
		t.Errorf("a worker under a living host: %+v", c)
	}
	c := leftoverCheck([]workerProcess{{pid: 7}, {pid: 8, orphan: true}, {pid: 9, orphan: true}})
	if c.Status != checkWarn || !strings.Contains(c.Advice, "kill 8 9") {
		t.Errorf("got %+v", c)
	}
}

func TestProgressIsALinePerStepWithoutATerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	line := (&app{IO: IO{Err: &out}}).progress()
	for _, p := range []pyenv.Progress{
		{Step: pyenv.StepFind},
		{Step: pyenv.StepInstall, Detail: "with uv", Elapsed: time.Second},
		{Step: pyenv.StepInstall, Done: 3, Total: 68, Elapsed: 2 * time.Second},
		{Step: pyenv.StepDone, Elapsed: 3 * time.Second},
	} {
		line.show(p)
	}
	line.end()
	if got := strings.Count(out.String(), "\n"); got != 3 || strings.Contains(out.String(), "\r") {
		t.Errorf("%d lines: %q", got, out.String())
	}
	if got := progressText(pyenv.Progress{Step: pyenv.StepInstall, Done: 3, Total: 68}); !strings.Contains(got, "3 of 68 packages") {
		t.Errorf("no count in %q", got)
	}
}

func TestQuietShowsNoProgress(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	(&app{IO: IO{Err: &out}, quiet: true}).progress().show(pyenv.Progress{Step: pyenv.StepFind})
	if out.Len() > 0 {
		t.Errorf("shown: %q", out.String())
	}
}

func TestLanguageAdviceFitsTheFailure(t *testing.T) {
	t.Parallel()
	if got := languageAdvice("lm_auth"); !strings.Contains(got, "key") {
		t.Errorf("advice for a refused key: %q", got)
	}
	if got := languageAdvice("lm_transport"); !strings.Contains(got, "DSPOOL_LM_BASE") {
		t.Errorf("advice for an unreachable provider: %q", got)
	}
	if got := reason(errors.New("plain")); got != "plain" {
		t.Errorf("reason of a foreign error: %q", got)
	}
}
