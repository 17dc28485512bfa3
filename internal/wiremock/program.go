package wiremock

import (
	"encoding/json"
	"strings"

	"github.com/dspool/dspool/fault"
)

// A program is a definition as this worker understands it.
type program struct {
	name    string // of a "mock:NAME" function, "" for other kinds
	does    func(*call) (json.RawMessage, error)
	fields  []field
	samples samples
}

type field struct {
	Name   string         `json:"name"`
	Schema map[string]any `json:"schema"`
}

type definition struct {
	Kind      string `json:"kind"`
	Ref       string `json:"ref"`
	Signature struct {
		Outputs []field        `json:"outputs"`
		Defs    map[string]any `json:"defs"`
	} `json:"signature"`
}

func readProgram(body []byte) (*program, *fault.Error) {
	var d definition
	if err := json.Unmarshal(body, &d); err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err, "the program's definition cannot be read").WithStarted(fault.StartedNo)
	}
	if d.Kind != "func" {
		return &program{fields: d.Signature.Outputs, samples: samples{defs: d.Signature.Defs}}, nil
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
		out[f.Name] = p.samples.of(f.Name, f.Schema)
		if err := c.chunk(f.Name, out[f.Name]); err != nil {
			return nil, err
		}
	}
	return encode(out)
}

func encode(v any) (json.RawMessage, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.OutputInvalid, err, "the result is not JSON")
	}
	return b, nil
}
