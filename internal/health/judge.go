package health

import (
	"fmt"
	"time"
)

// An action is what a check leads to.
type action uint8

const (
	nothing action = iota
	degrade
	restore
	replace
	giveUp
)

// busyShare is the part of one processor that a process uses at least if it is
// at work: well above what threads use that only wait for the interpreter.
const busyShare = 20

// A judge turns the results of one worker's checks into actions.
type judge struct {
	cfg      Config
	failures int       // in a row, those excused not counted
	badSince time.Time // when the first check of the row began; zero: the last one passed
	last     Vitals    // as of the last check that failed
	lastAt   time.Time // zero: not known
}

// take takes in the result of a check.
func (j *judge) take(r Result, s Subject) (action, string) {
	if r.Err == nil {
		return j.passed()
	}
	return j.failed(r, s, time.Now())
}

// passed takes in a check that passed.
func (j *judge) passed() (action, string) {
	if j.badSince.IsZero() {
		return nothing, ""
	}
	*j = judge{cfg: j.cfg}
	return restore, "a check passed"
}

// failed takes in a check that did not pass, at the time now.
func (j *judge) failed(r Result, s Subject, now time.Time) (action, string) {
	reason := r.Err.Error()
	first := j.badSince.IsZero()
	if first {
		j.badSince = r.At
	}
	if why := j.excuse(r, s, now); why != "" {
		j.failures = 0
		reason += ": " + why
	} else {
		j.failures++
	}
	switch {
	case j.failures < j.cfg.Failures && first:
		return degrade, reason
	case j.failures < j.cfg.Failures:
		return nothing, ""
	case r.Alive:
		j.failures = 0
		return replace, fmt.Sprintf("%d checks in a row failed, the last one: %s", j.cfg.Failures, reason)
	default:
		return giveUp, fmt.Sprintf("%d checks in a row failed in %s, the last one: %s",
			j.cfg.Failures, now.Sub(j.badSince).Round(time.Millisecond), reason)
	}
}

// excuse says why a failed check is not held against the worker, "" if it is.
func (j *judge) excuse(r Result, s Subject, now time.Time) string {
	before, beforeAt := j.last, j.lastAt
	v, known := s.Vitals()
	if known {
		j.last, j.lastAt = v, now
	}
	busy := s.InFlight() > 0
	switch {
	case j.cfg.BusyMax > 0 && now.Sub(j.badSince) >= j.cfg.BusyMax:
		return ""
	case r.Alive && busy && isLate(r.Err):
		return "its calls keep it busy"
	case !known || v.Stopped:
		return ""
	case v.Waiting:
		return "its process waits for the machine"
	case busy && !beforeAt.IsZero() && (v.CPU-before.CPU)*busyShare >= now.Sub(beforeAt):
		return "a call keeps it from answering"
	default:
		return ""
	}
}
