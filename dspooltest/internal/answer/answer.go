package answer

import (
	"encoding/json"
	"strings"

	"github.com/dspool/dspool/internal/sample"
)

// Flaw is a fault that an answer can be given on purpose.
type Flaw uint8

// Flaws that the text of an answer can have.
const (
	// Sound is an answer as it should be.
	Sound Flaw = iota
	// Prose is an answer without any of the fields asked for.
	Prose
	// MissingField leaves the last field out.
	MissingField
	// WrongType gives every field that is not text a value of another type.
	WrongType
	// OutOfRange breaks the limits of every number, text and list that has any.
	OutOfRange
)

// Options change how a prompt is answered.
type Options struct {
	// Seed changes the values that the inputs leave open.
	Seed uint64
	// Set gives fields the values to answer with, by name.
	Set map[string]json.RawMessage
	// Flaw spoils the answer.
	Flaw Flaw
}

// Answer answers the prompt for the inputs in user, the last user message.
func (p *Prompt) Answer(user string, o Options) string {
	inputs := p.Read(user)
	g := newGenerator(inputs, o.Seed)
	if p.Format == Plain || o.Flaw == Prose {
		return g.prose()
	}
	fields := p.Outputs
	if o.Flaw == MissingField && len(fields) > 0 {
		fields = fields[:len(fields)-1]
	}
	values := make([]value, len(fields))
	for i, f := range fields {
		values[i] = g.field(f, p, inputs, o)
	}
	return p.render(fields, values)
}

func newGenerator(inputs []Input, seed uint64) *generator {
	for _, in := range inputs {
		seed = sample.Mix(seed ^ sample.Hash(in.Name) ^ sample.Mix(sample.Hash(in.Text)))
	}
	return &generator{seed: seed, facts: readFacts(inputs)}
}

func (g *generator) prose() string {
	if g.facts.result != "" {
		return g.facts.result
	}
	return g.sentence("answer")
}

func (g *generator) field(f Field, p *Prompt, inputs []Input, o Options) value {
	if raw, ok := o.Set[f.Name]; ok {
		return fromJSON(raw)
	}
	if o.Flaw == WrongType && !f.text {
		return text("not a value of this type")
	}
	if o.Flaw == OutOfRange {
		if v, ok := f.schema.outside(); ok {
			return v
		}
	}
	if v, ok := p.act(f, inputs, g); ok {
		return v
	}
	return g.value(f.Name, f.schema, 0)
}

// outside returns a value that breaks a limit of s, if it has one.
func (s *schema) outside() (value, bool) {
	one, hundred := json.Number("1"), 100
	switch s.typeName() {
	case "integer", "number":
		for _, end := range []json.Number{s.Maximum, s.ExclusiveMaximum} {
			if r := rat(end); r != nil {
				return number(floor(r.Add(r, rat(one))).String()), true
			}
		}
		for _, end := range []json.Number{s.Minimum, s.ExclusiveMinimum} {
			if r := rat(end); r != nil {
				return number(floor(r.Sub(r, rat(one))).String()), true
			}
		}
	case "string":
		if s.MaxLength != nil {
			return text(strings.Repeat("x", *s.MaxLength+1)), true
		}
		if s.MinLength != nil && *s.MinLength > 0 {
			return text(""), true
		}
	case "array":
		if s.MinItems != nil && *s.MinItems > 0 {
			return value{kind: listKind}, true
		}
		if s.MaxItems != nil && *s.MaxItems < hundred {
			return value{kind: listKind, items: make([]value, *s.MaxItems+1)}, true
		}
	}
	return null(), false
}

// Schema answers with a JSON value of the type that a JSON Schema describes,
// for prompts that carry one beside the messages. It returns "" for what is
// not a schema.
func Schema(raw json.RawMessage, user string, o Options) string {
	var s schema
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	g := newGenerator([]Input{{Name: "prompt", Text: user}}, o.Seed)
	return string(g.value("answer", &s, 0).append(nil))
}

// Arguments is [Schema] for the parameters of a tool: numbers are taken from
// the user's message where it has any.
func Arguments(raw json.RawMessage, user string, o Options) string {
	var s schema
	if json.Unmarshal(raw, &s) != nil {
		return "{}"
	}
	g := newGenerator([]Input{{Name: "prompt", Text: user}}, o.Seed)
	g.defs = s.Defs
	v := g.arguments(&s.Properties)
	for i, name := range v.keys {
		if set, ok := o.Set[name]; ok {
			v.items[i] = fromJSON(set)
		}
	}
	return string(v.append(nil))
}
