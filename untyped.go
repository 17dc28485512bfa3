package dspool

import (
	"github.com/dspool/dspool/signature"
)

// NewPredict returns a program that asks the language model once. sig is a
// signature such as "question: str -> answer: str"; see [signature.Parse]. The
// error is a *fault.Error with the code invalid_argument.
func NewPredict(sig, instructions string, opts ...PredictOption) (*Spec, error) {
	return newPredict(KindPredict, sig, instructions, opts)
}

// NewChainOfThought is [NewPredict] for a program that lets the language model
// reason first. Its result has the output "reasoning" besides those of sig.
func NewChainOfThought(sig, instructions string, opts ...PredictOption) (*Spec, error) {
	return newPredict(KindChainOfThought, sig, instructions, opts)
}

func newPredict(kind Kind, sig, instructions string, opts []PredictOption) (*Spec, error) {
	parsed, err := signature.Parse(sig)
	if err != nil {
		return nil, err
	}
	s := &Spec{Kind: kind, Signature: parsed, Instructions: instructions}
	for _, o := range opts {
		o.applyPredict(s)
	}
	return checked(s)
}

// NewFunc returns a program that calls a Python function: ref is
// "package.module:function". Inputs are passed by name and coerced by the
// function's own annotations.
func NewFunc(ref string, opts ...CodeOption) (*Spec, error) {
	return newCode(&Spec{Kind: KindFunc, Ref: ref}, opts)
}

// NewModule returns a program that runs a dspy.Module class: ref is
// "package.module:Class". sig describes inputs and outputs; empty means that
// nothing is checked on this side.
func NewModule(ref, sig string, opts ...CodeOption) (*Spec, error) {
	s := &Spec{Kind: KindModule, Ref: ref}
	if sig != "" {
		parsed, err := signature.Parse(sig)
		if err != nil {
			return nil, err
		}
		s.Signature = parsed
	}
	return newCode(s, opts)
}

func newCode(s *Spec, opts []CodeOption) (*Spec, error) {
	for _, o := range opts {
		o.applyCode(s)
	}
	return checked(s)
}

func checked(s *Spec) (*Spec, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	return s, nil
}
