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
	serve := func(_ context.Context, method string, call uint64, args []byte) ([]byte, error) {
		switch method {
		case "fail":
			return nil, fault.New(fault.LMAuth, "no key")
		case "panic":
			return []byte{args[len(args)]}, nil
		case "large":
			return make([]byte, 5000), nil
		}
		return fmt.Appendf(nil, `[%q,%d,%s]`, method, call, args), nil
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
	_, worker := raw(t, mux.Config{HostCall: func(ctx context.Context, _ string, _ uint64, _ []byte) ([]byte, error) {
		close(began)
		<-ctx.Done()
		return nil, ctx.Err()
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
	conn, worker := raw(t, mux.Config{HostCall: func(ctx context.Context, _ string, _ uint64, _ []byte) ([]byte, error) {
		close(began)
		<-ctx.Done()
		ended <- ctx.Err()
		return nil, errors.New("too late")
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
	_, worker := raw(t, mux.Config{Slots: 2, HostCall: func(ctx context.Context, _ string, _ uint64, _ []byte) ([]byte, error) {
		<-ctx.Done()
		return nil, ctx.Err()
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
