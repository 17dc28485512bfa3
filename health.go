package dspool

import (
	"encoding/json"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/health"
)

// Defaults of Health. Together they find a worker that is frozen in less than
// five seconds: at most one interval until the check, and three timeouts.
const (
	HealthIntervalDefault = time.Second
	HealthTimeoutDefault  = time.Second
	HealthFailuresDefault = 3
	HealthBusyMaxDefault  = time.Minute
	HealthLagMaxDefault   = 500 * time.Millisecond
)

// Health says how workers are checked. A check asks two things at once: does the
// worker's event loop answer, and does a call on the way of every call come
// back. After one check that fails the worker is degraded: it takes no new calls,
// others get them, and if there are no others the calls wait. One that passes
// takes it back into service. After Failures in a row it is replaced: killed if
// its event loop does not answer, otherwise drained once its replacement is up.
//
// A worker that user code keeps from answering is degraded, but not killed: it
// counts as busy while calls are in flight and its process uses the processor,
// see BusyMax.
type Health struct {
	// Interval is the time between two checks of a worker, give or take a
	// tenth. Defaults to 1 s, -1 turns checks off, except those that
	// [Pool.Health] makes.
	Interval time.Duration
	// DegradedInterval is the same for a worker that has failed its last check.
	// Defaults to half of Interval.
	DegradedInterval time.Duration
	// Timeout is how long the answers may take. Defaults to 1 s.
	Timeout time.Duration
	// Failures is after how many failed checks in a row a worker is replaced.
	// Defaults to 3.
	Failures int
	// BusyMax is how long a worker may give no answer although it is known to
	// be at work. Defaults to 1 min, -1 is without limit. What a worker does is
	// known on Linux only; elsewhere one that gives no answer counts as frozen,
	// and Timeout has to be longer than user code holds the interpreter.
	BusyMax time.Duration
	// LagMax is how late a worker's event loop may be before the condition
	// [LoopLagHigh] is raised. Defaults to 500 ms, -1 is never.
	LagMax time.Duration
	// Probe is what checks call, with Input, instead of a function that does
	// nothing: for programs that need something that can be missing, such as a
	// model or a database. An error, and an answer that does not fit its
	// signature, fails the check. It takes none of the places that calls have,
	// runs beside them, and must not be Exclusive. Keep it cheap: it runs once
	// each Interval in every worker.
	Probe *Spec
	// Input is the input of Probe, a JSON object.
	Input json.RawMessage
}

func (h Health) withDefaults() Health {
	h.Interval = or(h.Interval, HealthIntervalDefault)
	h.DegradedInterval = or(h.DegradedInterval, max(h.Interval/2, time.Nanosecond))
	h.Timeout = or(h.Timeout, HealthTimeoutDefault)
	h.Failures = or(h.Failures, HealthFailuresDefault)
	h.BusyMax = or(h.BusyMax, HealthBusyMaxDefault)
	h.LagMax = or(h.LagMax, HealthLagMaxDefault)
	return h
}

func (h Health) check(k *checker) {
	orOff := func(name string, d time.Duration) {
		k.must(d > 0 || d == -1, name, "must be -1 (off) or positive, got %s", d)
	}
	orOff("Health.Interval", h.Interval)
	orOff("Health.BusyMax", h.BusyMax)
	orOff("Health.LagMax", h.LagMax)
	k.must(h.DegradedInterval > 0, "Health.DegradedInterval", "must be positive, got %s", h.DegradedInterval)
	k.must(h.Timeout > 0, "Health.Timeout", "must be positive, got %s", h.Timeout)
	k.must(h.Failures >= 1, "Health.Failures", "must be at least 1, got %d", h.Failures)
	if h.Probe == nil {
		k.must(len(h.Input) == 0, "Health.Input", "has no meaning without Health.Probe")
		return
	}
	k.must(!h.Probe.Exclusive, "Health.Probe", "must not be exclusive: it runs beside the calls")
	if _, _, err := h.Probe.Definition(); err != nil {
		k.must(false, "Health.Probe", "%s", fault.From(err).Message)
	} else if _, err := h.Probe.CheckInput(h.Input); err != nil {
		k.must(false, "Health.Input", "%s", fault.From(err).Message)
	}
	var object map[string]json.RawMessage
	k.must(len(h.Input) == 0 || json.Unmarshal(h.Input, &object) == nil, "Health.Input", "must be a JSON object")
}

// monitor is what the monitor is told.
func (h Health) monitor() health.Config {
	return health.Config{
		Interval: off(h.Interval), DegradedInterval: h.DegradedInterval, Timeout: h.Timeout,
		Failures: h.Failures, BusyMax: off(h.BusyMax),
	}
}
