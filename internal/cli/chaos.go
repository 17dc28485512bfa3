package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/dspool/dspool/dspooltest"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/chaos"
)

// chaosFlags are the flags of `dspool chaos`.
type chaosFlags struct {
	chaos.Config

	seconds float64
	json    bool
	mock    bool
	out     string
}

func newChaosCommand(a *app) *cobra.Command {
	var f chaosFlags
	cmd := &cobra.Command{
		Use:   "chaos",
		Short: "Kill, freeze and exchange the workers of a pool under load, and keep books on every call",
		Long: "Starts a real pool, calls it from many callers at once, and meanwhile kills its workers. Every answer is held\n" +
			"against its input, every execution leaves a trace outside the pool, and what callers were told is held against\n" +
			"the traces. Prints calls, ok, typed_errors, lost, wrong, hung, orphans, success_rate and recovery_p99_ms.\n\n" +
			"wrong counts wrong answers, errors that say a call had not begun which had, and calls that ran twice although\n" +
			"their program is not idempotent. orphans are processes that are left after the pool has stopped. The exit code\n" +
			"is 1 if lost, wrong, hung or orphans is not 0, or success_rate is below its bound.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.chaos(cmd.Context(), f) },
	}
	f.register(cmd.Flags())
	return cmd
}

func (f *chaosFlags) register(set *pflag.FlagSet) {
	set.Float64Var(&f.seconds, "seconds", chaos.DuringDefault.Seconds(), "`how long` calls are made")
	set.Int64Var(&f.Calls, "calls", 0, "end after so `many` calls, if that is sooner (0: no limit)")
	set.IntVar(&f.Callers, "callers", chaos.CallersDefault, "`how many` call at once")
	set.IntVar(&f.Workers, "workers", 0, "`how many` workers the pool has (default: one per processor, 2 to 4)")
	set.BoolVar(&f.Idempotent, "idempotent", true, "declare the program idempotent: it may be run again when a worker is lost")
	set.DurationVar(&f.Work, "work", 0, "`how long` each call takes in its worker")
	set.DurationVar(&f.CallTimeout, "timeout", chaos.CallTimeoutDefault, "each call's `deadline`")
	set.DurationVar(&f.KillEvery, "kill-every", 100*time.Millisecond, "kill a worker every so `often` (0: never)")
	set.DurationVar(&f.FreezeEvery, "freeze-every", 0, "stop a worker by SIGSTOP every so `often`")
	set.DurationVar(&f.KillForkServerEvery, "kill-fork-server-every", 0, "kill the fork server every so `often`")
	set.DurationVar(&f.SwapEvery, "swap-every", 0, "exchange all workers every so `often`")
	set.Float64Var(&f.Success, "success", 0, "the `share` of calls that must be answered, -1 for none (default: 1 if nothing is done to the pool,\n"+
		"0.9999 with idempotent programs, else none)")
	set.BoolVar(&f.mock, "mock-workers", false, "run mock workers instead of Python")
	set.BoolVar(&f.json, "json", false, "print one JSON object")
	set.StringVar(&f.out, "out", "", "also write the report, with all details, to this `file`")
}

// newWorkerCommand is the mock worker's process.
func newWorkerCommand() *cobra.Command {
	return &cobra.Command{
		Use: "worker", Hidden: true, DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			if code := dspooltest.ServeWorker(append([]string{"worker"}, args...)); code != 0 {
				return silentError{code}
			}
			return nil
		},
	}
}

func (a *app) chaos(ctx context.Context, f chaosFlags) error {
	if f.seconds <= 0 {
		return fault.Newf(fault.InvalidArgument, "--seconds %v: must be positive", f.seconds)
	}
	config := f.Config
	config.Python, config.CacheDir = a.python, a.cache
	config.During = time.Duration(f.seconds * float64(time.Second))
	config.Progress = func(t chaos.Tally) {
		a.notef("%4.0fs  %d calls, %d ok, %d typed errors, %d kills\n", t.At.Seconds(), t.Calls, t.OK, t.TypedErrors, t.Kills)
	}
	if f.mock {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		config.Command = []string{self}
	}
	details, err := chaos.Run(ctx, config)
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	if err := a.printChaos(details, f); err != nil {
		return err
	}
	if problems := details.Problems(); len(problems) > 0 {
		return fault.Newf(fault.Internal, "%s", strings.Join(problems, "; "))
	}
	return nil
}

func (a *app) printChaos(d chaos.Details, f chaosFlags) error {
	a.notef("%.1f s, %.0f calls/s on %d workers; %d kills, %d freezes, %d fork server kills, %d swaps; "+
		"%d executions, %d of them again; errors %v\n",
		d.Seconds, d.PerS, d.Workers, d.Kills, d.Freezes, d.ForkKill, d.Swaps, d.Executions, d.Again, d.Errors)
	if f.out != "" {
		if err := writeJSON(f.out, d); err != nil {
			return err
		}
	}
	if f.json {
		return a.json(d.Report)
	}
	return d.WriteTable(a.Out) //nolint:wrapcheck // says it all
}

// writeJSON writes a report to a file.
func writeJSON(path string, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err == nil {
		err = os.WriteFile(path, append(raw, '\n'), 0o644) //nolint:gosec // a report is for everybody
	}
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	return nil
}
