package mux_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
)

func beginStream(t *testing.T, conn *mux.Conn, program string, in any, credit int) *mux.Pending {
	t.Helper()
	p, err := conn.Begin(&mux.Call{Program: program, Body: encode(t, in), Credit: credit})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestStreamArrivesInOrderWhateverTheCredit(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	for _, credit := range []int{1, 2, 3, 16, 1000} {
		t.Run(fmt.Sprint(credit), func(t *testing.T) {
			t.Parallel()
			p := beginStream(t, b.conn, "stream", input{"n": 100}, credit)
			for i := range 100 {
				event, ok, err := p.Next(testkit.Context(t, patience))
				if err != nil || !ok || event.Kind != "item" || string(event.Data) != fmt.Sprint(i) {
					t.Fatalf("event %d: %s %s, %v, %v", i, event.Kind, event.Data, ok, err)
				}
			}
			if event, ok, err := p.Next(testkit.Context(t, patience)); ok || err != nil {
				t.Errorf("after the last event: %+v, %v", event, err)
			}
			wantReply(t, outcome(t, p), "100")
		})
	}
}

func TestStreamReaderWhoStopsStallsOnlyItself(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	slow := beginStream(t, b.conn, "stream", input{"n": 50}, 2)
	fast := beginStream(t, b.conn, "stream", input{"n": 50}, 2)
	for range 50 {
		if _, ok, err := fast.Next(testkit.Context(t, patience)); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	wantReply(t, outcome(t, fast), "50")
	select {
	case <-slow.Done():
		t.Error("the stream that nobody reads has ended")
	default:
	}
	slow.Cancel(mux.Canceled)
	wantFault(t, outcome(t, slow).Err, fault.Canceled, fault.StartedYes)
}

func TestNextReturnsWhenItsContextEnds(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := beginStream(t, b.conn, "heed", input{}, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, ok, err := p.Next(ctx)
	if ok || fault.CodeOf(err) != fault.Canceled {
		t.Errorf("got %v, %v", ok, err)
	}
	p.Cancel(mux.Canceled)
	outcome(t, p)
}

func TestNextOfUnaryCallWaitsForItsEnd(t *testing.T) {
	t.Parallel()
	b := setup(t, nil)
	p := begin(t, b.conn, "echo", input{"text": 1})
	if _, ok, err := p.Next(testkit.Context(t, patience)); ok || err != nil {
		t.Errorf("got %v, %v", ok, err)
	}
	wantReply(t, p.Outcome(), "1")
}

func TestEventsBeyondTheCreditSpoilTheCall(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	p := beginStream(t, conn, "p", input{}, 1)
	id := worker.expect(wire.TypeCall).ID
	event := wire.Frame{Type: wire.TypeEvent, ID: id, Meta: []byte(`{"k":"item"}`), Body: []byte("1")}
	worker.send(event, event)
	worker.expect(wire.TypeCancel)
	select {
	case <-p.Done():
		t.Fatal("the call ended before its work did")
	default:
	}
	worker.send(wire.Frame{Type: wire.TypeResult, ID: id, Body: []byte("2")})
	wantFault(t, outcome(t, p).Err, fault.Protocol, fault.StartedUnknown)
}

func TestCreditIsGrantedHalfAWindowAtATime(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	p := beginStream(t, conn, "p", input{}, 4)
	id := worker.expect(wire.TypeCall).ID
	for range 2 {
		worker.send(wire.Frame{Type: wire.TypeEvent, ID: id, Meta: []byte(`{"k":"item"}`), Body: []byte("1")})
		if _, ok, err := p.Next(testkit.Context(t, patience)); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	if meta, err := wire.DecodeCreditMeta(worker.expect(wire.TypeCredit).Meta); err != nil || meta.N != 2 {
		t.Errorf("credit %d, %v, want 2", meta.N, err)
	}
}

func TestLateFramesAreCountedAndHarmNobody(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	p := begin(t, conn, "p", input{})
	call := worker.expect(wire.TypeCall)
	id, before := call.ID, conn.Counts()
	if want := (mux.Traffic{Frames: 1, Bytes: uint64(wire.HeaderSize + len(call.Meta) + len(call.Body))}); before.Sent != want {
		t.Errorf("a call was counted as %+v, want %+v", before.Sent, want)
	}
	frames := []wire.Frame{
		{Type: wire.TypeEvent, ID: id, Meta: []byte(`{"k":"item"}`), Body: []byte("1")}, // unary
		{Type: wire.TypeEvent, ID: 99, Meta: []byte(`{"k":"item"}`), Body: []byte("1")},
		{Type: wire.TypeResult, ID: 99, Body: []byte("1")},
		{Type: wire.TypePong, ID: 99, Meta: []byte(`{"lag":0,"running":0}`)},
		{Type: wire.TypeHostCancel, ID: 99},
		{Type: wire.TypeError, ID: 99, Body: []byte(`{"code":"internal","message":"?"}`)},
		{Type: wire.TypeResult, ID: id, Body: []byte("7")},
	}
	worker.send(frames...)
	wantReply(t, outcome(t, p), "7")
	want := mux.Counts{Sent: before.Sent, Received: before.Received, Late: 5, Complaints: 1}
	for _, f := range frames {
		want.Received.Frames++
		want.Received.Bytes += uint64(wire.HeaderSize + len(f.Meta) + len(f.Body))
	}
	if got := conn.Counts(); got != want {
		t.Errorf("counts %+v, want %+v", got, want)
	}
}
