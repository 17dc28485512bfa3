// Package mux runs many calls over one connection to a worker, as
// docs/PROTOCOL.md says: one reader, coalesced writes, credit for streams,
// cancellation, pings, host calls, drain.
//
// A [Conn] is made of any io.ReadWriteCloser and knows nothing of processes. A
// call costs one lock, no goroutine and no timer: [Conn.Begin] puts the frame
// into the connection's queue and, if nobody is writing, writes all that is
// queued itself without ever waiting for the worker. What the socket does not
// take at once is left to the connection's writer. The reader settles calls; it
// waits for nobody either, so the two sides cannot block each other.
package mux
