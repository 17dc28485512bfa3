package mux

import (
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// Reasons for a cancellation, as the wire has them.
const (
	Canceled = "canceled"
	Deadline = "deadline"
)

// Call is what a worker is asked to do. It may be used again once [Conn.Begin]
// has returned, but the bytes of Body and Attachments must not change until
// the call is done: large ones are not copied.
type Call struct {
	// Program and LM are the hashes of the definitions; LM "" means none.
	Program, LM string
	// Deadline is the end of the call's time budget; zero: none.
	Deadline time.Time
	// Owner is handed to the host calls that are made on behalf of this call.
	Owner any
	// Trace is a W3C traceparent, Tenant whose call it is, Session a session key
	// of that tenant; each may be "".
	Trace, Tenant, Session string
	// Object says what is known of the session's object, State is what to make
	// it of: see wire.CallMeta.
	Object string
	State  []byte
	// Body is the JSON object of inputs.
	Body []byte
	// Attachments are inputs that are bytes, by name.
	Attachments map[string][]byte
	// Credit above 0 makes the call a stream whose events are read with
	// [Pending.Next]: that many may be under way before some are taken.
	Credit int
	// Settled, if not nil, runs exactly once, when the work has really stopped,
	// before Done is closed. It runs on the connection's reader and must not
	// block. It does not run if Begin failed.
	Settled func(Outcome)
}

// Reply is what the program answered.
type Reply struct {
	// Body is the JSON result; empty if the whole result is the attachment "".
	Body []byte
	// Attachments are the results that are bytes, by name; nil if there are none.
	Attachments map[string][]byte
	// State is the snapshot of the call's object, nil for none.
	State []byte
	// Meta holds usage and times.
	Meta wire.ResultMeta
}

// Outcome is how a call ended: with a reply, or with Err.
type Outcome struct {
	Reply Reply
	// Spans are the worker's part of a trace as JSON, nil for none.
	Spans []byte
	// Err is nil for a reply. Its Started comes from the worker, or from the
	// ledger where the worker did not say.
	Err *fault.Error
}

// NeverStarted reports whether the call failed before one instruction of user
// code ran: it may be made again without any risk.
func (o Outcome) NeverStarted() bool {
	return o.Err != nil && o.Err.Started == fault.StartedNo
}

// StreamEvent is one item of a stream.
type StreamEvent struct {
	// Kind is "item", "chunk", "status", or what a later version adds.
	Kind string
	// Data is one JSON value.
	Data []byte
}

// Pong is the answer to a ping.
type Pong struct {
	// RTT is the time that the ping took, Lag by how much the worker's event
	// loop was late.
	RTT, Lag time.Duration
	// Running is the number of calls in flight as the worker counts them.
	Running int
	// RSS is resident memory in bytes, 0 if the worker could not tell.
	RSS int64
}

// Counts says what the connection has seen that should not happen, or happens
// only to calls that were over.
type Counts struct {
	// Sent frames were queued for the worker, Received ones came from it, those
	// that were refused not counted.
	Sent, Received Traffic
	// Late counts frames for calls that are over or never were.
	Late uint64
	// Refused counts frames that were malformed or too large.
	Refused uint64
	// Complaints counts ERROR frames about none of the calls in flight.
	Complaints uint64
}

// Traffic is what went one way, headers included.
type Traffic struct{ Frames, Bytes uint64 }

// add counts one frame.
func (t *Traffic) add(meta, body int) {
	t.Frames++
	t.Bytes += uint64(wire.HeaderSize + meta + body) //nolint:gosec // sizes
}
