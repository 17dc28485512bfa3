package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// narrow: a subject with one place, which is free again exactly when the work
// has stopped. One test after the other.
func (s *suite) narrow(t *testing.T) {
	subject := s.Open(t, func(c *dspool.Config) { c.Workers, c.WorkerConcurrency = 1, 1 })
	for _, test := range []struct {
		name string
		run  func(*testing.T, Subject)
	}{
		{"a cancelled call frees its place when it stops", cancelStops},
		{"leaving the loop cancels the call", leftEarly},
		{"a reader whose context ends", readerCancelled},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, subject) }) //nolint:paralleltest // they share the one place
	}
}

func cancelStops(t *testing.T, subject Subject) {
	worker := call(t, subject, "pid", "").Output
	ctx, cancel := context.WithCancel(t.Context())
	done := begin(ctx, subject, dspool.Request{Program: program(t, "heed")})
	until(t, "the call runs", func() bool { return subject.Status().InFlight == 1 })
	cancel()
	want(t, get(t, done).err, fault.Canceled)
	if again := call(t, subject, "pid", "").Output; string(again) != string(worker) {
		t.Errorf("the worker was replaced (%s, then %s) although the work had stopped when it was told", worker, again)
	}
	if n := subject.Status().Totals.Abandoned; n != 1 {
		t.Errorf("%d abandoned calls counted, want 1", n)
	}
}

func leftEarly(t *testing.T, subject Subject) {
	worker := call(t, subject, "pid", "").Output
	for range 5 {
		for _, err := range subject.Stream(bounded(t), streamOf(t, 1_000_000)) {
			if err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if again := call(t, subject, "pid", "").Output; string(again) != string(worker) {
		t.Errorf("the worker was replaced (%s, then %s) because a reader left", worker, again)
	}
	until(t, "nothing is in flight", func() bool { return subject.Status().InFlight == 0 })
}

func readerCancelled(t *testing.T, subject Subject) {
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	var last error
	for ev, err := range subject.Stream(ctx, streamOf(t, 1_000_000)) {
		last = err
		if string(ev.Data) != "0" {
			continue
		}
		// The worker hears of it although the reader does not come back.
		cancel()
		until(t, "the work has stopped", func() bool { return subject.Status().InFlight == 0 })
	}
	f := want(t, last, fault.Canceled)
	if f.Started == fault.StartedNo {
		t.Error("a stream that had begun says that it never started")
	}
	began := time.Now()
	call(t, subject, "echo", "")
	if took := time.Since(began); took > soon {
		t.Errorf("the next call took %s", took)
	}
}
