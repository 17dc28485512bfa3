package dspooltest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/delay"
)

// A Shape is how the rate of a Workload goes over time.
type Shape string

// The shapes. A rate is that of Workload.Rate at its highest.
const (
	// Steady is the same rate all the time.
	Steady Shape = "steady"
	// RampUp grows from nothing to the rate.
	RampUp Shape = "ramp_up"
	// Spike is a tenth of the rate, but for the middle fifth of the time, which
	// has all of it.
	Spike Shape = "spike"
	// Burst makes the calls of each tenth of the time all at once at its
	// beginning.
	Burst Shape = "burst"
)

// A Workload makes calls at a rate, whether or not earlier ones have been
// answered: a Runner that is too slow sees them pile up, as a server does.
type Workload struct {
	Shape Shape
	// Rate is the highest rate in calls a second, For how long it goes on.
	Rate float64
	For  time.Duration
	// Request returns the i-th request. Check, if set, judges its answer.
	Request func(i int) dspool.Request
	Check   func(i int, resp dspool.Response) error
	// Timeout is the deadline of each call. 0: the Runner's own.
	Timeout time.Duration
}

// A LoadReport is what became of a Workload's calls.
type LoadReport struct {
	Calls, OK int
	// Errors counts failed calls by code, Wrong answers that Check refused; First
	// is the first of all these.
	Errors map[fault.Code]int
	Wrong  int
	First  error
	// P50, P99 and Max are of the calls that were answered.
	P50, P99, Max time.Duration
	// Took is the time until the last call had ended, Throughput the answered
	// calls a second.
	Took       time.Duration
	Throughput float64
	// Success is OK divided by Calls.
	Success float64
}

// offsets returns when each call is made, counted from the beginning.
func (w Workload) offsets() []time.Duration {
	const steps = 1000
	var at []time.Duration
	due := 0.0
	step := w.For / steps
	for i := range steps {
		due += w.share(i, steps) * w.Rate * step.Seconds()
		for ; due >= 1; due-- {
			at = append(at, time.Duration(i)*step)
		}
	}
	return at
}

// share is the part of the rate that a step has.
func (w Workload) share(i, steps int) float64 {
	const tenth, fifths = 10, 5
	switch w.Shape {
	case RampUp:
		return float64(i) / float64(steps)
	case Spike:
		if i*fifths/steps == fifths/2 {
			return 1
		}
		return 1.0 / tenth
	case Burst:
		if i%(steps/tenth) == 0 {
			return float64(steps) / tenth
		}
		return 0
	case Steady:
	}
	return 1
}

// Run makes the calls, waits for them, and reports. It ends early with ctx; an
// unknown shape or a workload without calls is invalid_argument.
func (w Workload) Run(ctx context.Context, r dspool.Runner) (LoadReport, error) {
	if !slices.Contains([]Shape{Steady, RampUp, Spike, Burst}, w.Shape) {
		return LoadReport{}, fault.Newf(fault.InvalidArgument, "Workload.Shape: must be %q, %q, %q or %q, got %q", Steady, RampUp, Spike, Burst, w.Shape)
	}
	if w.Rate <= 0 || w.For <= 0 || w.Request == nil {
		return LoadReport{}, fault.New(fault.InvalidArgument, "Workload: Rate and For must be positive, and Request must be set")
	}
	ledger := loadLedger{report: LoadReport{Errors: map[fault.Code]int{}}}
	var calls sync.WaitGroup
	began := time.Now()
	for i, at := range w.offsets() {
		if delay.Wait(ctx, time.Until(began.Add(at))) != nil {
			break
		}
		calls.Go(func() { ledger.add(w.call(ctx, r, i)) })
	}
	calls.Wait()
	return ledger.close(time.Since(began)), nil //nolint:nilerr // a workload that ctx ended has a report too
}

// call makes the i-th call; wrong is what Check says of its answer.
func (w Workload) call(ctx context.Context, r dspool.Runner, i int) (took time.Duration, wrong, err error) {
	if w.Timeout > 0 {
		limited, cancel := context.WithTimeout(ctx, w.Timeout)
		defer cancel()
		ctx = limited
	}
	began := time.Now()
	resp, err := r.Call(ctx, w.Request(i))
	took = time.Since(began)
	if err == nil && w.Check != nil {
		if wrong = w.Check(i, resp); wrong != nil {
			wrong = fmt.Errorf("call %d: %w", i, wrong)
		}
	}
	return took, wrong, err
}

// A loadLedger collects the ends of calls.
type loadLedger struct {
	mu     sync.Mutex
	report LoadReport
	took   []time.Duration
}

func (l *loadLedger) add(took time.Duration, wrong, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.report.Calls++
	switch {
	case err != nil:
		l.report.Errors[fault.CodeOf(err)]++
	case wrong != nil:
		l.report.Wrong++
	default:
		l.report.OK++
		l.took = append(l.took, took)
		return
	}
	if l.report.First == nil {
		l.report.First = err
		if err == nil {
			l.report.First = wrong
		}
	}
}

func (l *loadLedger) close(took time.Duration) LoadReport {
	r := l.report
	r.Took = took
	r.Throughput = float64(r.OK) / took.Seconds()
	if r.Calls > 0 {
		r.Success = float64(r.OK) / float64(r.Calls)
	}
	if n := len(l.took); n > 0 {
		slices.Sort(l.took)
		r.P50, r.P99, r.Max = l.took[n/2], l.took[min(n-1, n*99/100)], l.took[n-1]
	}
	return r
}
