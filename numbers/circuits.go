package numbers

import "github.com/dspool/dspool"

// Circuits is the table of all circuits of a registry, also of those that are
// made later, with the label `circuit` for the name of each.
func Circuits(circuits *dspool.Circuits) Table { return tabled(circuits.Status, circuitRows()) }

// Breakers is the table of single circuits; that of a [dspool.Breaker] is its
// Circuit. The names must differ.
func Breakers(circuits ...*dspool.Circuit) (Table, error) {
	if err := unlike("circuits", circuits, (*dspool.Circuit).Name); err != nil {
		return Table{}, err
	}
	view := func() []dspool.CircuitStatus { return read(circuits, (*dspool.Circuit).Status) }
	return tabled(view, circuitRows()), nil
}

func circuitRows() []row[[]dspool.CircuitStatus] {
	return []row[[]dspool.CircuitStatus]{
		each(Family{Name: "dspool.circuit.state", Type: Gauge, Unit: Truth, Labels: []string{"circuit", "state"}, Help: "1 for the state that a circuit is in, 0 for the others."},
			func(st *dspool.CircuitStatus, out Sink) {
				for _, state := range []dspool.CircuitState{dspool.CircuitStateClosed, dspool.CircuitStateOpen, dspool.CircuitStateHalfOpen} {
					out.Put(truth(st.State == state), st.Name, string(state))
				}
			}),
		each(Family{Name: "dspool.circuit.calls_total", Type: Counter, Unit: "calls", Labels: []string{"circuit", "result"}, Help: "Calls that counted, by how they went, and those that were refused."},
			func(st *dspool.CircuitStatus, out Sink) {
				out.Put(float64(st.Successes), st.Name, "success")
				out.Put(float64(st.Failures), st.Name, "failure")
				out.Put(float64(st.Refused), st.Name, "refused")
			}),
		circuitRow("opened_total", Counter, "openings", "Times that a circuit opened.", func(st *dspool.CircuitStatus) float64 { return float64(st.Opened) }),
		circuitRow("closed_total", Counter, "closings", "Times that a circuit closed again.", func(st *dspool.CircuitStatus) float64 { return float64(st.Closed) }),
		circuitRow("probes_total", Counter, "probes", "Calls that were let through to see how it goes.", func(st *dspool.CircuitStatus) float64 { return float64(st.Probes) }),
		circuitRow("probing", Gauge, "probes", "Probes that run.", func(st *dspool.CircuitStatus) float64 { return float64(st.Probing) }),
		circuitRow("streak", Gauge, "failures", "Failures in a row.", func(st *dspool.CircuitStatus) float64 { return float64(st.Streak) }),
		circuitRow("retry_after_seconds", Gauge, Seconds, "How long a circuit stays open, 0 if it lets calls or probes through.", func(st *dspool.CircuitStatus) float64 { return st.RetryAfter.Seconds() }),
	}
}

func circuitRow(name string, kind Type, unit, help string, value func(*dspool.CircuitStatus) float64) row[[]dspool.CircuitStatus] {
	f := Family{Name: "dspool.circuit." + name, Type: kind, Unit: unit, Labels: []string{"circuit"}, Help: help}
	return each(f, func(st *dspool.CircuitStatus, out Sink) { out.Put(value(st), st.Name) })
}
