package cli

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/dspool/dspool/fault"
)

// Exit codes of the binary. They are a promise to scripts: see docs/CLI.md.
const (
	ExitOK          = 0
	ExitFailure     = 1
	ExitUsage       = 2
	ExitEnvironment = 3
	ExitLM          = 4
	ExitInterrupted = 130
	ExitTerminated  = 143
)

type exitCode struct {
	code    int
	meaning string
}

func exitCodes() []exitCode {
	return []exitCode{
		{ExitOK, "everything that was asked for was done"},
		{ExitFailure, "the program or the call failed, or a check of `dspool doctor` did"},
		{ExitUsage, "the command line or the input is wrong: unknown command or flag, bad signature, wrong type"},
		{ExitEnvironment, "no worker could be started: no Python, the environment could not be built, a limit was hit"},
		{ExitLM, "the language model failed: not configured, key refused, rate limit, timeout, server error"},
		{ExitInterrupted, "interrupted (Ctrl-C)"},
		{ExitTerminated, "terminated (SIGTERM)"},
	}
}

func newExitCodesTopic() *cobra.Command {
	var b strings.Builder
	b.WriteString("dspool ends with one of these codes:\n\n")
	for _, c := range exitCodes() {
		fmt.Fprintf(&b, "  %3d  %s\n", c.code, c.meaning)
	}
	return &cobra.Command{Use: "exit-codes", Short: "What the exit codes mean", Long: b.String()}
}

// silentError ends the process with a code and prints nothing: the command has
// already said everything.
type silentError struct{ code int }

func (e silentError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// ExitCode returns the exit code for the error that a command returned. It
// follows from the error's fault.Code; an error that is no *fault.Error is a
// failure.
func ExitCode(err error) int {
	var silent silentError
	if errors.As(err, &silent) {
		return silent.code
	}
	code := fault.CodeOf(err)
	switch {
	case err == nil:
		return ExitOK
	case strings.HasPrefix(string(code), "lm_"):
		return ExitLM
	case code == fault.InvalidArgument:
		return ExitUsage
	case code == fault.Unavailable, code == fault.ResourceExhausted:
		return ExitEnvironment
	case code == fault.Canceled:
		return ExitInterrupted
	default:
		return ExitFailure
	}
}
