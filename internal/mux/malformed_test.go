package mux_test

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
)

// CHK-31: bytes that are no frame are answered, and the connection lives on.
func TestMalformedFramesAreAnsweredAndTheConnectionLivesOn(t *testing.T) {
	t.Parallel()
	frame := func(typ wire.Type, meta, body string) []byte {
		return wire.Append(nil, wire.Frame{Type: typ, ID: 1, Meta: []byte(meta), Body: []byte(body)})
	}
	patched := func(b []byte, at int, value byte) []byte {
		b[at] = value
		return b
	}
	for name, c := range map[string]struct {
		bytes []byte
		code  fault.Code // of the ERROR that answers, "" for none
		ends  fault.Code // of the call, "" if it lives on
	}{
		"unknown type":             {patched(frame(wire.TypeResult, "", "1"), 4, 99), fault.Protocol, ""},
		"type 0":                   {patched(frame(wire.TypeResult, "", "1"), 4, 0), fault.Protocol, ""},
		"RESULT with unknown flag": {patched(frame(wire.TypeResult, "", "1"), 5, 4), fault.Protocol, fault.Protocol},
		"RESULT, meta too long":    {patched(frame(wire.TypeResult, "", "1"), 7, 9), fault.Protocol, fault.Protocol},
		"RESULT, meta is no JSON":  {frame(wire.TypeResult, "{q}", "1"), fault.Protocol, fault.Protocol},
		"RESULT, attachments":      {frame(wire.TypeResult, `{"a":[["x",9]]}`, "1"), fault.Protocol, fault.Protocol},
		"RESULT above the limit":   {frame(wire.TypeResult, "", strings.Repeat("x", 5000)), fault.ResourceExhausted, fault.ResourceExhausted},
		"ERROR without a code":     {frame(wire.TypeError, "", `{"message":"?"}`), "", fault.Protocol},
		"ERROR is no JSON":         {frame(wire.TypeError, "", `?`), "", fault.Protocol},
		"ERROR above the limit":    {frame(wire.TypeError, "", strings.Repeat("x", 5000)), "", fault.ResourceExhausted},
		"ERROR of unknown code":    {frame(wire.TypeError, "", `{"code":"new","message":"?"}`), "", fault.Internal},
		"second HELLO":             {frame(wire.TypeHello, "", `{}`), fault.Protocol, ""},
		"what only hosts send":     {frame(wire.TypeCall, `{"p":"x"}`, `{}`), fault.Protocol, ""},
		"NEED of unknown kind":     {frame(wire.TypeNeed, `{"k":"x","h":"y"}`, ""), fault.Protocol, ""},
		"GOODBYE is no JSON":       {frame(wire.TypeGoodbye, `[]`, ""), fault.Protocol, ""},
		"HOSTCALL without method":  {frame(wire.TypeHostCall, `{}`, ""), fault.Protocol, ""},
		"HOSTCANCEL, bad meta":     {frame(wire.TypeHostCancel, `7`, ""), fault.Protocol, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, worker := raw(t, mux.Config{FrameLimit: 4096})
			p := begin(t, conn, "p", input{})
			worker.expect(wire.TypeCall)
			worker.write(c.bytes)
			if c.code != "" {
				answer := worker.expect(wire.TypeError)
				got, err := wire.DecodeFault(answer.Body)
				if err != nil || got.Code != c.code || answer.ID != 1 {
					t.Errorf("answered with %s, id %d, %v, want %s", answer.Body, answer.ID, err, c.code)
				}
			}
			if c.ends == "" {
				worker.send(wire.Frame{Type: wire.TypeResult, ID: 1, Body: []byte("2")})
				wantReply(t, outcome(t, p), "2")
			} else {
				wantFault(t, outcome(t, p).Err, c.ends, fault.StartedUnknown)
			}
			stillServes(t, conn, worker)
		})
	}
}

// stillServes makes one more call.
func stillServes(t *testing.T, conn *mux.Conn, worker *peer) {
	t.Helper()
	p := begin(t, conn, "p", input{})
	worker.send(wire.Frame{Type: wire.TypeResult, ID: worker.expect(wire.TypeCall).ID, Body: []byte("3")})
	wantReply(t, outcome(t, p), "3")
}

func TestBadEventEndsTheStreamOnceTheWorkHasStopped(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]wire.Frame{
		"no kind":         {Type: wire.TypeEvent, Body: []byte("1")},
		"above the limit": {Type: wire.TypeEvent, Meta: []byte(`{"k":"item"}`), Body: make([]byte, 5000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn, worker := raw(t, mux.Config{FrameLimit: 4096})
			p := beginStream(t, conn, "p", input{}, 4)
			event.ID = worker.expect(wire.TypeCall).ID
			worker.send(event)
			worker.expect(wire.TypeCancel)
			worker.expect(wire.TypeError)
			worker.send(wire.Frame{Type: wire.TypeError, ID: event.ID, Body: []byte(`{"code":"canceled","message":"","started":"yes"}`)})
			if o := outcome(t, p); o.Err == nil || o.Err.Code == fault.Canceled {
				t.Errorf("got %+v, want what was wrong with the event", o.Err)
			}
			stillServes(t, conn, worker)
		})
	}
}

func TestBytesThatCannotBeFollowedEndTheConnection(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	p := begin(t, conn, "p", input{})
	worker.expect(wire.TypeCall)
	head := make([]byte, wire.HeaderSize)
	binary.BigEndian.PutUint32(head, 1<<31)
	worker.write(head)
	wantFault(t, outcome(t, p).Err, fault.Protocol, fault.StartedUnknown)
	await(t, conn.Done())
	if fault.CodeOf(conn.Err()) != fault.Protocol {
		t.Errorf("Err is %v", conn.Err())
	}
}

func TestFirstFrameHasToBeAFittingHello(t *testing.T) {
	t.Parallel()
	hello := func(body string) []byte {
		return wire.Append(nil, wire.Frame{Type: wire.TypeHello, Body: []byte(body)})
	}
	for name, c := range map[string]struct {
		first []byte
		want  fault.Code
	}{
		"another type":    {wire.Append(nil, wire.Frame{Type: wire.TypeResult, ID: 1}), fault.Protocol},
		"another nonce":   {hello(`{"version":1,"nonce":"theirs"}`), fault.Protocol},
		"another version": {hello(`{"version":2,"nonce":"ours"}`), fault.Protocol},
		"no JSON":         {hello(`hello`), fault.Protocol},
		"unknown type":    {[]byte("\x00\x00\x00\x00\x63\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"), fault.Protocol},
		"text":            {[]byte("Traceback (most recent call last):\n"), fault.Protocol},
		"nothing":         {nil, fault.WorkerCrashed},
		"half a header":   {[]byte("\x00\x00\x00"), fault.WorkerCrashed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, far := socketPair(t)
			conn := mux.New(host, mux.Config{Nonce: "ours"})
			if _, err := far.Write(c.first); err != nil {
				t.Fatal(err)
			}
			if err := far.CloseWrite(); err != nil {
				t.Fatal(err)
			}
			_, err := conn.Start(testkit.Context(t, patience))
			if fault.CodeOf(err) != c.want {
				t.Errorf("got %v, want %s", err, c.want)
			}
			await(t, conn.Done())
			_ = far.Close()
		})
	}
}

func TestMockMischiefHarmsNoNeighbour(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"garbage", "oversize", "wrong_id"} {
		t.Run(program, func(t *testing.T) {
			t.Parallel()
			b := setup(t, nil)
			neighbour := begin(t, b.conn, "heed", input{})
			outcome(t, begin(t, b.conn, program, input{}))
			wantReply(t, outcome(t, begin(t, b.conn, "echo", input{"text": 1})), "1")
			neighbour.Cancel(mux.Canceled)
			wantFault(t, outcome(t, neighbour).Err, fault.Canceled, fault.StartedYes)
		})
	}
}
