package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// checkStatus is how a check of `dspool doctor` came out.
type checkStatus string

const (
	checkOK   checkStatus = "ok"
	checkWarn checkStatus = "warn" // works, but something is missing or odd
	checkFail checkStatus = "fail" // pools do not work
)

// check is one finding of `dspool doctor`.
type check struct {
	Name   string      `json:"name"`
	Status checkStatus `json:"status"`
	// Found is what there is; Advice what to do about it, "" when all is well.
	Found  string `json:"found"`
	Advice string `json:"advice,omitempty"`
}

func okay(name, format string, args ...any) check {
	return check{Name: name, Status: checkOK, Found: fmt.Sprintf(format, args...)}
}

func warn(name, found, advice string) check {
	return check{Name: name, Status: checkWarn, Found: found, Advice: advice}
}

func fail(name, found, advice string) check {
	return check{Name: name, Status: checkFail, Found: found, Advice: advice}
}

// doctorReport is what `dspool doctor --json` prints.
type doctorReport struct {
	Status  checkStatus `json:"status"`
	Version string      `json:"version"`
	Checks  []check     `json:"checks"`
}

// worst is the status of the whole: that of the worst check.
func worst(checks []check) checkStatus {
	status := checkOK
	for _, c := range checks {
		switch {
		case c.Status == checkFail:
			return checkFail
		case c.Status == checkWarn:
			status = checkWarn
		}
	}
	return status
}

func newDoctorCommand(a *app) *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check this machine and say how to mend what is wrong",
		Long: "Checks Python, the environment, the limits of this machine and a pool for real: a fork server, a worker, a call,\n" +
			"and the language model if one is configured. Ends with code 1 if a check failed; warnings do not count.",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			checks := a.examine(cmd.Context())
			report := doctorReport{Status: worst(checks), Version: moduleVersion(), Checks: checks}
			return a.diagnosis(report, asJSON)
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print as JSON")
	return cmd
}

// diagnosis prints the report. A failed check is the command's failure.
func (a *app) diagnosis(report doctorReport, asJSON bool) error {
	var err error
	if asJSON {
		err = a.json(report)
	} else {
		err = a.checkTable(report)
	}
	if err == nil && report.Status == checkFail {
		return silentError{ExitFailure}
	}
	return err
}

func (a *app) checkTable(report doctorReport) error {
	table := a.table()
	for _, c := range report.Checks {
		fmt.Fprintf(table, "%s\t%s\t%s\n", c.Status, c.Name, c.Found)
		if c.Advice != "" {
			fmt.Fprintf(table, "\t\t-> %s\n", c.Advice)
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	a.printf("\n%s\n", map[checkStatus]string{
		checkOK:   "All is well.",
		checkWarn: "No check failed; see the warnings above.",
		checkFail: "Pools do not work yet: see what failed above.",
	}[report.Status])
	return nil
}
