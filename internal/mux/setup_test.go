package mux_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/testkit"
	"github.com/dspool/dspool/internal/wire"
	"github.com/dspool/dspool/internal/wiremock"
)

func TestMain(m *testing.M) {
	testkit.Main(m, testkit.Command{Name: "byte-echo", Run: byteEcho})
}

const patience = 10 * time.Second

// bench is a connection with a mock worker at its other end.
type bench struct {
	conn   *mux.Conn
	ledger []byte
	served chan error // the worker's end
}

// setup starts a connection over a socketpair; change may be nil.
func setup(t *testing.T, change func(*mux.Config)) bench {
	t.Helper()
	host, peer := socketPair(t)
	return setupOver(t, host, peer, change)
}

func setupOver(t *testing.T, host, peer io.ReadWriteCloser, change func(*mux.Config)) bench {
	t.Helper()
	cfg := mux.Config{FrameLimit: 1 << 20, Slots: 64, Nonce: "n", Resolve: resolve}
	if change != nil {
		change(&cfg)
	}
	b := bench{ledger: make([]byte, cfg.Slots*8), served: make(chan error, 1)}
	b.conn = mux.New(host, cfg)
	go func() {
		b.served <- wiremock.Serve(context.Background(), peer, wiremock.Config{
			Ledger:   b.ledger,
			Settings: wire.Settings{Versions: [2]int{1, 1}, Nonce: cfg.Nonce, Slots: cfg.Slots, FrameLimit: cfg.FrameLimit},
		})
	}()
	t.Cleanup(func() {
		b.conn.Close(nil)
		await(t, b.conn.Done())
		<-b.served
	})
	if _, err := b.conn.Start(testkit.Context(t, patience)); err != nil {
		t.Fatal(err)
	}
	return b
}

// raw starts a connection whose other end the test plays itself.
func raw(t *testing.T, cfg mux.Config) (*mux.Conn, *peer) {
	t.Helper()
	host, far := socketPair(t)
	p := &peer{t: t, conn: far, in: wire.NewDecoder(far, 0)}
	if err := far.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	conn := mux.New(host, cfg)
	t.Cleanup(func() {
		conn.Close(nil)
		await(t, conn.Done())
		_ = far.Close()
	})
	p.send(wire.Frame{Type: wire.TypeHello, Body: []byte(`{"version":1,"pid":1,"nonce":"","python":"","implementation":"test","features":[]}`)})
	if _, err := conn.Start(testkit.Context(t, patience)); err != nil {
		t.Fatal(err)
	}
	return conn, p
}

// peer is a worker played by a test, frame by frame.
type peer struct {
	t    *testing.T
	conn net.Conn
	in   *wire.Decoder
}

func (p *peer) send(frames ...wire.Frame) {
	p.t.Helper()
	for _, f := range frames {
		p.write(wire.Append(nil, f))
	}
}

func (p *peer) write(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatal(err)
	}
}

// expect reads the next frame and checks its type.
func (p *peer) expect(want wire.Type) wire.Frame {
	p.t.Helper()
	f, err := p.in.Next()
	if err != nil {
		p.t.Fatalf("waiting for %s: %v", want, err)
	}
	if f.Type != want {
		p.t.Fatalf("got %s %s %s, want %s", f.Type, f.Meta, f.Body, want)
	}
	return f
}

// resolve knows every program whose hash is the name of a mock function.
func resolve(kind, hash string) ([]byte, bool) {
	if kind != "program" || hash == "unknown" {
		return nil, false
	}
	return []byte(`{"kind":"func","ref":"mock:` + hash + `"}`), true
}

func socketPair(t testing.TB) (host, peer *net.UnixConn) {
	t.Helper()
	a, b := socketFiles(t)
	return unixConn(t, a), unixConn(t, b)
}

func socketFiles(t testing.TB) (a, b *os.File) {
	t.Helper()
	syscall.ForkLock.RLock()
	fds, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fds[0])
		syscall.CloseOnExec(fds[1])
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fds[0]), "host"), os.NewFile(uintptr(fds[1]), "peer")
}

func unixConn(t testing.TB, f *os.File) *net.UnixConn {
	t.Helper()
	conn, err := net.FileConn(f)
	if err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	return conn.(*net.UnixConn)
}

func await(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatal("waited too long")
	}
}

// begin starts a call that has to be accepted.
func begin(t testing.TB, conn *mux.Conn, program string, input any) *mux.Pending {
	t.Helper()
	p, err := conn.Begin(&mux.Call{Program: program, Body: encode(t, input)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func outcome(t testing.TB, p *mux.Pending) mux.Outcome {
	t.Helper()
	await(t, p.Done())
	return p.Outcome()
}

func encode(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

type input map[string]any

// wantReply checks for a reply with that JSON.
func wantReply(t testing.TB, o mux.Outcome, want string) {
	t.Helper()
	if o.Err != nil || string(o.Reply.Body) != want {
		t.Errorf("got %s, %v, want %s", o.Reply.Body, o.Err, want)
	}
}

// wantFault checks for an error with that code and Started.
func wantFault(t testing.TB, err error, code fault.Code, started fault.Started) {
	t.Helper()
	var e *fault.Error
	if !errors.As(err, &e) || e.Code != code || e.Started != started {
		t.Errorf("got %+v, want %s, started %q", err, code, started)
	}
}
