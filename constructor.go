package dspool

import (
	"reflect"

	"github.com/dspool/dspool/signature"
)

// Predict returns a program that asks the language model once. In and Out are
// structs; their fields, json tags and dspool tags make the signature, see
// [signature.Of]. instructions tell the language model what to do.
func Predict[In, Out any](instructions string, opts ...PredictOption) Program[In, Out] {
	return predict[In, Out](KindPredict, instructions, opts)
}

// ChainOfThought is [Predict] that lets the language model reason first. The
// reasoning is in [Result.Reasoning], and in Out if it has a field "reasoning".
func ChainOfThought[In, Out any](instructions string, opts ...PredictOption) Program[In, Out] {
	return predict[In, Out](KindChainOfThought, instructions, opts)
}

func predict[In, Out any](kind Kind, instructions string, opts []PredictOption) Program[In, Out] {
	spec := &Spec{Kind: kind, Instructions: instructions}
	for _, o := range opts {
		o.applyPredict(spec)
	}
	return newTyped[In, Out](spec, spec.sign)
}

// Func returns a program that calls a Python function: ref is
// "package.module:function". The fields of In are its arguments by name; In may
// also be a map. Python coerces them by the function's annotations. Out is any
// type that the result fits into: members that it lacks are ignored, members
// that it has are required unless they are pointers or have omitempty. A
// function that returns nothing has the Out struct{}.
//
// For a generator use [Program.Stream]: its items are events of the kind
// [EventItem].
func Func[In, Out any](ref string, opts ...CodeOption) Program[In, Out] {
	spec := &Spec{Kind: KindFunc, Ref: ref}
	for _, o := range opts {
		o.applyCode(spec)
	}
	return newTyped[In, Out](spec, nil)
}

// Module returns a program that runs a dspy.Module class of the user's own: ref
// is "package.module:Class". In and Out are structs that describe its inputs and
// the part of its prediction that is wanted.
func Module[In, Out any](ref string, opts ...CodeOption) Program[In, Out] {
	spec := &Spec{Kind: KindModule, Ref: ref}
	for _, o := range opts {
		o.applyCode(spec)
	}
	return newTyped[In, Out](spec, spec.sign)
}

// sign makes the Spec's signature of Go types.
func (s *Spec) sign(in, out reflect.Type) (err error) {
	s.Signature, err = signature.Of(in, out)
	return err
}
