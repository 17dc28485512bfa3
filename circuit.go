package dspool

import (
	"context"
	"iter"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/breaker"
	"github.com/dspool/dspool/internal/feed"
)

// CircuitState is what a circuit does with calls.
type CircuitState string

// The states of a circuit.
const (
	// CircuitStateClosed: every call is let through.
	CircuitStateClosed CircuitState = "closed"
	// CircuitStateOpen: calls are refused with unavailable until a pause is over.
	CircuitStateOpen CircuitState = "open"
	// CircuitStateHalfOpen: a few calls are let through to see how it goes.
	CircuitStateHalfOpen CircuitState = "half_open"
)

// A CircuitChange is a move of a circuit from one state to another.
type CircuitChange struct {
	// Name is that of the circuit.
	Name     string
	From, To CircuitState
	At       time.Time
	// Err is the failure that opened it, nil for any other change.
	Err *fault.Error
	// Pause is how long it stays open, 0 unless it opened.
	Pause time.Duration
	// Manual tells that [Circuit.Trip] or [Circuit.Reset] did it.
	Manual bool
}

// CircuitStatus is a moment's view of a circuit.
type CircuitStatus struct {
	Name  string       `json:"name"`
	State CircuitState `json:"state"`
	// Since is when it took that state, zero if it never changed.
	Since time.Time `json:"since"`
	// Streak is the number of failures in a row.
	Streak int `json:"streak"`
	// RetryAfter is how long the circuit stays open. At 0 an open circuit
	// becomes half-open with the next call.
	RetryAfter time.Duration `json:"retry_after"`
	// Probing is how many probes run, Proved how many went well.
	Probing int `json:"probing"`
	Proved  int `json:"proved"`
	// Successes and Failures are the calls that counted, Refused those that
	// were not let through.
	Successes int64 `json:"successes"`
	Failures  int64 `json:"failures"`
	Refused   int64 `json:"refused"`
	// Opened and Closed are how often it did so, by hand included; Probes are
	// the calls that were let through to see how it goes.
	Opened int64 `json:"opened"`
	Closed int64 `json:"closed"`
	Probes int64 `json:"probes"`
	// LastError is the last failure that counted, "" for none.
	LastError string `json:"last_error,omitempty"`
}

// A Circuit is the state of a circuit breaker. Any number of [Breaker]s may
// share one. Safe for concurrent use.
type Circuit struct {
	cfg    BreakerConfig
	core   *breaker.Circuit
	events feed.Feed[PoolEvent]
}

// NewCircuit returns a closed circuit.
func NewCircuit(config BreakerConfig) (*Circuit, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	return newCircuit(config), nil
}

// newCircuit makes a circuit of a configuration that was checked.
func newCircuit(config BreakerConfig) *Circuit {
	c := &Circuit{cfg: config.withDefaults()}
	c.core = breaker.New(c.cfg.core(c.changed))
	return c
}

// Name is what the circuit is called.
func (c *Circuit) Name() string { return c.cfg.Name }

// State is what it does with calls.
func (c *Circuit) State() CircuitState { return circuitState(c.core.State()) }

// Trip opens the circuit by hand for the given time, 0 being its own Pause.
func (c *Circuit) Trip(pause time.Duration) { c.core.Trip(max(pause, 0), nil) }

// Reset closes the circuit by hand and forgets the failures that it counted.
func (c *Circuit) Reset() { c.core.Reset() }

// RecordSuccess counts a success that did not come through a [Breaker].
func (c *Circuit) RecordSuccess() { c.core.Success() }

// RecordFailure counts a failure that did not come through a [Breaker],
// whatever its code. [Circuit.Record] looks at the code.
func (c *Circuit) RecordFailure(err error) { c.core.Failure(err) }

// Record counts the outcome of a call as a [Breaker] would: by the error
// matrix, nil being a success.
func (c *Circuit) Record(err error) {
	switch c.verdict(err) {
	case fault.VerdictSound:
		c.core.Success()
	case fault.VerdictFailed, fault.VerdictDown:
		c.core.Failure(err)
	case fault.VerdictNothing:
	}
}

// Status returns the numbers of this moment. It changes nothing.
func (c *Circuit) Status() CircuitStatus {
	s := c.core.Snapshot()
	status := CircuitStatus{
		Name: c.cfg.Name, State: circuitState(s.State), Since: s.Since, Streak: s.Streak, RetryAfter: s.Left,
		Probing: s.Probing, Proved: s.Proved, Successes: s.Successes, Failures: s.Failures, Refused: s.Refused,
		Opened: s.Opened, Closed: s.Closed, Probes: s.Probes,
	}
	if s.Cause != nil {
		status.LastError = s.Cause.Error()
	}
	return status
}

// Events returns what happens to the circuit from now on, as [Pool.Events]
// does. It ends when ctx ends or the loop is left.
func (c *Circuit) Events(ctx context.Context) iter.Seq[PoolEvent] { return readEvents(ctx, &c.events) }

// verdict is what an outcome says about the Runner.
func (c *Circuit) verdict(err error) fault.Verdict {
	if err == nil {
		return fault.VerdictSound
	}
	f := fault.From(err)
	if f.Code == fault.DeadlineExceeded && c.cfg.IgnoreDeadlines {
		return fault.VerdictNothing
	}
	return f.Class().Verdict
}

// settle counts a call that was let through.
func (c *Circuit) settle(pass breaker.Pass, err error) {
	switch c.verdict(err) {
	case fault.VerdictSound:
		pass.Success()
		c.tell(CircuitSuccess, err)
	case fault.VerdictFailed, fault.VerdictDown:
		pass.Failure(err)
		c.tell(CircuitFailure, err)
	case fault.VerdictNothing:
		pass.Ignore()
	}
}

// tell publishes how a call went, if anybody listens.
func (c *Circuit) tell(kind PoolEventKind, err error) {
	if c.events.Heard() {
		c.events.Publish(PoolEvent{Kind: kind, At: time.Now(), Name: c.cfg.Name, Err: fault.From(err), Severity: severity(err, false)})
	}
}

// changed passes a change on.
func (c *Circuit) changed(change breaker.Change) {
	if c.events.Heard() {
		c.events.Publish(circuitEvent(c.cfg.Name, change))
	}
	if c.cfg.OnChange != nil {
		c.cfg.OnChange(CircuitChange{
			Name: c.cfg.Name, From: circuitState(change.From), To: circuitState(change.To), At: change.At,
			Err: fault.From(change.Cause), Pause: change.Pause, Manual: change.Manual,
		})
	}
}

func circuitEvent(name string, change breaker.Change) PoolEvent {
	ev := PoolEvent{At: change.At, Name: name, Err: fault.From(change.Cause), Took: change.Pause, Severity: severity(change.Cause, true)}
	switch change.To {
	case breaker.Open:
		ev.Kind = CircuitOpened
	case breaker.HalfOpen:
		ev.Kind = CircuitHalfOpened
	case breaker.Closed:
		ev.Kind = CircuitClosed
	}
	if change.Manual {
		ev.Reason = "by hand"
	}
	return ev
}

// refused is the error of a call that is not let through.
func (c *Circuit) refused(after time.Duration) *fault.Error {
	status := c.Status()
	err := fault.Newf(fault.Unavailable, "the circuit %q is %s and lets no call through: come back later", c.cfg.Name, status.State).
		WithStarted(fault.StartedNo)
	err.RetryAfter = after
	err.Details = map[string]string{"circuit": c.cfg.Name, "state": string(status.State)}
	if status.LastError != "" {
		err.Details["last_error"] = status.LastError
	}
	return err
}

func circuitState(s breaker.State) CircuitState { return CircuitState(s.String()) }

// severity is how bad an error is at the first attempt, "" for none.
func severity(err error, everybody bool) fault.Severity {
	if err == nil {
		return ""
	}
	return fault.ClassOf(fault.CodeOf(err)).SeverityAt(1, everybody)
}
