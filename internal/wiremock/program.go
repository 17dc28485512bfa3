package wiremock

import (
	"encoding/json"
	"strings"

	"github.com/dspool/dspool/fault"
)

// A program is a definition as this worker understands it.
type program struct {
	name   string // of a "mock:NAME" function, "" for other kinds
	does   func(*call) (json.RawMessage, error)
	fields []field
}

type field struct {
	Name   string         `json:"name"`
	Schema map[string]any `json:"schema"`
}

type definition struct {
	Kind      string `json:"kind"`
	Ref       string `json:"ref"`
	Signature struct {
		Outputs []field `json:"outputs"`
	} `json:"signature"`
}

func readProgram(body []byte) (*program, *fault.Error) {
	var d definition
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err, "the program's definition cannot be read").WithStarted(fault.StartedNo)
	}
	if d.Kind != "func" {
		return &program{fields: d.Signature.Outputs}, nil
	}
	name, mine := strings.CutPrefix(d.Ref, "mock:")
	does := function(name)
	if !mine || does == nil {
		return nil, fault.Newf(fault.NotFound, "the mock has no function %q", d.Ref).WithStarted(fault.StartedNo)
	}
	return &program{name: name, does: does}, nil
}

// deaf programs run on when they are cancelled.
func (p *program) deaf() bool { return p.name == "hang" }

// unannounced programs do not note their start in the ledger.
func (p *program) unannounced() bool {
	return p.name == "crash_before_start" || p.name == "never_ack"
}

func (p *program) run(c *call) (json.RawMessage, error) {
	if p.does != nil {
		return p.does(c)
	}
	out := map[string]any{}
	for _, f := range p.fields {
		out[f.Name] = sampleOf(f)
	}
	return encode(out)
}

// sampleOf makes a value of the field's type.
func sampleOf(f field) any {
	if members, ok := f.Schema["enum"].([]any); ok && len(members) > 0 {
		return members[0]
	}
	switch f.Schema["type"] {
	case "integer":
		return whole(f.Schema["minimum"])
	case "number":
		return number(f.Schema["minimum"], f.Schema["maximum"])
	case "boolean":
		return true
	case "array":
		return []any{}
	case "object":
		return map[string]any{}
	default:
		return "mock " + f.Name
	}
}

func whole(minimum any) any {
	if m, ok := minimum.(float64); ok {
		return m
	}
	return 1
}

func number(minimum, maximum any) any {
	low, hasLow := minimum.(float64)
	high, hasHigh := maximum.(float64)
	switch {
	case hasLow && hasHigh:
		return (low + high) / 2
	case hasLow:
		return low
	default:
		return 0.5
	}
}

func encode(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.OutputInvalid, err, "the result is not JSON")
	}
	return b, nil
}
