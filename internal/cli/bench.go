package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/bench"
)

// benchFlags are the flags of `dspool bench`.
type benchFlags struct {
	json               bool
	scale              float64
	only               []string
	out                string
	strict             bool
	peers, peersPython string
}

func newBenchCommand(a *app) *cobra.Command {
	var f benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measure the pool on this machine, against a floor in the same run",
		Long: "Measures in under 45 seconds what the pool costs on this machine. The echo figures are ratios to a bare\n" +
			"byte-echo process behind the same Go client, both measured in turn; each figure names what it is compared with.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.bench(cmd.Context(), f) },
	}
	set := cmd.Flags()
	set.BoolVar(&f.json, "json", false, "print one JSON object: each figure by its name, and all details under \"figures\"")
	set.Float64Var(&f.scale, "scale", 1, "`factor` for the length of every measurement")
	set.StringSliceVar(&f.only, "only", nil, "measure only these `steps`: echo, big echo, accept, cold start, spawn, recovery, memory, in flight, predict")
	set.StringVar(&f.out, "out", "", "also write the report, with all raw values, to this `file`")
	set.StringVar(&f.peers, "peers", "", "compare predictions with the programs in this `folder`: bench/peers of the repository")
	set.StringVar(&f.peersPython, "peers-python", "", "`interpreter` of the peers' own environment")
	set.BoolVar(&f.strict, "strict", false, "end with exit code 1 if a figure misses its target")
	return cmd
}

// newFloorCommand is the floor's process: it only sends bytes back.
func newFloorCommand() *cobra.Command {
	return &cobra.Command{
		Use: bench.FloorCommand, Hidden: true, DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error { return bench.ServeFloor(args) },
	}
}

// newBenchPracticeCommand is the language model of a measurement.
func newBenchPracticeCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: bench.PracticeCommand, Hidden: true, DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error { return bench.ServePractice(args, a.Out) },
	}
}

func (a *app) bench(ctx context.Context, f benchFlags) error {
	report, err := bench.Run(ctx, bench.Config{
		Python: a.python, CacheDir: a.cache, Scale: f.scale, Only: f.only,
		Peers: f.peers, PeersPython: f.peersPython,
		Progress: func(step string) { a.notef("measuring %s\n", step) },
	})
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	if err := a.printReport(report, f); err != nil {
		return err
	}
	if missed := report.Missed(); f.strict && len(missed) > 0 {
		return fault.Newf(fault.ResourceExhausted, "%d figures miss their targets: %v", len(missed), missed)
	}
	return nil
}

func (a *app) printReport(report bench.Report, f benchFlags) error {
	if f.out != "" {
		if err := writeJSON(f.out, report.Flat()); err != nil {
			return err
		}
	}
	if f.json {
		return a.json(report.Flat())
	}
	a.printf("%s\n", report.Machine)
	return report.WriteTable(a.Out) //nolint:wrapcheck // says it all
}
