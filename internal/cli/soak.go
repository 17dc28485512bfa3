package cli

import (
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/chaos"
	"github.com/dspool/dspool/internal/soak"
)

// soakFlags are the flags of `dspool soak`.
type soakFlags struct {
	load chaos.Config
	json bool
	mock bool
	out  string
}

const soakDefault = 10 * time.Minute

func newSoakCommand(a *app) *cobra.Command {
	var f soakFlags
	cmd := &cobra.Command{
		Use:   "soak",
		Short: "Keep a pool at full load for long, and see whether anything grows",
		Long: "Calls a pool as fast as it answers, samples memory, descriptors, threads and goroutines of the host and of the\n" +
			"workers, and lays a line through each after a warm-up (a fifth of the time, at least a minute of two or more).\n" +
			"Memory may rise by a tenth of its median or 8 MiB, counts by two. The exit code is 1 if one rises by more, or a\n" +
			"call is not answered rightly. Needs /proc.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.soak(cmd.Context(), f) },
	}
	set := cmd.Flags()
	set.DurationVar(&f.load.During, "for", soakDefault, "`how long`")
	set.IntVar(&f.load.Callers, "callers", chaos.CallersDefault, "`how many` call at once")
	set.IntVar(&f.load.Workers, "workers", 0, "`how many` workers the pool has (default: one per processor, 2 to 4)")
	set.DurationVar(&f.load.Work, "work", 0, "`how long` each call takes in its worker")
	set.DurationVar(&f.load.CallTimeout, "timeout", chaos.CallTimeoutDefault, "each call's `deadline`")
	set.BoolVar(&f.mock, "mock-workers", false, "run mock workers instead of Python")
	set.BoolVar(&f.json, "json", false, "print one JSON object")
	set.StringVar(&f.out, "out", "", "also write the report, with all samples, to this `file`")
	return cmd
}

func (a *app) soak(ctx context.Context, f soakFlags) error {
	f.load.Python, f.load.CacheDir = a.python, a.cache
	if f.mock {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		f.load.Command = []string{self}
	}
	var told time.Duration
	report, err := soak.Run(ctx, soak.Config{Load: f.load, Progress: func(t chaos.Tally) {
		const every = 10 * time.Second
		if t.At-told >= every {
			told = t.At
			a.notef("%5.0fs  %d calls, %d ok\n", t.At.Seconds(), t.Calls, t.OK)
		}
	}})
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	if err := a.printSoak(report, f); err != nil {
		return err
	}
	if problems := report.Problems(); len(problems) > 0 {
		return fault.Newf(fault.Internal, "%s", strings.Join(problems, "; "))
	}
	return nil
}

func (a *app) printSoak(r soak.Report, f soakFlags) error {
	if f.out != "" {
		if err := writeJSON(f.out, r); err != nil {
			return err
		}
	}
	if f.json {
		return a.json(r)
	}
	a.printf("%d calls in %.0f s, %.0f/s, %d of them answered rightly; %.0f s of warm-up\n", r.Calls, r.Seconds, r.PerS, r.OK, r.WarmUp)
	return r.WriteTable(a.Out) //nolint:wrapcheck // says it all
}
