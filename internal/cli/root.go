package cli

import (
	"github.com/spf13/cobra"
)

// commands lists every command of the binary, in the order of the help page.
func commands(a *app) []*cobra.Command {
	return []*cobra.Command{
		newEnvCommand(a),
		newDoctorCommand(a),
		newDemoCommand(a),
		newRunCommand(a),
		newPracticeCommand(a),
		newBenchCommand(a),
		newChaosCommand(a),
		newSoakCommand(a),
		newFloorCommand(),
		newBenchPracticeCommand(a),
		newWorkerCommand(),
		newVersionCommand(a),
		newExitCodesTopic(),
	}
}

// Root returns the command tree, bound to the given streams. It keeps state of
// one run: make a new one for each.
func Root(streams IO) *cobra.Command {
	return newRoot(&app{IO: streams})
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "dspool",
		Short: "Run DSPy programs on a pool of supervised Python workers",
		Long: "dspool runs DSPy programs, and Python functions, on a pool of supervised Python workers.\n" +
			"Try `dspool demo`, and `dspool doctor` when something does not work.",
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Err)
	a.flags(root.PersistentFlags())
	root.AddCommand(commands(a)...)
	root.InitDefaultCompletionCmd()
	a.watch(root)
	return root
}

func showHelp(cmd *cobra.Command, _ []string) error { return cmd.Help() }
