package wiremock

import (
	"encoding/json"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/sample"
	"github.com/dspool/dspool/internal/wire"
)

// A program is a definition as this worker understands it.
type program struct {
	ref    string // what it is called by, or its kind
	name   string // of a "mock:NAME" function, "" for other kinds
	does   func(*call) (json.RawMessage, error)
	fields []field
	defs   map[string]*jsonschema.Schema
	object *method // nil for other kinds
}

type field struct {
	Name   string             `json:"name"`
	Schema *jsonschema.Schema `json:"schema"`
}

type definition struct {
	Kind      string `json:"kind"`
	Ref       string `json:"ref"`
	Method    string `json:"method"`
	Signature struct {
		Outputs []field                       `json:"outputs"`
		Defs    map[string]*jsonschema.Schema `json:"defs"`
	} `json:"signature"`
}

// readProgram reads a definition. A worker that is directed takes functions that
// it does not have: what they do is not its own choice.
func readProgram(body []byte, directed bool) (*program, *fault.Error) {
	var d definition
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err, "the program's definition cannot be read").WithStarted(fault.StartedNo)
	}
	if d.Kind == "object" {
		return readMethod(d)
	}
	if d.Kind != "func" {
		return &program{ref: d.Kind, fields: append(d.Signature.Outputs, added(d)...), defs: d.Signature.Defs}, nil
	}
	if d.Ref == wire.ProbeRef {
		return &program{ref: d.Ref, name: "ready", does: ready}, nil
	}
	name, mine := strings.CutPrefix(d.Ref, "mock:")
	does := function(name)
	if !mine || does == nil {
		unknown := fault.Newf(fault.NotFound, "the mock has no function %q", d.Ref).WithStarted(fault.StartedNo)
		if !directed {
			return nil, unknown
		}
		does = func(*call) (json.RawMessage, error) { return nil, unknown }
	}
	return &program{ref: d.Ref, name: name, does: does}, nil
}

// added are the outputs that a kind of program has besides its signature's.
func added(d definition) []field {
	name, typ := "reasoning", "string"
	switch d.Kind {
	case "chain_of_thought":
	case "react":
		name, typ = "trajectory", "object"
	default:
		return nil
	}
	return []field{{Name: name, Schema: &jsonschema.Schema{Type: typ}}}
}

// deaf programs run on when they are cancelled.
func (p *program) deaf() bool { return p.name == "hang" }

// unannounced programs do not note their start in the ledger.
func (p *program) unannounced() bool {
	return p.object != nil || p.name == "crash_before_start" || p.name == "never_ack"
}

func (p *program) run(c *call) (json.RawMessage, error) {
	if p.object != nil {
		return p.object.call(c)
	}
	if p.does != nil {
		return p.does(c)
	}
	out := map[string]json.RawMessage{}
	maker := sample.Maker{Prefix: "bridge_mock", Seed: seed(c.input), Defs: p.defs}
	for _, f := range p.fields {
		value, err := maker.Value(f.Name, f.Schema)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "no value can be made up")
		}
		out[f.Name] = value
		if err := c.chunk(f.Name, value); err != nil {
			return nil, err
		}
	}
	return encode(out)
}

// seed makes the answer a function of the inputs.
func seed(input map[string]json.RawMessage) uint64 {
	var all uint64
	for name, value := range input {
		all ^= sample.Mix(sample.Hash(name) ^ sample.Mix(sample.Hash(string(value))))
	}
	return all
}

func encode(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.OutputInvalid, err, "the result is not JSON")
	}
	return b, nil
}
