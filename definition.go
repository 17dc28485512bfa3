package dspool

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// hashLen is how many hexadecimal digits of the SHA-256 name a definition.
const hashLen = 32

// definition is a program as workers read it. The order of the members is part
// of the hash.
type definition struct {
	Kind      Kind                 `json:"kind"`
	Ref       string               `json:"ref,omitempty"`
	Method    string               `json:"method,omitempty"`
	Signature *signature.Signature `json:"signature,omitempty"`
	Adapter   string               `json:"adapter,omitempty"`
	Demos     []json.RawMessage    `json:"demos,omitempty"`
	Options   map[string]any       `json:"options,omitempty"`
	Exclusive bool                 `json:"exclusive,omitempty"`
}

// compileSpec checks a Spec and computes everything that its calls need.
func compileSpec(s *Spec) compiledSpec {
	demos, demoErr := s.demos()
	if err := faults(s.checkKind(), checkRef(s.Kind, s.Ref), s.checkObject(), s.checkSignature(), s.checkOptions(), demoErr); err != nil {
		return compiledSpec{err: err}
	}
	d := definition{
		Kind: s.Kind, Ref: s.Ref, Method: s.Method, Signature: s.told(), Adapter: s.Adapter,
		Demos: demos, Options: s.Options, Exclusive: s.Exclusive,
	}
	raw, err := json.Marshal(d)
	if err != nil {
		return compiledSpec{err: fault.Wrap(fault.InvalidArgument, err, "the program cannot be written as JSON")}
	}
	sum := sha256.Sum256(raw)
	return compiledSpec{
		definition: raw, hash: hex.EncodeToString(sum[:])[:hashLen],
		inputs: s.Signature, outputs: s.given(),
	}
}

// faults joins errors into one, keeping a single one as it is.
func faults(errs ...error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	if len(errs) == 0 {
		return nil
	}
	first := fault.From(errs[0])
	if len(errs) == 1 {
		return first
	}
	messages := make([]string, len(errs))
	for i, err := range errs {
		messages[i] = fault.From(err).Message
	}
	return &fault.Error{Code: first.Code, Message: strings.Join(messages, "; "), Cause: nil, Details: first.Details}
}

func (s *Spec) checkKind() error {
	switch {
	case !s.Kind.known():
		return fault.Newf(fault.InvalidArgument, "there is no program of kind %q; kinds are %v", s.Kind, Kinds())
	case !s.Kind.code() && s.Signature == nil:
		return fault.Newf(fault.InvalidArgument, "a program of kind %q needs a signature, such as \"question: str -> answer: str\"", s.Kind)
	case s.Name != "" && (!dotted(s.Name) || strings.Contains(s.Name, ".")):
		return fault.Newf(fault.InvalidArgument, "the program's name %q is not an identifier", s.Name)
	}
	return nil
}

func (s *Spec) checkSignature() error {
	switch {
	case s.Signature == nil:
		return nil
	case s.Kind.code():
		return s.Signature.ValidateNames()
	}
	added := s.Kind.adds()
	if _, clash := s.Signature.Input(added); clash {
		return fault.Newf(fault.InvalidArgument, "input %q collides with the output of that name that %s adds", added, s.Kind)
	}
	if s.Kind == KindReAct {
		if err := s.checkReAct(); err != nil {
			return err
		}
	}
	if f, own := s.Signature.Output(added); own && (f.Schema == nil || f.Schema.Type != "string") && s.Kind == KindChainOfThought {
		return fault.Newf(fault.InvalidArgument, "output %q is text that %s adds itself: declare it as str, or not at all", added, s.Kind)
	}
	return s.told().Validate()
}

// checkReAct refuses the names that dspy.ReAct uses for its own steps.
func (s *Spec) checkReAct() error {
	for _, f := range slices.Concat(s.Signature.Inputs, s.Signature.Outputs) {
		switch f.Name {
		case "max_iters", "next_thought", "next_tool_name", "next_tool_args", "reasoning", "trajectory":
			return fault.Newf(fault.InvalidArgument, "field %q collides with a name that dspy.ReAct uses for itself", f.Name)
		}
	}
	return nil
}

// told returns the signature as the worker is told it: with the program's own
// instructions and name, and without the outputs that its kind adds by itself.
func (s *Spec) told() *signature.Signature {
	if s.Signature == nil {
		return nil
	}
	c := s.Signature.Clone()
	if s.Instructions != "" {
		c.Instructions = s.Instructions
	}
	if s.Name != "" {
		c.Name = s.Name
	}
	if added := s.Kind.adds(); added != "" {
		c.Outputs = slices.DeleteFunc(c.Outputs, func(f signature.Field) bool { return f.Name == added })
	}
	return c
}

// given returns the signature that results are held against: with the outputs
// that the program's kind adds, and open where the program is the user's own.
func (s *Spec) given() *signature.Signature {
	if s.Signature == nil {
		return nil
	}
	c := s.Signature.Clone()
	c.OpenOutputs = s.Kind.code()
	if added := s.Kind.adds(); added != "" {
		if _, declared := c.Output(added); !declared {
			c.Outputs = append(c.Outputs, signature.AnyField(added))
		}
	}
	return c
}

func (s *Spec) checkOptions() error {
	var errs []error
	switch s.Adapter {
	case "", "chat", "json", "xml":
	default:
		errs = append(errs, fmt.Errorf("there is no adapter %q; adapters are chat, json and xml", s.Adapter))
	}
	for _, name := range slices.Sorted(maps.Keys(s.Options)) {
		if secretOption(name) {
			errs = append(errs, fmt.Errorf("option %q belongs into the language model's configuration, not into a program", name))
		} else if _, err := json.Marshal(s.Options[name]); err != nil {
			errs = append(errs, fmt.Errorf("option %q cannot be written as JSON: %w", name, err))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return fault.New(fault.InvalidArgument, strings.ReplaceAll(errors.Join(errs...).Error(), "\n", "; "))
}

// secretOption lists what would send a language model's traffic, and the key
// in it, somewhere else.
func secretOption(name string) bool {
	switch name {
	case "api_key", "api_base", "base_url", "headers", "extra_headers":
		return true
	}
	return false
}
