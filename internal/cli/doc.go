// Package cli holds the commands of the dspool binary.
//
// A command is a function newXCommand(app) that returns a *cobra.Command and
// is listed once, in [commands]. It reads and writes through app only, takes
// its context from cmd.Context(), and returns an error instead of exiting:
// [ExitCode] turns that error into the exit code of the process. Errors about
// how the command was typed have the code fault.InvalidArgument.
package cli
