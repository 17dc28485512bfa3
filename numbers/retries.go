package numbers

import "github.com/dspool/dspool"

// Retries is the table of repetitions, with the label `retry` for the name of
// each [dspool.Retry]. The names must differ.
func Retries(retries ...*dspool.Retry) (Table, error) {
	if err := unlike("retries", retries, func(r *dspool.Retry) string { return r.Status().Name }); err != nil {
		return Table{}, err
	}
	view := func() []dspool.RetryStatus { return read(retries, (*dspool.Retry).Status) }
	return tabled(view, retryRows()), nil
}

func retryRows() []row[[]dspool.RetryStatus] {
	return []row[[]dspool.RetryStatus]{
		retryCounter("calls", "calls", "Calls that came to a retry.", func(st *dspool.RetryStatus) int64 { return st.Calls }),
		retryCounter("failed", "calls", "Calls that failed in the end.", func(st *dspool.RetryStatus) int64 { return st.Failed }),
		retryCounter("series", "calls", "Calls that were repeated, once or more.", func(st *dspool.RetryStatus) int64 { return st.Series }),
		retryCounter("repeated", "repetitions", "Repetitions of calls.", func(st *dspool.RetryStatus) int64 { return st.Repeated }),
		retryCounter("recovered", "calls", "Calls that went well after a repetition.", func(st *dspool.RetryStatus) int64 { return st.Recovered }),
		each(Family{Name: "dspool.retry.given_up_total", Type: Counter, Unit: "calls", Labels: []string{"retry", "reason"}, Help: "Calls that were not repeated, or not again, though their error allows it, by why."}, gaveUp),
		retryGauge("running_calls", "calls", "Calls that are in repetition.", func(st *dspool.RetryStatus) float64 { return float64(len(st.Running)) }),
		retryGauge("budget", "repetitions", "How many repetitions there is room for, -1 for no limit.", func(st *dspool.RetryStatus) float64 { return st.Budget }),
		retryGauge("success_ratio", Ratio, "The part of all calls that has not failed.", func(st *dspool.RetryStatus) float64 { return st.SuccessRate }),
		retryGauge("recovery_ratio", Ratio, "The part of all repeated calls that went well.", func(st *dspool.RetryStatus) float64 { return st.RecoveryRate }),
	}
}

func gaveUp(st *dspool.RetryStatus, out Sink) {
	for _, r := range []struct {
		reason string
		n      int64
	}{
		{"exhausted", st.Exhausted},
		{"late", st.Late},
		{"throttled", st.Throttled},
		{"crowded", st.Crowded},
		{"canceled", st.Canceled},
	} {
		out.Put(float64(r.n), st.Name, r.reason)
	}
}

func retryCounter(name, unit, help string, value func(*dspool.RetryStatus) int64) row[[]dspool.RetryStatus] {
	f := Family{Name: "dspool.retry." + name + "_total", Type: Counter, Unit: unit, Labels: []string{"retry"}, Help: help}
	return each(f, func(st *dspool.RetryStatus, out Sink) { out.Put(float64(value(st)), st.Name) })
}

func retryGauge(name, unit, help string, value func(*dspool.RetryStatus) float64) row[[]dspool.RetryStatus] {
	f := Family{Name: "dspool.retry." + name, Type: Gauge, Unit: unit, Labels: []string{"retry"}, Help: help}
	return each(f, func(st *dspool.RetryStatus, out Sink) { out.Put(value(st), st.Name) })
}
