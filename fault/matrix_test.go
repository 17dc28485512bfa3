package fault_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"github.com/dspool/dspool/fault"
)

// row is a class as docs/ERRORS.md writes it.
func row(code fault.Code) string {
	c := fault.ClassOf(code)
	return fmt.Sprintf("| `%s` | %s | %s | %s | %d | %s | %s | %s |",
		code, c.Category, c.Severity, c.Strategy, c.Retries, c.Pace, c.Verdict, c.Cascade)
}

// The matrix that is documented is the one that is used. CHK-123
func TestTheDocumentedMatrixIsTheOneInUse(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/ERRORS.md")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("(?m)^\\| `[a-z_]+` \\|.*$")
	documented := line.FindAllString(string(page), -1)
	var used []string
	for _, code := range fault.Codes() {
		used = append(used, row(code))
	}
	for _, want := range used {
		if !slices.Contains(documented, want) {
			t.Errorf("docs/ERRORS.md lacks this line:\n%s", want)
		}
	}
	for _, got := range documented {
		if !slices.Contains(used, got) {
			t.Errorf("docs/ERRORS.md has a line that is not so:\n%s", got)
		}
	}
}

// Every code is in the table: only internal may be what an unknown code is.
// CHK-123
func TestEveryCodeHasALineOfItsOwn(t *testing.T) {
	t.Parallel()
	unknown := fault.ClassOf("no_such_code")
	for _, code := range fault.Codes() {
		class := fault.ClassOf(code)
		if class == unknown && code != fault.Internal {
			t.Errorf("%s has no line in the matrix: enter it into ClassOf and docs/ERRORS.md", code)
		}
		if (class.Retries > 0) != (class.Pace != fault.PaceNone) {
			t.Errorf("%s: %d repetitions at the pace %q", code, class.Retries, class.Pace)
		}
	}
	if unknown != fault.ClassOf(fault.Internal) {
		t.Error("an unknown code is not treated as internal")
	}
}

// What the matrix promised first: category, severity, strategy, repetitions
// and pace of the areas that have kept theirs. CHK-123
func TestTheMatrixKeepsThePromisedLines(t *testing.T) {
	t.Parallel()
	for code, want := range map[fault.Code]string{
		fault.Unavailable:        "initialization critical circuit_break 3 exponential",
		fault.WorkerCrashed:      "connection major backoff 5 exponential",
		fault.Protocol:           "communication major immediate 3 linear",
		fault.QueueTimeout:       "timeout major backoff 2 exponential",
		fault.WorkerUnresponsive: "health_check minor backoff 3 linear",
		fault.Internal:           "system critical abandon 0 none",
	} {
		c := fault.ClassOf(code)
		got := fmt.Sprint(c.Category, " ", c.Severity, " ", c.Strategy, " ", c.Retries, " ", c.Pace)
		if got != want {
			t.Errorf("%s: %s, want %s", code, got, want)
		}
	}
}

// A program's own error, bad input and a caller who left never count against a
// Runner and never go to another one.
func TestWhatIsNotTheRunnersFaultNeitherCountsNorCascades(t *testing.T) {
	t.Parallel()
	for _, code := range []fault.Code{fault.InvalidArgument, fault.NotFound, fault.Canceled, fault.ProgramError, fault.OutputInvalid} {
		c := fault.ClassOf(code)
		if c.Verdict == fault.VerdictFailed || c.Verdict == fault.VerdictDown || c.Cascade != fault.CascadeNever || c.Retries != 0 {
			t.Errorf("%s: %+v", code, c)
		}
	}
}

// CHK-123
func TestSeverityRises(t *testing.T) {
	t.Parallel()
	tests := []struct {
		code      fault.Code
		attempt   int
		everybody bool
		want      fault.Severity
	}{
		{fault.WorkerUnresponsive, 1, false, fault.SeverityMinor},
		{fault.WorkerUnresponsive, 3, false, fault.SeverityMinor},
		{fault.WorkerUnresponsive, 4, false, fault.SeverityMajor},
		{fault.WorkerUnresponsive, 1, true, fault.SeverityMajor},
		{fault.WorkerCrashed, 4, false, fault.SeverityCritical},
		{fault.WorkerCrashed, 1, true, fault.SeverityCritical},
		{fault.Unavailable, 9, true, fault.SeverityCritical},
	}
	for _, tt := range tests {
		if got := fault.ClassOf(tt.code).SeverityAt(tt.attempt, tt.everybody); got != tt.want {
			t.Errorf("%s at attempt %d, everybody %v: %s, want %s", tt.code, tt.attempt, tt.everybody, got, tt.want)
		}
	}
}

func TestRepeatableAsksTheProgramOnlyWhereItMatters(t *testing.T) {
	t.Parallel()
	began := fault.New(fault.WorkerCrashed, "x").WithStarted(fault.StartedYes)
	if began.Repeatable(false) || !began.Repeatable(true) {
		t.Error("a call that began is for idempotent programs only")
	}
	if fault.New(fault.ProgramError, "x").Repeatable(true) {
		t.Error("a program's own error does not go away by itself")
	}
}

// The trouble of one session is nobody else's.
func TestAFailureOfOneSessionSaysNothingAboutTheRunner(t *testing.T) {
	t.Parallel()
	err := fault.New(fault.Unavailable, "it is being ended")
	if err.Class() != fault.ClassOf(fault.Unavailable) {
		t.Error("the class of an error is not that of its code")
	}
	err.Details = map[string]string{fault.DetailSession: "s1"}
	if c := err.Class(); c.Verdict != fault.VerdictNothing || c.Cascade != fault.CascadeNever || c.Retries == 0 {
		t.Errorf("%+v", c)
	}
}
