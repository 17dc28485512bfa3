package dspool

import (
	"testing"

	"github.com/dspool/dspool/internal/worker"
)

// BenchmarkTelling is what counting a call costs, and telling of it.
func BenchmarkTelling(b *testing.B) {
	for name, heard := range map[string]bool{"nobody listens": false, "somebody listens": true} {
		b.Run(name, func(b *testing.B) {
			pool, err := New(Config{})
			if err != nil {
				b.Fatal(err)
			}
			if heard {
				_ = pool.Events(b.Context())
			}
			req, m := Request{Program: &Spec{Kind: KindFunc, Ref: "m:f"}}, &member{Worker: new(worker.Worker)}
			b.ReportAllocs()
			for b.Loop() {
				t := pool.accept(&req)
				t.attempts, t.answered = 1, true
				if !heard {
					pool.handed(&t, m, 0)
				} else {
					pool.publish(t.event(CallStarted, t.arrived)) // handed asks a process for its pid
				}
				pool.ended(&t, nil)
			}
		})
	}
}
