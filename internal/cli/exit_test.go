package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/dspool/dspool/fault"
)

func TestExitCodeFollowsFromTheErrorsCode(t *testing.T) {
	t.Parallel()
	special := map[fault.Code]int{
		fault.InvalidArgument:   ExitUsage,
		fault.Unavailable:       ExitEnvironment,
		fault.ResourceExhausted: ExitEnvironment,
		fault.Canceled:          ExitInterrupted,
	}
	for _, code := range fault.Codes() {
		want, ok := special[code]
		switch {
		case strings.HasPrefix(string(code), "lm_"):
			want = ExitLM
		case !ok:
			want = ExitFailure
		}
		if got := ExitCode(fmt.Errorf("x: %w", fault.New(code, "y"))); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
	if ExitCode(nil) != ExitOK || ExitCode(errors.New("x")) != ExitFailure || ExitCode(silentError{7}) != 7 {
		t.Error("no error, a foreign error or a silent one has the wrong code")
	}
}

// Scripts rely on the codes, people on the page: both have to say the same.
func TestDocumentationNamesEveryExitCodeAndCommand(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../docs/CLI.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range exitCodes() {
		if row := fmt.Sprintf("| %d | %s |", c.code, c.meaning); !strings.Contains(string(page), row) {
			t.Errorf("docs/CLI.md lacks %s", row)
		}
	}
	for _, path := range paths(Root(IO{})) {
		if !strings.Contains(string(page), "`"+path) {
			t.Errorf("docs/CLI.md lacks %s", path)
		}
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	t.Parallel()
	var walk func(cmd *cobra.Command)
	walk = func(cmd *cobra.Command) {
		if cmd.Short == "" && !cmd.Hidden {
			t.Errorf("%s has no short text", cmd.CommandPath())
		}
		if cmd.RunE == nil && cmd.Run == nil && !cmd.IsAdditionalHelpTopicCommand() {
			t.Errorf("%s does nothing", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(Root(IO{}))
}

// paths returns the commands that do something, as they are typed.
func paths(cmd *cobra.Command) []string {
	var all []string
	for _, sub := range cmd.Commands() {
		switch {
		case sub.Hidden || sub.Name() == "help" || sub.IsAdditionalHelpTopicCommand():
		case sub.HasSubCommands() && sub.Name() != "completion":
			all = append(all, paths(sub)...)
		default:
			all = append(all, sub.CommandPath())
		}
	}
	return all
}
