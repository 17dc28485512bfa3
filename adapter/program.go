package adapter

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// programArgs are the arguments of create_program.
type programArgs struct {
	ProgramID    string          `json:"program_id"`
	ID           string          `json:"id"`
	Signature    json.RawMessage `json:"signature"`
	ProgramType  string          `json:"program_type"`
	Instructions string          `json:"instructions"`
	LM           string          `json:"lm"`
	Model        string          `json:"model"`
}

// ParseProgram reads the arguments of create_program:
//
//	{"program_id" or "id", "signature": {"inputs": [...], "outputs": [...]} or "a: str -> b: str",
//	 "program_type": "predict" | "chain_of_thought" | "react", "instructions", "lm"}
//
// An unknown type is predict; members that it does not know are left aside. The
// error is invalid_argument.
func ParseProgram(raw json.RawMessage) (Program, error) {
	var args programArgs
	if err := decode(raw, &args); err != nil {
		return Program{}, err
	}
	return args.program()
}

func (a programArgs) program() (Program, error) {
	sig, err := parseSignature(a.Signature)
	if err != nil {
		return Program{}, err
	}
	spec := &dspool.Spec{Kind: kindOf(a.ProgramType), Signature: sig, Instructions: a.Instructions, LM: a.LM}
	if err := spec.Validate(); err != nil {
		return Program{}, err //nolint:wrapcheck // says it all
	}
	return Program{ID: a.id(), Spec: spec}, nil
}

// id is program_id, or else id.
func (a programArgs) id() string {
	if a.ProgramID != "" {
		return a.ProgramID
	}
	return a.ID
}

// kindOf reads a program_type. What is none is predict.
func kindOf(programType string) dspool.Kind {
	switch kind := dspool.Kind(strings.ToLower(programType)); kind {
	case dspool.KindChainOfThought, dspool.KindReAct:
		return kind
	case dspool.KindPredict, dspool.KindModule, dspool.KindFunc, dspool.KindObject:
	}
	return dspool.KindPredict
}

// parseSignature reads both ways of writing a signature.
func parseSignature(raw json.RawMessage) (*signature.Signature, error) {
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" {
		return nil, fault.New(fault.InvalidArgument, "Program signature is required").WithStarted(fault.StartedNo)
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return signature.Parse(text) //nolint:wrapcheck // says it all
	}
	return signature.FromJSON(raw) //nolint:wrapcheck // says it all
}

// decode reads arguments, which are an object; none are an empty one.
func decode(raw json.RawMessage, into any) error {
	if trimmed := bytes.TrimSpace(raw); len(trimmed) == 0 || string(trimmed) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return fault.Wrap(fault.InvalidArgument, err, "args: expected an object with the command's arguments").WithStarted(fault.StartedNo)
	}
	return nil
}
