package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// A liar is a Runner with one vice.
type liar struct {
	t    *testing.T
	runs int // how often it runs each call
	say  func(id int64, right string) (string, error)
}

func (l liar) Call(_ context.Context, req dspool.Request) (dspool.Response, error) {
	var in struct {
		ID       int64
		TracesTo string `json:"traces_to"`
	}
	if err := json.Unmarshal(req.Input, &in); err != nil {
		l.t.Error(err)
	}
	file, err := os.OpenFile(in.TracesTo, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		l.t.Error(err)
	}
	defer func() { _ = file.Close() }()
	for range l.runs {
		fmt.Fprintln(file, in.ID)
	}
	_, right := new(Load).question(in.ID)
	out, err := l.say(in.ID, right)
	return dspool.Response{Output: []byte(out)}, err
}

func (l liar) Stream(context.Context, dspool.Request) iter.Seq2[dspool.Event, error] { return nil }

// A bookTest is what a liar does, and what is to be noticed.
type bookTest struct {
	liar       liar
	idempotent bool
	want       Report
}

// Each way to fail a caller is noticed, and counted as what it is.
func TestTheBooksNotice(t *testing.T) {
	t.Parallel()
	honest := func(_ int64, right string) (string, error) { return right, nil }
	fails := func(err error) func(int64, string) (string, error) {
		return func(int64, string) (string, error) { return "", err }
	}
	crashed := fault.New(fault.WorkerCrashed, "gone")
	for name, test := range map[string]bookTest{
		"nothing where nothing is wrong":  {liar{runs: 1, say: honest}, false, Report{Calls: 3, OK: 3, SuccessRate: 1}},
		"a wrong answer":                  {liar{runs: 1, say: func(int64, string) (string, error) { return `"1:x"`, nil }}, false, Report{Calls: 3, Wrong: 3}},
		"an error that says nothing":      {liar{runs: 1, say: fails(errors.New("oops"))}, false, Report{Calls: 3, Lost: 3}},
		"an error of our own making":      {liar{runs: 1, say: fails(fault.New(fault.Internal, "bug"))}, false, Report{Calls: 3, Lost: 3}},
		"a typed error":                   {liar{runs: 1, say: fails(crashed.WithStarted(fault.StartedYes))}, false, Report{Calls: 3, TypedErrors: 3}},
		"a typed error before the start":  {liar{runs: 0, say: fails(crashed.WithStarted(fault.StartedNo))}, false, Report{Calls: 3, TypedErrors: 3}},
		"that it had begun":               {liar{runs: 1, say: fails(crashed.WithStarted(fault.StartedNo))}, false, Report{Calls: 3, Wrong: 3}},
		"that it ran twice":               {liar{runs: 2, say: honest}, false, Report{Calls: 3, Wrong: 3}},
		"that it ran twice and failed":    {liar{runs: 2, say: fails(crashed.WithStarted(fault.StartedYes))}, false, Report{Calls: 3, Wrong: 3}},
		"that it may run twice":           {liar{runs: 2, say: honest}, true, Report{Calls: 3, OK: 3, SuccessRate: 1}},
		"that it never ran":               {liar{runs: 0, say: honest}, false, Report{Calls: 3, Wrong: 3}},
		"that it returned much too late":  {liar{runs: 1, say: late(time.Minute)}, false, Report{Calls: 3, Hung: 3}},
		"that it never returned":          {liar{runs: 1, say: late(24 * time.Hour)}, false, Report{Calls: 1, Hung: 1}},
		"that it returned in good time":   {liar{runs: 1, say: late(4 * time.Second)}, false, Report{Calls: 3, OK: 3, SuccessRate: 1}},
		"that a deadline was its own end": {liar{runs: 1, say: fails(fault.New(fault.DeadlineExceeded, "x").WithStarted(fault.StartedYes))}, false, Report{Calls: 3, TypedErrors: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			traces, err := newTraces(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { test.books(t, traces) })
		})
	}
}

// books runs three calls, one after the other, and checks the report.
func (test bookTest) books(t *testing.T, traces traces) {
	test.liar.t = t
	c := Config{Callers: 1, Calls: 3, CallTimeout: 2 * time.Second, Idempotent: test.idempotent}
	program, err := Program(Config{Command: []string{"mock"}})
	if err != nil {
		t.Fatal(err)
	}
	load := StartLoad(t.Context(), test.liar, program, c, traces.path)
	select {
	case <-load.done():
	case <-time.After(10 * time.Minute):
	}
	load.End()
	runs, err := traces.read(load.issued.Load())
	if err != nil {
		t.Fatal(err)
	}
	var d Details
	load.count(&d, runs, test.idempotent)
	if d.Report != test.want {
		t.Errorf("%+v\nwant %+v", d.Report, test.want)
	}
	if bad := d.Wrong+d.Lost+d.Hung > 0; bad != (len(d.Problems()) > 0) {
		t.Errorf("problems %q", d.Problems())
	}
	load.callers.Wait() // the bubble ends with its goroutines
}

func late(d time.Duration) func(int64, string) (string, error) {
	return func(_ int64, right string) (string, error) {
		time.Sleep(d) //nolint:forbidigo // virtual time
		return right, nil
	}
}
