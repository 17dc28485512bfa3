package dspool

import (
	"context"
	"encoding/json"
	"iter"
	"reflect"
	"time"

	"github.com/dspool/dspool/fault"
)

// A Program is a program whose inputs and outputs are Go types. It is made by
// [Predict], [ChainOfThought], [Func] or [Module], usually once and kept in a
// variable. It is a value without any connection: it costs nothing to copy, any
// [Runner] runs it, and it is safe for concurrent use.
//
// A type that cannot be expressed in JSON, a reserved field name or a bad tag
// does not stop the program from being made; every use of it then fails with
// invalid_argument. [Program.Validate] tells beforehand.
type Program[In, Out any] struct{ p *typed }

// typed is what the copies of a Program share.
type typed struct {
	spec  *Spec
	codec *codec
	err   error
}

// A Result is what one call of a typed program gave.
type Result[Out any] struct {
	// Output is the typed result.
	Output Out
	// Reasoning is what a language model wrote before it answered; empty
	// except for [ChainOfThought].
	Reasoning string
	// Usage counts the tokens by model. Nil when no model was asked.
	Usage Usage
	// Worker is the id of the worker that answered.
	Worker string
	// Queue is how long the call waited before its code began to run, and Run
	// how long the code ran.
	Queue, Run time.Duration
	// Attempts is how often the call was handed to a worker.
	Attempts int
	// Object tells what had become of the object that the call ran on.
	Object ObjectOrigin
	// Raw is the result as it came.
	Raw json.RawMessage
}

// newTyped makes the shared part of a program. sign is how the types become
// the Spec's signature; nil for functions, whose types stay on this side.
func newTyped[In, Out any](spec *Spec, sign func(in, out reflect.Type) error) Program[In, Out] {
	in, out := reflect.TypeFor[In](), reflect.TypeFor[Out]()
	p := &typed{spec: spec}
	p.codec, p.err = newCodec(in, out, sign == nil)
	if p.err == nil && sign != nil {
		p.err = sign(in, out)
	}
	if p.err == nil {
		p.err = spec.Validate()
	}
	return Program[In, Out]{p}
}

// Validate reports why the program cannot be used, or nil. The error is a
// *fault.Error with the code invalid_argument and names every Go field, tag,
// name and option at fault.
func (p Program[In, Out]) Validate() error {
	if p.p == nil {
		return fault.New(fault.InvalidArgument, "the program is a zero value: make it with Predict, ChainOfThought, Func or Module")
	}
	return p.p.err
}

// Spec returns the untyped program. It is shared and read-only.
func (p Program[In, Out]) Spec() *Spec {
	if p.p == nil {
		return nil
	}
	return p.p.spec
}

// String names the program in logs and messages.
func (p Program[In, Out]) String() string { return p.Spec().String() }

// Request returns the request that [Program.Call] would make: for callers that
// set more of it, such as another language model for one call.
func (p Program[In, Out]) Request(in In) (Request, error) {
	if err := p.Validate(); err != nil {
		return Request{}, err
	}
	raw, blobs, err := p.p.codec.encode(&in)
	if err != nil {
		return Request{}, err
	}
	return Request{Program: p.p.spec, Input: raw, Attachments: blobs}, nil
}

// Result reads the response to a request of this program.
func (p Program[In, Out]) Result(resp Response) (Result[Out], error) {
	res := Result[Out]{
		Usage: resp.Usage, Worker: resp.Worker, Queue: resp.Queue, Run: resp.Run,
		Attempts: resp.Attempts, Object: resp.Object, Raw: resp.Output,
	}
	if err := p.Validate(); err != nil {
		return res, err
	}
	if err := p.p.codec.decode(p.p.spec, resp, &res.Output); err != nil {
		return res, fault.From(err).WithWorker(resp.Worker)
	}
	if p.p.spec.Kind == KindChainOfThought {
		res.Reasoning = reasoning(resp.Output)
	}
	return res, nil
}

// reasoning takes the text out of a result that has been checked.
func reasoning(raw json.RawMessage) string {
	var r struct {
		Reasoning string `json:"reasoning"`
	}
	if json.Unmarshal(raw, &r) != nil {
		return "" // not text: it stays in Raw
	}
	return r.Reasoning
}

// Call runs the program once and returns its typed result. Inputs are checked
// before they are sent (invalid_argument) and the result when it comes
// (output_invalid); such errors name the paths of all values at fault. The other
// errors are the Runner's.
func (p Program[In, Out]) Call(ctx context.Context, r Runner, in In) (Out, error) {
	res, err := p.Do(ctx, r, in)
	return res.Output, err
}

// Do is [Program.Call] that also returns what the call cost and where it ran.
func (p Program[In, Out]) Do(ctx context.Context, r Runner, in In) (Result[Out], error) {
	req, err := p.Request(in)
	if err != nil {
		return Result[Out]{}, err
	}
	resp, err := r.Call(ctx, req)
	if err != nil {
		return Result[Out]{}, err
	}
	return p.Result(resp)
}

// An Update is one event of a typed stream.
type Update[Out any] struct {
	Event
	// Result is set on the last update, of kind [EventResult].
	Result *Result[Out]
}

// Stream runs the program and yields what it produces on the way; the last
// update holds the typed result. An error ends the stream. Leaving the loop
// cancels the call.
func (p Program[In, Out]) Stream(ctx context.Context, r Runner, in In) iter.Seq2[Update[Out], error] {
	return func(yield func(Update[Out], error) bool) {
		req, err := p.Request(in)
		if err != nil {
			yield(Update[Out]{}, err)
			return
		}
		items := false
		for ev, err := range r.Stream(ctx, req) {
			u := Update[Out]{Event: ev}
			if err == nil && ev.Kind == EventResult {
				u.Result, err = p.last(ev, items)
			}
			items = items || ev.Kind == EventItem
			if !yield(u, err) || err != nil || u.Result != nil {
				return
			}
		}
		yield(Update[Out]{}, fault.New(fault.Protocol, "the stream ended without a result"))
	}
}

// last reads the event that ends a stream. A generator has no result besides
// its items: null is no value of Out then, and no error.
func (p Program[In, Out]) last(ev Event, items bool) (*Result[Out], error) {
	resp := Response{Output: ev.Data}
	if ev.Response != nil {
		resp = *ev.Response
	}
	if items && (p.p.spec.Kind == KindFunc || p.p.spec.Kind == KindObject) && string(resp.Output) == "null" {
		return &Result[Out]{
			Usage: resp.Usage, Worker: resp.Worker, Queue: resp.Queue, Run: resp.Run,
			Attempts: resp.Attempts, Object: resp.Object, Raw: resp.Output,
		}, nil
	}
	res, err := p.Result(resp)
	if err != nil {
		return nil, err
	}
	return &res, nil
}
