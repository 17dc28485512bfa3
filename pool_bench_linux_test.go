package dspool

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"os/exec"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dspool/dspool/internal/mux"
	"github.com/dspool/dspool/internal/wire"
)

// benchPool is a pool of two mock workers at full strength.
func benchPool(b *testing.B) *Pool {
	b.Helper()
	path, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	pool, err := New(Config{Command: []string{path}, Workers: 2})
	if err != nil {
		b.Fatal(err)
	}
	if err := pool.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = pool.Stop(context.Background()) })
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for pool.Status().Serving < 2 {
		<-tick.C
	}
	return pool
}

func echoRequest(b *testing.B) Request {
	b.Helper()
	spec, err := NewFunc("mock:echo")
	if err != nil {
		b.Fatal(err)
	}
	return Request{Program: spec, Input: []byte(`{"text":"0123456789012345678901234567890123456789012345678901234"}`)}
}

// BenchmarkEcho compares a call through the pool with the same call given to
// the workers' connections directly: 64 callers, 64 bytes, two workers.
func BenchmarkEcho(b *testing.B) {
	b.Run("pool", func(b *testing.B) {
		pool, req := benchPool(b), echoRequest(b)
		ctx := context.Background()
		parallel(b, func() error {
			_, err := pool.Call(ctx, req)
			return err
		})
	})
	b.Run("workers", func(b *testing.B) {
		pool, req := benchPool(b), echoRequest(b)
		if _, err := pool.Call(b.Context(), req); err != nil { // defines the program
			b.Fatal(err)
		}
		body, hash, err := req.Program.Definition()
		if err != nil {
			b.Fatal(err)
		}
		defer pool.defs.Pin(programKind, hash, body).Unpin()
		workers := pool.members()
		var turn atomic.Uint32
		parallel(b, func() error { return ask(workers[turn.Add(1)%2].Begin, hash, req.Input) })
	})
	b.Run("mux", func(b *testing.B) {
		req := echoRequest(b)
		body, hash, err := req.Program.Definition()
		if err != nil {
			b.Fatal(err)
		}
		conns := []*mux.Conn{bareMux(b, hash, body), bareMux(b, hash, body)}
		var turn atomic.Uint32
		parallel(b, func() error { return ask(conns[turn.Add(1)%2].Begin, hash, req.Input) })
	})
}

// bareMux starts a mock worker and returns its connection, with nothing around
// it.
func bareMux(b *testing.B, hash string, definition []byte) *mux.Conn {
	b.Helper()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		b.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "host"), os.NewFile(uintptr(pair[1]), "worker")
	conn, err := net.FileConn(ours)
	if err != nil {
		b.Fatal(err)
	}
	settings, err := json.Marshal(wire.Settings{Versions: [2]int{1, 1}, Socket: 3, Ledger: -1, Slots: slots, FrameLimit: 1 << 20})
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), os.Args[0], "worker", "--settings", string(settings))
	cmd.ExtraFiles = []*os.File{theirs}
	if err := errors.Join(cmd.Start(), ours.Close(), theirs.Close()); err != nil {
		b.Fatal(err)
	}
	c := mux.New(conn, mux.Config{Resolve: func(_, h string) ([]byte, bool) { return definition, h == hash }})
	b.Cleanup(func() {
		c.Close(nil)
		<-c.Done()
		_ = cmd.Wait()
	})
	if _, err := c.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	return c
}

func (p *Pool) members() []*member {
	p.roster.mu.Lock()
	defer p.roster.mu.Unlock()
	var list []*member
	for _, m := range p.roster.members {
		list = append(list, m)
	}
	return list
}

// ask makes a call without a pool.
func ask(begin func(*mux.Call) (*mux.Pending, error), hash string, body []byte) error {
	p, err := begin(&mux.Call{Program: hash, Body: body})
	if err != nil {
		return err
	}
	<-p.Done()
	if f := p.Outcome().Err; f != nil {
		return f
	}
	return nil
}

// parallel runs f from 64 goroutines.
func parallel(b *testing.B, f func() error) {
	b.Helper()
	b.ReportAllocs()
	b.SetParallelism(32) // times GOMAXPROCS
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := f(); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
