package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// IO is where a run of the binary reads and writes.
type IO struct {
	In       io.Reader
	Out, Err io.Writer
}

// app is what the commands of one run share: the streams and the global flags.
type app struct {
	IO

	python  string // --python: interpreter to use as it is
	cache   string // --cache: folder for environments
	verbose bool
	quiet   bool

	running bool // a command's own code has begun: errors before are usage errors
}

func (a *app) flags(set *pflag.FlagSet) {
	set.StringVar(&a.python, "python", "", "Python `interpreter` to use as it is (default: $DSPOOL_PYTHON, else dspool's own environment)")
	set.StringVar(&a.cache, "cache", "", "`folder` for environments (default: $DSPOOL_CACHE, else dspool in the user's cache folder)")
	set.BoolVarP(&a.verbose, "verbose", "v", false, "log what happens to standard error")
	set.BoolVarP(&a.quiet, "quiet", "q", false, "print results and errors only")
}

// watch makes every command of the tree note that its own code has begun. A
// command that only groups others becomes one that shows its help and takes no
// arguments: else cobra answers an unknown subcommand with help and success.
func (a *app) watch(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		a.watch(sub)
	}
	if !cmd.Runnable() && cmd.HasSubCommands() {
		cmd.Args, cmd.RunE = cobra.NoArgs, showHelp
	}
	run := cmd.RunE
	if run == nil {
		return
	}
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		a.running = true
		return run(cmd, args)
	}
}

// logger writes to standard error: everything with --verbose, errors only with
// --quiet, else warnings and errors.
func (a *app) logger() *slog.Logger {
	level := slog.LevelWarn
	switch {
	case a.verbose:
		level = slog.LevelDebug
	case a.quiet:
		level = slog.LevelError
	}
	return slog.New(slog.NewTextHandler(a.Err, &slog.HandlerOptions{Level: level}))
}

// printf writes a line of the result to standard output.
func (a *app) printf(format string, args ...any) {
	fmt.Fprintf(a.Out, format, args...)
}

// notef writes a line for the person at the terminal to standard error, unless
// --quiet is given.
func (a *app) notef(format string, args ...any) {
	if !a.quiet {
		fmt.Fprintf(a.Err, format, args...)
	}
}

// json writes v to standard output as indented JSON.
func (a *app) json(v any) error {
	enc := json.NewEncoder(a.Out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// table returns a writer that lines columns up; the caller flushes it.
func (a *app) table() *tabwriter.Writer {
	return tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
}
