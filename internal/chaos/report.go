package chaos

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/dspool/dspool/fault"
)

// A Report is what became of the calls. Every call is counted once: as ok, as
// a typed error, or as one of the kinds that must not be.
type Report struct {
	Calls int64 `json:"calls"`
	// OK were answered rightly. TypedErrors failed with an error that says what
	// happened and, truthfully, whether the call had begun.
	OK          int64 `json:"ok"`
	TypedErrors int64 `json:"typed_errors"`
	// Lost ended in no answer and no error that means anything.
	Lost int64 `json:"lost"`
	// Wrong were answered wrongly, or ran although their error says that they
	// had not begun, or ran twice without being idempotent, or were answered
	// without having run.
	Wrong int64 `json:"wrong"`
	// Hung did not return by their deadline.
	Hung int64 `json:"hung"`
	// Orphans are processes that were there after the pool had stopped.
	Orphans     int     `json:"orphans"`
	SuccessRate float64 `json:"success_rate"`
	// RecoveryP99 is how long, in milliseconds, the pool was below full strength
	// after a loss in 99 of 100 cases, 0 without a loss.
	RecoveryP99 float64 `json:"recovery_p99_ms"`
}

// Details are what a Report sums up, and how the run was.
type Details struct {
	Report

	When     string  `json:"when"`
	Machine  string  `json:"machine"`
	Seconds  float64 `json:"seconds"`
	Workers  int     `json:"workers"`
	Callers  int     `json:"callers"`
	PerS     float64 `json:"calls_per_s"`
	Bound    float64 `json:"success_bound"`
	Kills    int64   `json:"kills"`
	Freezes  int64   `json:"freezes"`
	ForkKill int64   `json:"fork_server_kills"`
	Swaps    int64   `json:"swaps"`
	// FailedSwaps are swaps that failed; no call is to suffer from one.
	FailedSwaps int64 `json:"failed_swaps"`
	// Answers, Untruthful, Twice and Unrun are the parts of Wrong, in the order
	// of its comment.
	Answers    int64 `json:"wrong_answers"`
	Untruthful int64 `json:"untruthful_errors"`
	Twice      int64 `json:"run_twice"`
	Unrun      int64 `json:"answered_without_running"`
	// Executions are all that left a trace; Again of them were repetitions.
	Executions int64 `json:"executions"`
	Again      int64 `json:"executed_again"`
	// Errors counts the typed errors by code.
	Errors map[fault.Code]int64 `json:"errors"`
	// First is the first of each, in words.
	First map[fault.Code]string `json:"first_errors"`
	// Recoveries is how often full strength was reached again.
	Recoveries int `json:"recoveries"`
}

// A Tally is what has been counted at some moment of a run.
type Tally struct {
	At                     time.Duration
	Calls, OK, TypedErrors int64
	Kills                  int64
}

// Problems says what must not be and is, nil if nothing.
func (d Details) Problems() []string {
	var list []string
	for _, p := range []struct {
		n    int64
		what string
	}{
		{d.Lost, "calls were lost"},
		{d.Answers, "answers were wrong"},
		{d.Untruthful, "errors said that a call had not begun which had"},
		{d.Twice, "calls ran twice"},
		{d.Unrun, "calls were answered without having run"},
		{d.Hung, "calls did not return by their deadline"},
		{int64(d.Orphans), "processes were left"},
		{d.FailedSwaps, "swaps failed"},
	} {
		if p.n > 0 {
			list = append(list, fmt.Sprintf("%d %s", p.n, p.what))
		}
	}
	if d.SuccessRate < d.Bound {
		list = append(list, fmt.Sprintf("%.6f of the calls were answered, and %.6f had to be", d.SuccessRate, d.Bound))
	}
	return list
}

// WriteTable writes the report for people.
func (r Report) WriteTable(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, row := range []struct {
		name  string
		value any
	}{
		{"calls", r.Calls},
		{"ok", r.OK},
		{"typed_errors", r.TypedErrors},
		{"lost", r.Lost},
		{"wrong", r.Wrong},
		{"hung", r.Hung},
		{"orphans", r.Orphans},
		{"success_rate", fmt.Sprintf("%.6f", r.SuccessRate)},
		{"recovery_p99_ms", fmt.Sprintf("%.1f", r.RecoveryP99)},
	} {
		fmt.Fprintf(t, "%s\t%v\t\n", row.name, row.value)
	}
	return t.Flush() //nolint:wrapcheck // says it all
}

// p99 is the time that 99 of 100 did not exceed, in milliseconds.
func p99(all []time.Duration) float64 {
	if len(all) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(all))
	return float64(sorted[min(len(sorted)-1, len(sorted)*99/100)]) / float64(time.Millisecond)
}
