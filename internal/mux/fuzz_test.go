package mux_test

import (
	"bytes"
	"io"
	"testing"

	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/wire"
)

// babble is a worker that says some bytes, listens to nothing and leaves.
type babble struct{ io.Reader }

func (babble) Write(b []byte) (int, error) { return len(b), nil }
func (babble) Close() error                { return nil }

// FuzzConn lets a worker say anything after its HELLO. Whatever it is, the
// connection ends when the worker leaves and every call has its outcome.
func FuzzConn(f *testing.F) {
	hello := wire.Append(nil, wire.Frame{Type: wire.TypeHello, Body: []byte(`{"version":1}`)})
	for typ := range wire.Type(20) {
		f.Add(wire.Append(nil, wire.Frame{Type: typ, ID: 1, Meta: []byte(`{"k":"item"}`), Body: []byte("1")}))
		f.Add(wire.Append(nil, wire.Frame{Type: typ, ID: 2, Meta: []byte(`{"m":"x"}`), Body: []byte(`{"code":"canceled","message":"m"}`)}))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		reader, writer := io.Pipe()
		conn := mux.New(babble{reader}, mux.Config{FrameLimit: 1 << 12, Slots: 4})
		go func() { _, _ = writer.Write(hello) }()
		if _, err := conn.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		settled := 0
		count := func(mux.Outcome) { settled++ }
		unary, err := conn.Begin(&mux.Call{Program: "p", Settled: count})
		if err != nil {
			t.Fatal(err)
		}
		stream, err := conn.Begin(&mux.Call{Program: "p", Credit: 2, Settled: count})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(writer, bytes.NewReader(b))
		_ = writer.Close()
		<-conn.Done()
		<-unary.Done()
		<-stream.Done()
		if settled != 2 {
			t.Fatalf("Settled ran %d times for 2 calls", settled)
		}
	})
}
