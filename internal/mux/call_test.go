package mux_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
)

func TestCallsAreAnswered(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for name, c := range map[string]struct {
		program string
		in      any
		want    string
	}{
		"echo":        {"echo", input{"text": "hello"}, `"hello"`},
		"upper":       {"upper", input{"text": "grün"}, `"GRÜN"`},
		"big integer": {"echo", input{"text": 123456789}, `123456789`},
		"1 MB less":   {"echo", input{"text": strings.Repeat("x", 900_000)}, `"` + strings.Repeat("x", 900_000) + `"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wantReply(t, outcome(t, begin(t, b.conn, c.program, c.in)), c.want)
		})
	}
}

func TestManyCallsAtOnceGetEachItsOwnAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *mux.Config) { c.Slots = 2000 })
	calls := make([]*mux.Pending, 1500)
	for i := range calls {
		calls[i] = begin(t, b.conn, "echo", input{"text": i})
	}
	for i, p := range calls {
		wantReply(t, outcome(t, p), fmt.Sprint(i))
	}
	if n := b.conn.InFlight(); n != 0 {
		t.Errorf("%d calls in flight after all were answered", n)
	}
}

func TestSettledRunsOnceBeforeDone(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var times atomic.Int32
	p, err := b.conn.Begin(&mux.Call{Program: "echo", Body: []byte(`{"text":1}`), Settled: func(o mux.Outcome) {
		if o.Err == nil {
			times.Add(1)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	wantReply(t, outcome(t, p), "1")
	if n := times.Load(); n != 1 {
		t.Errorf("Settled ran %d times", n)
	}
}

func TestAttachmentsTravelBothWays(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	want := map[string][]byte{"small": []byte("\x00\x01"), "empty": {}, "large": make([]byte, 300_000)}
	p, err := b.conn.Begin(&mux.Call{Program: "bytes", Body: []byte("{}"), Attachments: want})
	if err != nil {
		t.Fatal(err)
	}
	o := outcome(t, p)
	wantReply(t, o, "{}")
	for name, data := range want {
		if got, there := o.Reply.Attachments[name]; !there || string(got) != string(data) {
			t.Errorf("%s: %d bytes came back, want %d", name, len(got), len(data))
		}
	}
}

func TestProgramFailureKeepsItsCode(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	o := outcome(t, begin(t, b.conn, "fail", input{"code": "lm_rate_limit", "message": "slow down"}))
	wantFault(t, o.Err, fault.LMRateLimit, fault.StartedYes)
	if !o.Err.Remote || o.Err.Message != "slow down" {
		t.Errorf("got %+v", o.Err)
	}
}

func TestUnknownProgramIsNotFoundAndNeverStarted(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	o := outcome(t, begin(t, b.conn, "unknown", input{}))
	wantFault(t, o.Err, fault.NotFound, fault.StartedNo)
	if !o.NeverStarted() {
		t.Error("NeverStarted is false")
	}
}

func TestCancelEndsTheCallWhenTheWorkHasStopped(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := begin(t, b.conn, "heed", input{})
	p.Cancel(mux.Deadline)
	p.Cancel(mux.Canceled) // only the first counts
	wantFault(t, outcome(t, p).Err, fault.DeadlineExceeded, fault.StartedYes)
	p.Cancel(mux.Canceled) // and none after the end
}

func TestBudgetAndTraceReachTheWorker(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	_, err := conn.Begin(&mux.Call{
		Program: "p", LM: "l", Trace: "00-a-b-01", Tenant: "acme", Session: "s", Body: []byte("{}"), Credit: 3,
		Deadline: time.Now().Add(time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	m, err := wire.DecodeCallMeta(worker.expect(wire.TypeCall).Meta)
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Duration(m.Budget) * time.Microsecond; left > time.Hour || left < 59*time.Minute {
		t.Errorf("budget %v", left)
	}
	if m.Program != "p" || m.LM != "l" || m.Trace != "00-a-b-01" || m.Tenant != "acme" || m.Session != "s" || m.Stream != 3 {
		t.Errorf("meta %+v", m)
	}
}

func TestBeginRefusesWhatCannotBeSent(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *mux.Config) { c.Slots = 1 })
	for name, c := range map[string]struct {
		call mux.Call
		want fault.Code
	}{
		"body above the frame limit":        {mux.Call{Body: make([]byte, 1<<20)}, fault.InvalidArgument},
		"attachments above the frame limit": {mux.Call{Attachments: map[string][]byte{"a": make([]byte, 1<<20)}}, fault.InvalidArgument},
		"session key above the meta limit":  {mux.Call{Session: strings.Repeat("k", 1<<16)}, fault.InvalidArgument},
		"time is over":                      {mux.Call{Deadline: time.Now().Add(-time.Second)}, fault.DeadlineExceeded},
	} {
		c.call.Program = "echo"
		_, err := b.conn.Begin(&c.call)
		t.Log(name)
		wantFault(t, err, c.want, fault.StartedNo)
	}
	busy := begin(t, b.conn, "heed", input{})
	_, err := b.conn.Begin(&mux.Call{Program: "echo"})
	wantFault(t, err, fault.Unavailable, fault.StartedNo)
	busy.Cancel(mux.Canceled)
	outcome(t, busy)
	wantReply(t, outcome(t, begin(t, b.conn, "echo", input{"text": 1})), "1")
}

func TestStartedOfACallInFlightComesFromTheLedgerAndIsNeverNo(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{Ledger: fixedLedger{1: true}})
	first, second := begin(t, conn, "p", input{}), begin(t, conn, "p", input{})
	if got := first.Started(); got != fault.StartedYes {
		t.Errorf("a call in the ledger: %q", got)
	}
	if got := second.Started(); got != fault.StartedUnknown {
		t.Errorf("a call that may still begin: %q", got)
	}
	worker.send(wire.Frame{Type: wire.TypeError, ID: second.ID(), Body: []byte(`{"code":"not_found","message":"","started":"no"}`)})
	await(t, second.Done())
	if got := second.Started(); got != fault.StartedNo {
		t.Errorf("a call that ended before it began: %q", got)
	}
}

func TestIdsSkipSlotsInUse(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *mux.Config) { c.Slots = 4 })
	held := begin(t, b.conn, "heed", input{})
	seen := map[uint64]bool{held.ID(): true}
	for range 20 {
		p := begin(t, b.conn, "echo", input{"text": 1})
		if p.ID()%4 == held.ID()%4 || seen[p.ID()] {
			t.Fatalf("id %d was given while %d is in flight", p.ID(), held.ID())
		}
		seen[p.ID()] = true
		outcome(t, p)
	}
	held.Cancel(mux.Canceled)
	outcome(t, held)
}

func TestPing(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := begin(t, b.conn, "heed", input{})
	defer p.Cancel(mux.Canceled)
	pong, err := b.conn.Ping(testkit.Context(t, patience))
	if err != nil || pong.Running != 1 || pong.RTT <= 0 {
		t.Errorf("got %+v, %v, want one call running", pong, err)
	}
	if n := b.conn.InFlight(); n != 1 {
		t.Errorf("%d calls in flight, want 1: pings do not count", n)
	}
}

func TestCloseBeforeStartClosesTheSocket(t *testing.T) {
	t.Parallel()
	host, far := socketPair(t)
	conn := mux.New(host, mux.Config{})
	conn.Close(nil)
	await(t, conn.Done())
	if _, err := far.Read(make([]byte, 1)); err == nil {
		t.Error("the other end is still open")
	}
	_ = far.Close()
	if _, err := conn.Start(t.Context()); fault.CodeOf(err) != fault.InvalidArgument {
		t.Errorf("Start after Close: %v", err)
	}
	if _, err := conn.Begin(&mux.Call{Program: "p"}); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Begin after Close: %v", err)
	}
}
