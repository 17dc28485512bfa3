package mux_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/wire"
)

func hostCall(id uint64, method string) wire.Frame {
	return wire.Frame{Type: wire.TypeHostCall, ID: id, Meta: wire.HostCallMeta{Method: method, Call: 5}.Append(nil), Body: []byte(`[1]`)}
}

func TestHostCallsAreServed(t *testing.T) {
	t.Parallel()
	serve := func(_ context.Context, req *mux.HostRequest) (mux.HostReply, error) {
		switch req.Method {
		case "fail":
			return mux.HostReply{}, fault.New(fault.LMAuth, "no key")
		case "panic":
			return mux.HostReply{Body: []byte{req.Body[len(req.Body)]}}, nil
		case "large":
			return mux.HostReply{Body: make([]byte, 5000)}, nil
		}
		return mux.HostReply{Body: fmt.Appendf(nil, `[%q,%d,%s]`, req.Method, req.Call, req.Body)}, nil
	}
	conn, worker := raw(t, mux.Config{HostCall: serve, FrameLimit: 4096})
	for method, want := range map[string]struct {
		typ  wire.Type
		code fault.Code
		body string
	}{
		"ok":    {typ: wire.TypeHostResult, body: `["ok",5,[1]]`},
		"fail":  {typ: wire.TypeHostError, code: fault.LMAuth},
		"panic": {typ: wire.TypeHostError, code: fault.Internal},
		"large": {typ: wire.TypeHostError, code: fault.ResourceExhausted},
	} {
		worker.send(hostCall(9, method))
		f := worker.expect(want.typ)
		if f.ID != 9 {
			t.Errorf("%s: id %d", method, f.ID)
		}
		if want.code == "" {
			if string(f.Body) != want.body {
				t.Errorf("%s: %s", method, f.Body)
			}
			continue
		}
		if got, err := wire.DecodeFault(f.Body); err != nil || got.Code != want.code {
			t.Errorf("%s: %+v, %v, want %s", method, got, err, want.code)
		}
	}
	stillServes(t, conn, worker)
}

func TestHostCallsWithoutAHostAreUnsupported(t *testing.T) {
	t.Parallel()
	_, worker := raw(t, mux.Config{})
	worker.send(hostCall(1, "any"))
	if got, err := wire.DecodeFault(worker.expect(wire.TypeHostError).Body); err != nil || got.Code != fault.Unsupported {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHostCancelEndsTheContextAndTheAnswerStillComes(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	_, worker := raw(t, mux.Config{HostCall: func(ctx context.Context, _ *mux.HostRequest) (mux.HostReply, error) {
		close(began)
		<-ctx.Done()
		return mux.HostReply{}, ctx.Err()
	}})
	worker.send(hostCall(1, "wait"))
	await(t, began)
	worker.send(hostCall(1, "twice"))
	worker.expect(wire.TypeError)
	worker.send(wire.Frame{Type: wire.TypeHostCancel, ID: 1})
	if got, err := wire.DecodeFault(worker.expect(wire.TypeHostError).Body); err != nil || got.Code != fault.Canceled {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEndOfTheConnectionEndsHostCalls(t *testing.T) {
	t.Parallel()
	began, ended := make(chan struct{}), make(chan error, 1)
	conn, worker := raw(t, mux.Config{HostCall: func(ctx context.Context, _ *mux.HostRequest) (mux.HostReply, error) {
		close(began)
		<-ctx.Done()
		ended <- ctx.Err()
		return mux.HostReply{}, errors.New("too late")
	}})
	worker.send(hostCall(1, "wait"))
	await(t, began)
	_ = worker.conn.Close()
	await(t, conn.Done())
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	default:
		t.Error("Done was closed while a host call was running")
	}
}

func TestHostCallsBeyondTheSlotsAreRefused(t *testing.T) {
	t.Parallel()
	_, worker := raw(t, mux.Config{Slots: 2, HostCall: func(ctx context.Context, _ *mux.HostRequest) (mux.HostReply, error) {
		<-ctx.Done()
		return mux.HostReply{}, ctx.Err()
	}})
	worker.send(hostCall(1, "wait"), hostCall(2, "wait"), hostCall(3, "wait"))
	f := worker.expect(wire.TypeHostError)
	if got, err := wire.DecodeFault(f.Body); err != nil || got.Code != fault.ResourceExhausted || f.ID != 3 {
		t.Errorf("id %d: %+v, %v", f.ID, got, err)
	}
}

func TestDefinitionsAreGivenOnNeed(t *testing.T) {
	t.Parallel()
	_, worker := raw(t, mux.Config{FrameLimit: 4096, Resolve: func(kind, hash string) ([]byte, bool) {
		if hash == "large" {
			return make([]byte, 5000), true
		}
		return []byte(kind + "/" + hash), hash == "known"
	}})
	for hash, missing := range map[string]bool{"known": false, "unknown": true, "large": true} {
		worker.send(wire.Frame{Type: wire.TypeNeed, Meta: wire.NeedMeta{Kind: "lm", Hash: hash}.Append(nil)})
		f := worker.expect(wire.TypeDefine)
		meta, err := wire.DecodeDefineMeta(f.Meta)
		if err != nil || meta.Kind != "lm" || meta.Hash != hash || meta.Missing != missing {
			t.Errorf("%s: %+v, %v", hash, meta, err)
		}
		if missing == (len(f.Body) > 0) {
			t.Errorf("%s: body %q", hash, f.Body)
		}
	}
}

func piecesCall(id uint64, credit int) wire.Frame {
	meta := wire.HostCallMeta{Method: "pieces", Stream: credit, Extra: []byte(`["x"]`)}
	return wire.Frame{Type: wire.TypeHostCall, Flags: wire.Raw, ID: id, Meta: meta.Append(nil), Body: []byte{0xff}}
}

func TestPiecesComeInOrderAndOnlyWithCredit(t *testing.T) {
	t.Parallel()
	blocked := make(chan struct{})
	serve := func(ctx context.Context, req *mux.HostRequest) (mux.HostReply, error) {
		if !req.Streams() || !req.Raw || string(req.Extra) != `["x"]` || string(req.Body) != "\xff" {
			t.Errorf("request %+v", req)
		}
		for i := range 4 {
			if i == 2 {
				close(blocked)
			}
			if err := req.Send(ctx, mux.HostReply{Extra: fmt.Append(nil, i), Body: []byte{byte(i)}, Raw: true}); err != nil {
				return mux.HostReply{}, err
			}
		}
		return mux.HostReply{Extra: []byte(`"end"`)}, nil
	}
	_, worker := raw(t, mux.Config{HostCall: serve})
	worker.send(piecesCall(1, 2))
	for i := range 4 {
		if i == 2 {
			await(t, blocked)
			worker.send(wire.Frame{Type: wire.TypeHostCredit, ID: 1, Meta: wire.HostCreditMeta{N: 2}.Append(nil)})
		}
		f := worker.expect(wire.TypeHostEvent)
		meta, err := wire.DecodeHostAnswerMeta(f.Type, f.Meta)
		if err != nil || string(meta.Extra) != fmt.Sprint(i) || f.Flags != wire.Raw || f.Body[0] != byte(i) {
			t.Errorf("piece %d: %+v, %s, %v", i, f, meta.Extra, err)
		}
	}
	if f := worker.expect(wire.TypeHostResult); string(f.Meta) != `{"x":"end"}` || len(f.Body) > 0 {
		t.Errorf("end: %+v", f)
	}
}

func TestAPieceThatWaitsForCreditEndsWithItsHostCall(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	_, worker := raw(t, mux.Config{HostCall: func(ctx context.Context, req *mux.HostRequest) (mux.HostReply, error) {
		for {
			if err := req.Send(ctx, mux.HostReply{Body: []byte("1")}); err != nil {
				return mux.HostReply{}, err
			}
			close(began) // the second piece has no credit
		}
	}})
	worker.send(piecesCall(1, 1))
	await(t, began)
	worker.expect(wire.TypeHostEvent)
	worker.send(wire.Frame{Type: wire.TypeHostCancel, ID: 1})
	if got, err := wire.DecodeFault(worker.expect(wire.TypeHostError).Body); err != nil || got.Code != fault.Canceled {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestCreditForAHostCallWithoutPiecesIsRefused(t *testing.T) {
	t.Parallel()
	began := make(chan struct{})
	_, worker := raw(t, mux.Config{HostCall: func(ctx context.Context, req *mux.HostRequest) (mux.HostReply, error) {
		close(began)
		<-ctx.Done()
		return mux.HostReply{}, req.Send(ctx, mux.HostReply{})
	}})
	worker.send(hostCall(1, "wait"))
	await(t, began)
	credit := wire.HostCreditMeta{N: 2}.Append(nil)
	worker.send(wire.Frame{Type: wire.TypeHostCredit, ID: 1, Meta: credit}, wire.Frame{Type: wire.TypeHostCredit, ID: 7, Meta: credit})
	worker.expect(wire.TypeError)
	worker.send(wire.Frame{Type: wire.TypeHostCancel, ID: 1})
	if got, err := wire.DecodeFault(worker.expect(wire.TypeHostError).Body); err != nil || got.Code != fault.Unsupported {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestHostCallsKnowTheOwnerOfTheirCallAndEndWithIt(t *testing.T) {
	t.Parallel()
	began, ended := make(chan any, 1), make(chan error, 1)
	conn, worker := raw(t, mux.Config{HostCall: func(ctx context.Context, req *mux.HostRequest) (mux.HostReply, error) {
		began <- req.Owner
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return mux.HostReply{}, ctx.Err()
	}})
	p, err := conn.Begin(&mux.Call{Program: "p", Body: []byte("{}"), Owner: "me"})
	if err != nil {
		t.Fatal(err)
	}
	worker.expect(wire.TypeCall)
	worker.send(wire.Frame{Type: wire.TypeHostCall, ID: 1, Meta: wire.HostCallMeta{Method: "m", Call: p.ID()}.Append(nil)})
	if owner := <-began; owner != "me" {
		t.Errorf("owner %v", owner)
	}
	worker.send(wire.Frame{Type: wire.TypeResult, ID: p.ID(), Body: []byte("1")})
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	worker.expect(wire.TypeHostError)
}
