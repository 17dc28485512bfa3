package dspool

import (
	"context"
	"encoding/json"
	"iter"
	"maps"

	"github.com/dspool/dspool/fault"
)

// A Class is a Python class of the user's own whose objects live in workers:
// one for each session, made by the first call in the session and kept until the
// session ends. Its methods are programs, made by [Method]. It is a value
// without any connection, and safe for concurrent use.
type Class struct {
	ref  string
	opts []ObjectOption
}

// Object returns the class of a reference, "package.module:Class".
//
// An object is with one worker. When that worker is lost, the object is lost
// with it, and the next call in the session fails with session_lost, unless
//
//   - the class has two hooks, __dspool_snapshot__(self), which returns a JSON
//     value, and the classmethod __dspool_restore__(cls, state): then the pool
//     keeps the snapshot of the last successful call and the next call makes
//     the object of it in another worker. [Response.Object] says so.
//   - the class is [Renewable]: then the next call makes a new object.
//
// Calls of one object run one after the other, in the order in which they come,
// unless they are [Concurrent]. An object that nobody used for
// Config.Affinity.TTL is ended as [Pool.ReleaseSession] ends it: its aclose or
// close method is called, if it has one.
func Object(ref string, opts ...ObjectOption) Class { return Class{ref: ref, opts: opts} }

// Method returns a program that calls a method of a class on the object of the
// call's session. The fields of In are the method's arguments by name, as for
// [Func]; a method that yields is for [Program.Stream]. Calls need a session:
// use [Pool.Session], [Class.In] or Request.Session.
func Method[In, Out any](class Class, name string, opts ...ObjectOption) Program[In, Out] {
	return newTyped[In, Out](class.method(name, opts), nil)
}

// NewObject returns a program that calls a method of a class, "package.module:Class",
// on the object of the call's session: [Method] without Go types.
func NewObject(ref, method string, opts ...ObjectOption) (*Spec, error) {
	return checked(Object(ref).method(method, opts))
}

func (c Class) method(name string, opts []ObjectOption) *Spec {
	s := &Spec{Kind: KindObject, Ref: c.ref, Method: name}
	for _, o := range c.opts {
		o.applyObject(s)
	}
	for _, o := range opts {
		o.applyObject(s)
	}
	return s
}

// In returns a Runner whose calls are for the objects of one session. init is
// what the class's constructor gets if a call makes the object: a struct or a
// map of arguments by name, nil for what the class says itself.
func (c Class) In(r Runner, session string, init any) Runner {
	o := owner{runner: r, session: session}
	if init != nil {
		raw, err := json.Marshal(init)
		o.init = raw
		if err != nil {
			o.err = badField("Init", "cannot be written as JSON: %v", err)
		}
	}
	return o
}

// An owner runs programs in one session.
type owner struct {
	runner  Runner
	session string
	init    json.RawMessage
	err     *fault.Error
}

// Call runs a program once.
func (o owner) Call(ctx context.Context, req Request) (Response, error) {
	if o.err != nil {
		return Response{}, o.err
	}
	return o.runner.Call(ctx, o.dress(req))
}

// Stream runs a program and yields what it produces.
func (o owner) Stream(ctx context.Context, req Request) iter.Seq2[Event, error] {
	if o.err != nil {
		return func(yield func(Event, error) bool) { yield(Event{}, o.err) }
	}
	return o.runner.Stream(ctx, o.dress(req))
}

func (o owner) dress(req Request) Request {
	req.Session = o.session
	if o.init != nil {
		req.Init = o.init
	}
	return req
}

// An ObjectOption changes a class or one of its methods: see [Object].
type ObjectOption interface{ applyObject(*Spec) }

// objectOption is an ObjectOption made of a function.
type objectOption func(*Spec)

func (f objectOption) applyObject(s *Spec) { f(s) }

// WithInit sets the arguments of the class's constructor by name, a struct or a
// map that can be written as JSON. Request.Init overrides them for one session.
func WithInit(arguments any) ObjectOption { return objectSetting("init", arguments) }

// Renewable allows that an object that was lost with its worker, and of which
// there is no snapshot, is made anew by the next call.
func Renewable() ObjectOption { return objectOption(func(s *Spec) { s.Renewable = true }) }

// Concurrent lets calls run beside other concurrent ones of the same object.
// The class has to be made for that.
func Concurrent() ObjectOption { return objectSetting("concurrent", true) }

// SnapshotEvery makes the snapshot come back with every n-th successful call of
// an object only: cheaper, and a restored object may lack the last n-1.
func SnapshotEvery(n int) ObjectOption { return objectSetting("snapshot_every", n) }

func objectSetting(name string, value any) ObjectOption {
	return objectOption(func(s *Spec) {
		s.Options = maps.Clone(s.Options)
		if s.Options == nil {
			s.Options = map[string]any{}
		}
		s.Options[name] = value
	})
}

// checkObject refuses what cannot be a method of a class.
func (s *Spec) checkObject() error {
	if s.Kind != KindObject {
		if s.Method != "" || s.Renewable {
			return fault.Newf(fault.InvalidArgument, "a program of kind %q has no method and is not renewable", s.Kind)
		}
		return nil
	}
	if !dotted(s.Method) || s.Method[0] == '_' && s.Method != "__call__" {
		return fault.Newf(fault.InvalidArgument, "%q is not the name of a public method", s.Method)
	}
	if n, given := s.Options["snapshot_every"].(int); given && n < 1 {
		return fault.Newf(fault.InvalidArgument, "option \"snapshot_every\" must be at least 1, got %d", n)
	}
	return checkInit(s.Options["init"])
}

// checkInit refuses arguments that are no JSON object.
func checkInit(init any) error {
	if init == nil {
		return nil
	}
	raw, err := json.Marshal(init)
	if err == nil && (len(raw) == 0 || raw[0] != '{') {
		return fault.New(fault.InvalidArgument, "option \"init\" must be the constructor's arguments by name: a struct or a map")
	}
	return nil // what cannot be written is told with all options
}

// concurrent reports whether calls may run beside each other.
func (s *Spec) concurrent() bool {
	yes, _ := s.Options["concurrent"].(bool)
	return yes
}
