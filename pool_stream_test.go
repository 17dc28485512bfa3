package dspool_test

import (
	"testing"

	"github.com/dspool/dspool"
)

// A stream whose reader is gone must not hold its place until its budget ends:
// the program waits for credit that nobody will grant.
func TestAReaderThatPanicsCancelsItsStream(t *testing.T) {
	t.Parallel()
	pool := mockPool(t, func(c *dspool.Config) { c.Workers = 1 })
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the reader's panic was swallowed")
			}
		}()
		for range pool.Stream(t.Context(), dspool.Request{Program: mock(t, "stream"), Input: []byte(`{"n":1000000}`)}) {
			panic("the reader fails")
		}
	}()
	until(t, "the stream's place is free", func() bool { return pool.Status().InFlight == 0 })
}
