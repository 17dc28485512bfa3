package worker

import (
	"strings"
	"sync"
	"testing"

	"github.com/dspool/dspool/internal/mux"
)

// What a worker adds to a call on its connection: counting it in and out.
func BenchmarkLife(b *testing.B) {
	b.Run("one caller", func(b *testing.B) {
		l := at(Ready, 0)
		b.ReportAllocs()
		for b.Loop() {
			l.enter()
			l.leave()
		}
	})
	b.Run("busy", func(b *testing.B) {
		l := at(Busy, 1)
		b.ReportAllocs()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				l.enter()
				l.leave()
			}
		})
	})
}

func BenchmarkEcho(b *testing.B) {
	w := benchWorker(b)
	for _, callers := range []int{1, 64} {
		b.Run(map[int]string{1: "one caller", 64: "64 callers"}[callers], func(b *testing.B) {
			b.ReportAllocs()
			var wg sync.WaitGroup
			for range callers {
				wg.Go(func() {
					for range b.N/callers + 1 {
						p, err := w.Begin(&mux.Call{Program: "echo", Body: []byte(`{"text":"0123456789"}`)})
						if err != nil {
							b.Error(err)
							return
						}
						<-p.Done()
					}
				})
			}
			wg.Wait()
		})
	}
}

func benchWorker(b *testing.B) *Worker {
	b.Helper()
	s := NewSpawner(config(b))
	if err := s.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Stop(b.Context()) })
	w, err := s.Spawn(b.Context(), "w1")
	if err != nil {
		b.Fatal(err)
	}
	return w
}

func BenchmarkRedact(b *testing.B) {
	redact := redactor(nil, nil)
	lines := map[string]string{
		"flood":   strings.Repeat("x", 99),
		"logging": "2026-01-02 03:04:05,678 INFO my.module: processed 123 documents in 4.5 s, 6 skipped, key question",
	}
	for name, line := range lines {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				redact(line)
			}
		})
	}
}
