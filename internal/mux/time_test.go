package mux_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/wire"
)

// In these tests the other end is an in-memory pipe, which takes bytes only as
// they are read, and time passes only when everybody waits.

func pipe(t *testing.T, wrap func(net.Conn) io.ReadWriteCloser, cfg mux.Config) (*mux.Conn, net.Conn) {
	t.Helper()
	host, far := net.Pipe()
	go func() {
		_, _ = far.Write(wire.Append(nil, wire.Frame{Type: wire.TypeHello, Body: []byte(`{"version":1}`)}))
	}()
	conn := mux.New(wrap(host), cfg)
	if _, err := conn.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return conn, far
}

func plain(c net.Conn) io.ReadWriteCloser { return c }

func TestWriteTimeoutCountsFromTheLastBytesTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t, plain, mux.Config{WriteTimeout: time.Minute})
		start := time.Now()
		p := begin(t, conn, "p", input{"text": string(bytes.Repeat([]byte("x"), 1<<20))})
		for range 2 { // it takes something every 40 s, then nothing
			time.Sleep(40 * time.Second) //nolint:forbidigo // fake time
			if _, err := io.ReadFull(far, make([]byte, 300<<10)); err != nil {
				t.Fatal(err)
			}
		}
		<-p.Done()
		if took := time.Since(start); took < 2*time.Minute || took > 150*time.Second {
			t.Errorf("given up after %v", took)
		}
		wantFault(t, p.Outcome().Err, fault.WorkerUnresponsive, fault.StartedUnknown)
		<-conn.Done()
	})
}

func TestWriteTimeoutCanBeOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, _ := pipe(t, plain, mux.Config{WriteTimeout: -1})
		p := begin(t, conn, "p", input{})
		time.Sleep(24 * time.Hour) //nolint:forbidigo // fake time
		select {
		case <-p.Done():
			t.Error("the call ended:", p.Outcome().Err)
		default:
		}
		conn.Close(nil)
		<-conn.Done()
		wantFault(t, p.Outcome().Err, fault.ShuttingDown, fault.StartedUnknown)
	})
}

// noWrites fails every write.
type noWrites struct{ net.Conn }

func (noWrites) Write([]byte) (int, error) { return 0, errors.New("no way") }

func TestFailedWriteRefusesCallsAndSoonEndsTheConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, _ := pipe(t, func(c net.Conn) io.ReadWriteCloser { return noWrites{c} }, mux.Config{})
		p := begin(t, conn, "p", input{})
		synctest.Wait()
		_, err := conn.Begin(&mux.Call{Program: "p"})
		wantFault(t, err, fault.Unavailable, fault.StartedNo)
		<-p.Done()
		wantFault(t, p.Outcome().Err, fault.WorkerCrashed, fault.StartedUnknown)
		<-conn.Done()
	})
}

func TestResultsStillCountAfterAFailedWrite(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t, func(c net.Conn) io.ReadWriteCloser { return noWrites{c} }, mux.Config{})
		p := begin(t, conn, "p", input{})
		synctest.Wait()
		if _, err := far.Write(wire.Append(nil, wire.Frame{Type: wire.TypeResult, ID: p.ID(), Body: []byte("1")})); err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		wantReply(t, p.Outcome(), "1")
		conn.Close(nil)
		<-conn.Done()
	})
}

func TestPingGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t, plain, mux.Config{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := conn.Ping(ctx); fault.CodeOf(err) != fault.DeadlineExceeded {
			t.Errorf("got %v", err)
		}
		_ = far.Close()
		<-conn.Done()
	})
}

func TestPingsThatNobodyWaitsForUseUpNoSlots(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t, plain, mux.Config{Slots: 2})
		for range 5 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			if _, err := conn.Ping(ctx); fault.CodeOf(err) != fault.DeadlineExceeded {
				t.Errorf("got %v", err)
			}
			cancel()
		}
		_ = far.Close()
		<-conn.Done()
	})
}

func TestBudgetShrinksWithTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		conn, far := pipe(t, plain, mux.Config{})
		deadline := time.Now().Add(time.Minute)
		time.Sleep(59 * time.Second) //nolint:forbidigo // fake time
		if _, err := conn.Begin(&mux.Call{Program: "p", Deadline: deadline}); err != nil {
			t.Fatal(err)
		}
		f, err := wire.NewDecoder(far, 0).Next()
		if err != nil {
			t.Fatal(err)
		}
		if m, err := wire.DecodeCallMeta(f.Meta); err != nil || m.Budget > 1_000_000 || m.Budget < 990_000 {
			t.Errorf("budget %d, %v", m.Budget, err)
		}
		conn.Close(nil)
		<-conn.Done()
	})
}
