package signature

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"

	"github.com/dspool/dspool/fault"
)

// FromJSON reads a signature that is written as a [Description]. A field's type
// is text, as in [Parse], or a list such as ["list", "string"], ["dict",
// "string", "integer"] or ["union", ["string", "integer"]]; "schema" may hold a
// JSON Schema instead, as in what [Signature.MarshalJSON] writes. A field
// without any is a string. A field has limits under the names of [Limits];
// min_value, max_value and enum are understood too, and "required": false means
// optional. Other members of a field are errors; other members of the signature
// are left aside.
//
// The error is a *fault.Error with the code invalid_argument that names every
// field at fault, with its path. Names that DSPy keeps for itself are not
// refused here: [Signature.Validate] does.
func FromJSON(raw json.RawMessage) (*Signature, error) {
	var source struct {
		Name         string                        `json:"name"`
		Instructions string                        `json:"instructions"`
		Description  string                        `json:"description"`
		Inputs       []json.RawMessage             `json:"inputs"`
		Outputs      []json.RawMessage             `json:"outputs"`
		Defs         map[string]*jsonschema.Schema `json:"defs"`
	}
	if err := json.Unmarshal(raw, &source); err != nil {
		return nil, fault.Newf(fault.InvalidArgument, "signature: %v; %s", err, jsonExample)
	}
	sig := &Signature{Name: NameDefault, Instructions: source.Instructions, Defs: source.Defs}
	if identifier(source.Name) {
		sig.Name = source.Name
	}
	if sig.Instructions == "" {
		sig.Instructions = source.Description
	}
	in, problems := readFields(source.Inputs, inputs)
	out, more := readFields(source.Outputs, outputs)
	if problems = append(problems, more...); len(problems) > 0 {
		return nil, fault.Newf(fault.InvalidArgument, "signature: %s; %s", strings.Join(problems, "; "), jsonExample)
	}
	sig.Inputs, sig.Outputs = in, out
	if err := sig.ValidateNames(); err != nil {
		return nil, err
	}
	return sig, nil
}

const jsonExample = `for example {"inputs": [{"name": "question", "type": "string"}], "outputs": [{"name": "answer", "type": "string"}]}`

// readFields reads one side, and says what is wrong with each field.
func readFields(from []json.RawMessage, on side) (fields []Field, problems []string) {
	for i, raw := range from {
		f, err := readField(raw)
		if err != nil {
			problems = append(problems, fmt.Sprintf("%ss[%d]: %s", on, i, fault.From(err).Message))
		}
		fields = append(fields, f)
	}
	return fields, problems
}

// fieldSource is a field in any of the ways in which it may be written.
type fieldSource struct {
	Name        string             `json:"name"`
	Type        json.RawMessage    `json:"type"`
	Schema      *jsonschema.Schema `json:"schema"`
	Description string             `json:"description"`
	Desc        string             `json:"desc"`
	Required    *bool              `json:"required"`
	MinValue    *float64           `json:"min_value"`
	MaxValue    *float64           `json:"max_value"`
	Enum        []any              `json:"enum"`
	Limits
}

func readField(raw json.RawMessage) (Field, error) {
	var source fieldSource
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	d.UseNumber()
	if err := d.Decode(&source); err != nil {
		return Field{}, fault.Newf(fault.InvalidArgument, "%s", strings.TrimPrefix(err.Error(), "json: "))
	}
	f, err := source.typed()
	if err != nil {
		return f, err
	}
	f.Desc = source.Description
	if f.Desc == "" {
		f.Desc = source.Desc
	}
	replace(&source.Minimum, source.MinValue)
	replace(&source.Maximum, source.MaxValue)
	if source.OneOf == nil {
		source.OneOf = source.Enum
	}
	f, err = f.WithLimits(source.Limits)
	if source.Required != nil {
		f.Required = *source.Required && !source.Optional
	}
	return f, err
}

// typed returns the field with its type alone.
func (s *fieldSource) typed() (Field, error) {
	if s.Schema != nil {
		if s.Type != nil {
			return Field{}, fault.Newf(fault.InvalidArgument, `field %q has both "type" and "schema"; give one`, s.Name)
		}
		return Field{Name: s.Name, Type: typeText(s.Schema), Schema: s.Schema, Required: s.Schema.Default == nil}, nil
	}
	text := "string"
	if s.Type != nil {
		var err error
		if text, err = typeOfJSON(s.Type, 0); err != nil {
			return Field{}, fault.Newf(fault.InvalidArgument, "field %q: %s", s.Name, fault.From(err).Message)
		}
	}
	return NewField(s.Name, text)
}

// NewField returns a required field of a type that is written as in [Parse]. A
// type that admits None makes the field optional. The error is a *fault.Error
// with the code invalid_argument; the name is not checked.
func NewField(name, typ string) (Field, error) {
	t, _, err := parseType(typ, false)
	if err != nil {
		return Field{}, fault.Newf(fault.InvalidArgument, "field %q: %s", name, fault.From(err).Message)
	}
	return Field{Name: name, Type: t.text, Schema: t.schema, Required: !t.optional}, nil
}

// typeOfJSON writes a type that is given as text or as a list of texts and lists
// as one text.
func typeOfJSON(raw json.RawMessage, depth int) (string, error) {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil || len(parts) == 0 || depth > depthMax {
		return "", fault.Newf(fault.InvalidArgument, `the type is text or a list such as ["list", "string"]; %s`, typeExamples)
	}
	texts := make([]string, len(parts))
	for i, part := range parts {
		var err error
		if texts[i], err = typeOfJSON(part, depth+1); err != nil {
			return "", err
		}
	}
	return joined(texts, parts[0]), nil
}

// joined puts the parts of a type together: a name and what it is made of, or
// the members of a union.
func joined(texts []string, first json.RawMessage) string {
	if name := strings.TrimPrefix(texts[0], ":"); first[0] == '"' && len(texts) > 1 && takesTypes(name) {
		if name == "map" {
			name = "dict"
		}
		return name + "(" + strings.Join(texts[1:], ", ") + ")"
	}
	return strings.Join(texts, ", ")
}

// takesTypes reports whether a name is that of a type that is made of others.
func takesTypes(name string) bool {
	return name == "map" || arity(name).max != 0
}
