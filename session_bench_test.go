package dspool_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/dspool/dspool"
)

// BenchmarkSessionCall is what a session adds to a call: the Runner below does
// nothing.
func BenchmarkSessionCall(b *testing.B) {
	input := json.RawMessage(`{"question":"Why is the sky blue?"}`)
	for name, sig := range map[string]string{"plain": "question: str -> answer: str", "history of 100 turns": chatSignature} {
		for store, config := range map[string]dspool.SessionsConfig{
			"no store": {}, "store": {Store: &dspool.MemoryStore{}, FlushInterval: time.Second},
		} {
			b.Run(name+", "+store, func(b *testing.B) {
				table := sessionsOver(b, effortless{}, config)
				s, req := table.Session("s"), dspool.Request{Program: predict(b, sig), Input: input}
				b.ReportAllocs()
				for b.Loop() {
					if _, err := s.Call(b.Context(), req); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkSessionsApart is the same for callers with a session each, all at
// once.
func BenchmarkSessionsApart(b *testing.B) {
	table := sessionsOver(b, effortless{}, dspool.SessionsConfig{})
	spec := predict(b, "question: str -> answer: str")
	b.RunParallel(func(pb *testing.PB) {
		s := table.Session(string(rune('a' + time.Now().Nanosecond()%1000)))
		for pb.Next() {
			if _, err := s.Call(b.Context(), dspool.Request{Program: spec}); err != nil {
				b.Error(err)
			}
		}
	})
}

// effortless is a Runner that does nothing.
type effortless struct{ dspool.Runner }

func (effortless) Call(context.Context, dspool.Request) (dspool.Response, error) {
	return dspool.Response{Output: json.RawMessage(`{"answer":"because"}`)}, nil
}
