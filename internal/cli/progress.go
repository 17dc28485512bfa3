package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/dspool/dspool/internal/pyenv"
)

// progressLine shows a build on standard error: one line that is written over on
// a terminal, else a line for every step.
type progressLine struct {
	out      io.Writer
	quiet    bool
	terminal bool
	step     pyenv.Step
	drawn    bool
}

func (a *app) progress() *progressLine {
	return &progressLine{out: a.Err, quiet: a.quiet, terminal: isTerminal(a.Err)}
}

// show is a pyenv.Config.Progress.
func (l *progressLine) show(p pyenv.Progress) {
	switch {
	case l.quiet:
	case l.terminal:
		l.drawn = true
		fmt.Fprintf(l.out, "\r\x1b[K%s", progressText(p))
		if p.Step == pyenv.StepDone {
			l.end()
		}
	case p.Step != l.step:
		fmt.Fprintln(l.out, progressText(p))
	}
	l.step = p.Step
}

// end leaves the terminal on a fresh line.
func (l *progressLine) end() {
	if l.drawn {
		fmt.Fprintln(l.out)
		l.drawn = false
	}
}

func progressText(p pyenv.Progress) string {
	text := map[pyenv.Step]string{
		pyenv.StepWait:    "waiting for another dspool that builds the Python environment",
		pyenv.StepFind:    "looking for a Python",
		pyenv.StepCreate:  "creating the Python environment (once)",
		pyenv.StepInstall: "installing DSPy and what it needs (once)",
		pyenv.StepCheck:   "checking the Python environment",
		pyenv.StepDone:    "the Python environment is ready",
	}[p.Step]
	var b strings.Builder
	fmt.Fprintf(&b, "%4.0fs  %s", p.Elapsed.Truncate(time.Second).Seconds(), text)
	if p.Total > 0 && p.Done > 0 {
		fmt.Fprintf(&b, ", %d of %d packages", p.Done, p.Total)
	}
	if p.Detail != "" && p.Step != pyenv.StepDone && p.Step != pyenv.StepWait {
		fmt.Fprintf(&b, ": %s", p.Detail)
	}
	return b.String()
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	file, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
