package dspool

import (
	"context"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dspool/dspool/internal/mux"
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
		parallel(b, func() error {
			w := workers[turn.Add(1)%2]
			p, err := w.Begin(&mux.Call{Program: hash, Body: req.Input})
			if err != nil {
				return err
			}
			<-p.Done()
			if f := p.Outcome().Err; f != nil {
				return f
			}
			return nil
		})
	})
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
