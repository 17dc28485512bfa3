package dspool

import (
	"context"
	"encoding/json"
	"iter"
	"time"

	"github.com/dspool/dspool/lm"
)

// A Runner runs programs. [Pool], [Single] and [Mock] are Runners, and so is
// anything that wraps one: retries, limits, logging.
//
// A Runner is safe for concurrent use. Every error that it returns is a
// *fault.Error or wraps one.
type Runner interface {
	// Call runs req.Program once and waits for its result. It returns as soon
	// as ctx ends, even when the work behind it still has to be stopped.
	Call(ctx context.Context, req Request) (Response, error)
	// Stream runs req.Program and yields what it produces on the way, in
	// order, the last event being of kind [EventResult]. An error ends the
	// stream. Leaving the loop cancels the call.
	Stream(ctx context.Context, req Request) iter.Seq2[Event, error]
}

// A Request names a program and the inputs of one call. It is read-only; the
// same value may be used for many calls. Large inputs are not copied: after a
// call that returned early because its context ended, their bytes may still be
// on the way to the worker, so do not use the memory for something else.
type Request struct {
	// Program is what to run. Required.
	Program *Spec
	// Input is a JSON object with one member for each input that does not
	// travel as an attachment. Empty means an object without members.
	Input json.RawMessage
	// Attachments are inputs of the Python type bytes, by name. They travel
	// as they are, not as base64. A name stands here or in Input, not in both.
	Attachments map[string][]byte
	// LM names one of the pool's language models. Empty means the program's
	// own choice and, where that is empty too, the pool's default.
	LM string
	// Session is the key of the session that the call belongs to, or "": calls
	// of one session go to the same worker, see Config.Affinity. At most 256
	// bytes of UTF-8 without control characters.
	Session string
	// Tenant is whom the call is for, or "": tenants see nothing of each other.
	// Sessions, objects, cached answers, budgets and what is counted are kept
	// apart by it, and tenants take turns when calls have to wait; see
	// Config.Tenants. At most 256 bytes of UTF-8 without control characters.
	Tenant string
	// Affinity is what the call does when the worker of its session is busy.
	// Empty means what Config.Affinity says. It has no meaning without Session.
	Affinity AffinityMode
	// Init is what the constructor of an object gets, a JSON object of arguments
	// by name, if this call makes the object. Empty means what its [Class] says.
	Init json.RawMessage
	// Trace is the W3C traceparent that the call belongs to, or "". User code
	// can ask for it, and with the sampled flag the worker tells Observe what
	// it did.
	Trace string
	// Observe, if not nil, hears of each attempt to run the call when it has
	// ended, before the call returns and on the caller's own goroutine. Package
	// otel makes spans of that.
	Observe func(Attempt)
}

// A Response is the result of one call.
type Response struct {
	// Output is the result: for a program with a signature a JSON object with
	// one member for each output. Numbers are as the program wrote them.
	Output json.RawMessage
	// Attachments are the outputs of the Python type bytes, by name. The name
	// "" means that the whole result is those bytes.
	Attachments map[string][]byte
	// Usage counts the tokens of this call by model. Nil when no language
	// model was asked, or when the answer came from a cache.
	Usage Usage
	// Cost is what the language models cost that the host has asked for this
	// call, in US dollars. It is not known if a price or a count is missing, or
	// if the worker has asked by itself (LM.Direct).
	Cost lm.Cost
	// CacheHits is how many questions to language models were answered from
	// the host's cache, or by the answer to an equal one under way.
	CacheHits int
	// Failovers is how many questions to a language model went to one of its
	// Fallback, answered or not; Usage tells by name which ones answered.
	Failovers int
	// Worker is the id of the worker that answered.
	Worker string
	// Layer is the layer of a [Fallback] that answered, "" without one.
	Layer string
	// Queue is how long the call waited before its code began to run, in this
	// process and in the worker.
	Queue time.Duration
	// Run is how long the program ran.
	Run time.Duration
	// Attempts is how often the call was handed to a worker: 1, unless a
	// worker was lost before it had begun, or the program is idempotent.
	Attempts int
	// Object tells what had become of the object that the call ran on: it may
	// have been restored or renewed after the loss of its worker.
	Object ObjectOrigin
}

// Usage counts tokens by model name.
type Usage map[string]Tokens

// Total returns the sum over all models.
func (u Usage) Total() Tokens {
	var sum Tokens
	for _, t := range u {
		sum.Prompt += t.Prompt
		sum.Completion += t.Completion
		sum.Total += t.Total
	}
	return sum
}

// Tokens are the tokens that a language model counted.
type Tokens struct {
	Prompt     int64 `json:"prompt_tokens"`
	Completion int64 `json:"completion_tokens"`
	Total      int64 `json:"total_tokens"`
}

// EventKind says what an [Event] of a stream carries.
type EventKind string

// The kinds of events. A newer worker may send kinds that are not listed here.
const (
	// EventChunk is a piece of an output field's text as the language model
	// writes it: Field, Text and Last are set.
	EventChunk EventKind = "chunk"
	// EventItem is a value that a generator yielded: Data is set.
	EventItem EventKind = "item"
	// EventStatus is a message on the way: Text is set.
	EventStatus EventKind = "status"
	// EventResult is the last event of every stream that succeeds: Response
	// is set, and Data is its Output.
	EventResult EventKind = "result"
)

// An Event is one item of a stream. It belongs to the reader.
type Event struct {
	Kind EventKind
	// Field is the output field that a chunk belongs to.
	Field string
	// Text is a chunk's text, or a status message.
	Text string
	// Last marks the last chunk of a field.
	Last bool
	// Data is the JSON value of an item or a result; for other kinds the
	// event's body as the worker sent it.
	Data json.RawMessage
	// Response is set on the result only.
	Response *Response
}
