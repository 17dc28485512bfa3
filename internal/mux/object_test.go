package mux_test

import (
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/wire"
)

func TestTheStateOfAnObjectTravelsBothWaysBehindEverythingElse(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	p, err := conn.Begin(&mux.Call{
		Program: "p", Session: "s", Object: wire.ObjectRestore, State: []byte("[7]"),
		Body: []byte(`{"n":1}`), Attachments: map[string][]byte{"a": []byte("xy")},
	})
	if err != nil {
		t.Fatal(err)
	}
	call := worker.expect(wire.TypeCall)
	meta, err := wire.DecodeCallMeta(call.Meta)
	if err != nil || meta.Object != wire.ObjectRestore || meta.State != 3 || string(call.Body) != `{"n":1}xy[7]` {
		t.Errorf("meta %+v, body %s, %v", meta, call.Body, err)
	}
	worker.send(wire.Frame{Type: wire.TypeResult, ID: call.ID, Meta: []byte(`{"d":3,"a":[["b",1]]}`), Body: []byte("5z[8]")})
	o := outcome(t, p)
	if wantReply(t, o, "5"); string(o.Reply.State) != "[8]" || string(o.Reply.Attachments["b"]) != "z" {
		t.Errorf("reply %+v", o.Reply)
	}
}

func TestAResultWithMoreStateThanBodyFailsItsCall(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	p := begin(t, conn, "p", input{})
	id := worker.expect(wire.TypeCall).ID
	worker.send(wire.Frame{Type: wire.TypeResult, ID: id, Meta: []byte(`{"d":3}`), Body: []byte("5")})
	wantFault(t, outcome(t, p).Err, fault.Protocol, fault.StartedUnknown)
	worker.expect(wire.TypeError)
}

func TestStateCountsForTheFrameLimit(t *testing.T) {
	t.Parallel()
	conn, _ := raw(t, mux.Config{FrameLimit: 1 << 16})
	_, err := conn.Begin(&mux.Call{Program: "p", Session: "s", Object: wire.ObjectNew, State: make([]byte, 1<<16)})
	wantFault(t, err, fault.InvalidArgument, fault.StartedNo)
}

func TestReleaseNamesTheSession(t *testing.T) {
	t.Parallel()
	conn, worker := raw(t, mux.Config{})
	if err := conn.Release("acme", "session-1"); err != nil {
		t.Fatal(err)
	}
	f := worker.expect(wire.TypeRelease)
	if meta, err := wire.DecodeReleaseMeta(f.Meta); err != nil || meta != (wire.ReleaseMeta{Tenant: "acme", Session: "session-1"}) || f.ID != 0 {
		t.Errorf("%+v, id %d, %v", meta, f.ID, err)
	}
	conn.Close(nil)
	await(t, conn.Done())
	if err := conn.Release("", "session-1"); fault.CodeOf(err) != fault.Unavailable {
		t.Errorf("after the end: %v", err)
	}
}
