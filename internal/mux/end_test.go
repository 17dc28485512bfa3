package mux_test

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
	"github.com/dspool/dspool/internal/wiremock"
)

// sharedLedger is the memory that a mock worker in this process writes.
type sharedLedger struct{ memory []byte }

func (l sharedLedger) Started(id uint64) bool { return wiremock.Started(l.memory, id) }

// fixedLedger knows which calls have started.
type fixedLedger map[uint64]bool

func (l fixedLedger) Started(id uint64) bool { return l[id] }

// CHK-36, CHK-132: after a crash the ledger tells what had started.
func TestCallsInFlightAtACrashAreSettledWithStartedFromTheLedger(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{Ledger: fixedLedger{1: true, 3: true}})
	var calls []*mux.Pending
	for range 3 {
		calls = append(calls, begin(t, conn, "p", input{}))
		worker.expect(wire.TypeCall)
	}
	_ = worker.conn.Close()
	want := []fault.Started{fault.StartedYes, fault.StartedNo, fault.StartedYes}
	for i, p := range calls {
		o := outcome(t, p)
		wantFault(t, o.Err, fault.WorkerCrashed, want[i])
		if o.NeverStarted() != (want[i] == fault.StartedNo) {
			t.Errorf("call %d: NeverStarted is %v", i, o.NeverStarted())
		}
	}
	await(t, conn.Done())
	if n := conn.InFlight(); n != 0 {
		t.Errorf("%d calls in flight after the end", n)
	}
	_, err := conn.Begin(&mux.Call{Program: "p"})
	wantFault(t, err, fault.Unavailable, fault.StartedNo)
	if _, err := conn.Ping(t.Context()); err == nil {
		t.Error("a ping was sent after the end")
	}
}

func TestErrorsThatDoNotSayGetStartedFromTheLedger(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{Ledger: fixedLedger{2: true}})
	for _, want := range []fault.Started{fault.StartedNo, fault.StartedYes} {
		p := begin(t, conn, "p", input{})
		worker.send(wire.Frame{Type: wire.TypeError, ID: worker.expect(wire.TypeCall).ID, Body: []byte(`{"code":"internal","message":"?"}`)})
		wantFault(t, outcome(t, p).Err, fault.Internal, want)
	}
}

func TestLostGivesTheErrorOfTheCallsInFlight(t *testing.T) {
	t.Parallel()
	var times atomic.Int32
	conn, worker := raw(t, mux.Config{
		Ledger: fixedLedger{1: true},
		Lost: func(cause error) *fault.Error {
			times.Add(1)
			return fault.Wrap(fault.WorkerUnresponsive, cause, "with details")
		},
	})
	p := begin(t, conn, "p", input{})
	worker.expect(wire.TypeCall)
	_ = worker.conn.Close()
	o := outcome(t, p)
	wantFault(t, o.Err, fault.WorkerUnresponsive, fault.StartedYes)
	await(t, conn.Done())
	if o.Err.Message != "with details" || times.Load() != 1 {
		t.Errorf("got %+v, Lost ran %d times", o.Err, times.Load())
	}
}

func TestCloseSettlesCallsWithItsCause(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	var settled sync.WaitGroup
	settled.Add(1)
	p, err := conn.Begin(&mux.Call{Program: "p", Settled: func(mux.Outcome) { settled.Done() }})
	if err != nil {
		t.Fatal(err)
	}
	worker.expect(wire.TypeCall)
	conn.Close(fault.New(fault.WorkerUnresponsive, "first"))
	conn.Close(errors.New("second"))
	wantFault(t, outcome(t, p).Err, fault.WorkerUnresponsive, fault.StartedUnknown)
	settled.Wait()
	if err := conn.Err(); fault.From(err).Message != "first" {
		t.Errorf("Err is %v", err)
	}
}

func TestResultsThatADyingWorkerLeftBehindCount(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	first, second := begin(t, conn, "p", input{}), begin(t, conn, "p", input{})
	worker.send(wire.Frame{Type: wire.TypeResult, ID: first.ID(), Body: []byte("1")},
		wire.Frame{Type: wire.TypeGoodbye, Meta: []byte(`{"why":"SIGTERM"}`)})
	_ = worker.conn.Close()
	wantReply(t, outcome(t, first), "1")
	wantFault(t, outcome(t, second).Err, fault.WorkerCrashed, fault.StartedUnknown)
	if why := conn.Goodbye(); why != "SIGTERM" {
		t.Errorf("goodbye %q", why)
	}
}

func TestMockCrashesTellStartedFromTheLedger(t *testing.T) {
	t.Parallel()
	for program, want := range map[string]fault.Started{
		"crash": fault.StartedYes, "crash_before_start": fault.StartedNo, "half_frame": fault.StartedYes,
	} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			var ledger sharedLedger
			host, far := socketPair(t)
			ledger.memory = make([]byte, 64*8)
			conn := mux.New(host, mux.Config{Slots: 64, Ledger: ledger, Resolve: resolve})
			served := make(chan error, 1)
			go func() {
				served <- wiremock.Serve(context.Background(), far, wiremock.Config{
					Ledger: ledger.memory, Settings: wire.Settings{Versions: [2]int{1, 1}, Slots: 64},
				})
			}()
			if _, err := conn.Start(testkit.Context(t, patience)); err != nil {
				t.Fatal(err)
			}
			p := begin(t, conn, program, input{})
			await(t, p.Done())
			<-served // orders the worker's plain stores before the check
			wantFault(t, p.Outcome().Err, fault.WorkerCrashed, want)
			await(t, conn.Done())
		})
	}
}

func TestDrainFinishesCallsRefusesNewOnesAndSaysGoodbye(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := begin(t, b.conn, "sleep", input{"ms": 20})
	if err := b.conn.Drain(); err != nil {
		t.Fatal(err)
	}
	_, err := b.conn.Begin(&mux.Call{Program: "echo"})
	wantFault(t, err, fault.ShuttingDown, fault.StartedNo)
	wantReply(t, outcome(t, p), "20")
	await(t, b.conn.Done())
	if why := b.conn.Goodbye(); why != "drained" {
		t.Errorf("goodbye %q", why)
	}
	if err := b.conn.Drain(); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Drain after the end: %v", err)
	}
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	host, far := socketPair(t)
	conn := mux.New(host, mux.Config{})
	if _, err := conn.Begin(&mux.Call{Program: "p"}); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("Begin before HELLO: %v", err)
	}
	_, err := conn.Start(testkit.Context(t, 10*time.Millisecond))
	if fault.CodeOf(err) != fault.DeadlineExceeded {
		t.Errorf("got %v", err)
	}
	await(t, conn.Done())
	_ = far.Close()
}

func TestWorkerThatTakesNoBytesIsGivenUp(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{WriteTimeout: 50 * time.Millisecond})
	p := begin(t, conn, "p", input{"text": string(bytes.Repeat([]byte("x"), 8<<20))})
	wantFault(t, outcome(t, p).Err, fault.WorkerUnresponsive, fault.StartedUnknown)
	_ = worker
}

func TestCallsBeginWithoutWaitingForAWorkerThatDoesNotRead(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	body := bytes.Repeat([]byte("x"), 100_000)
	var calls []*mux.Pending
	for range 50 { // 5 MB, far beyond the socket's buffer
		p, err := conn.Begin(&mux.Call{Program: "p", Body: body})
		if err != nil {
			t.Fatal(err)
		}
		calls = append(calls, p)
	}
	for _, p := range calls {
		f := worker.expect(wire.TypeCall)
		if f.ID != p.ID() || !bytes.Equal(f.Body, body) {
			t.Fatalf("call %d arrived as %d with %d bytes", p.ID(), f.ID, len(f.Body))
		}
		worker.send(wire.Frame{Type: wire.TypeResult, ID: f.ID, Body: []byte("1")})
	}
	for _, p := range calls {
		wantReply(t, outcome(t, p), "1")
	}
}

func TestManyCallersWhileTheConnectionEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			for {
				p, err := b.conn.Begin(&mux.Call{Program: "echo", Body: []byte(`{"text":1}`)})
				if err != nil {
					if fault.From(err).Started != fault.StartedNo {
						t.Errorf("refused with %v", err)
					}
					return
				}
				<-p.Done()
			}
		})
	}
	for range 200 {
		outcome(t, begin(t, b.conn, "echo", input{"text": 1}))
	}
	b.conn.Close(nil)
	all.Wait()
}
