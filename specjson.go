package dspool

import (
	"bytes"
	"encoding/json"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// specJSON is a whole Spec as JSON, unlike its definition, which is the part
// that workers are told.
type specJSON struct {
	Kind         Kind                 `json:"kind"`
	Name         string               `json:"name,omitempty"`
	Ref          string               `json:"ref,omitempty"`
	Method       string               `json:"method,omitempty"`
	Signature    *signature.Signature `json:"signature,omitempty"`
	Instructions string               `json:"instructions,omitempty"`
	Adapter      string               `json:"adapter,omitempty"`
	LM           string               `json:"lm,omitempty"`
	Demos        []json.RawMessage    `json:"demos,omitempty"`
	Options      map[string]any       `json:"options,omitempty"`
	Exclusive    bool                 `json:"exclusive,omitempty"`
	Idempotent   bool                 `json:"idempotent,omitempty"`
	Renewable    bool                 `json:"renewable,omitempty"`
}

// MarshalJSON encodes the program with all that it says, so that
// [Spec.UnmarshalJSON] gives one that has the same definition. An unusable
// program is an error.
func (s *Spec) MarshalJSON() ([]byte, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	demos, err := s.demos()
	if err != nil {
		return nil, err
	}
	return json.Marshal(specJSON{
		Kind: s.Kind, Name: s.Name, Ref: s.Ref, Signature: s.Signature, Instructions: s.Instructions, Adapter: s.Adapter,
		LM: s.LM, Demos: demos, Options: s.Options, Exclusive: s.Exclusive, Idempotent: s.Idempotent,
		Method: s.Method, Renewable: s.Renewable,
	})
}

// UnmarshalJSON reads a program that [Spec.MarshalJSON] wrote, into a Spec that
// has not been used. Members that it does not know are an error: they would
// change what the program does.
func (s *Spec) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber() // options stay as they were written
	d.DisallowUnknownFields()
	var r specJSON
	if err := d.Decode(&r); err != nil {
		return fault.Wrap(fault.InvalidArgument, err, "the program cannot be read")
	}
	s.Kind, s.Name, s.Ref, s.Signature, s.Instructions, s.Adapter = r.Kind, r.Name, r.Ref, r.Signature, r.Instructions, r.Adapter
	s.LM, s.Demos, s.Options, s.Exclusive, s.Idempotent = r.LM, nil, r.Options, r.Exclusive, r.Idempotent
	s.Method, s.Renewable = r.Method, r.Renewable
	for _, demo := range r.Demos {
		s.Demos = append(s.Demos, Demo{Input: demo})
	}
	return nil
}
