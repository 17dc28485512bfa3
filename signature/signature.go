package signature

import (
	"maps"
	"strings"

	"github.com/google/jsonschema-go/jsonschema"
)

// NameDefault is the name of a signature that was given none.
const NameDefault = "Signature"

// A Signature describes the inputs and outputs of a program. It is read-only
// once it has been made or first been used; then it is safe for concurrent
// use.
type Signature struct {
	// Name is shown to people and to the language model. It is an identifier.
	Name string
	// Instructions tell the language model what to do.
	Instructions string
	// Inputs and Outputs are the fields, in the order in which the language
	// model sees them.
	Inputs, Outputs []Field
	// Defs are the schemas that fields refer to with "#/$defs/NAME".
	Defs map[string]*jsonschema.Schema
	// OpenOutputs lets outputs through that are not named here, unchecked.
	OpenOutputs bool

	input, output, relaxedInput, relaxedOutput compiled
}

// A Field is one input or output.
type Field struct {
	// Name is what both the caller and the Python program call the field.
	Name string
	// Desc tells the language model more about the field. May be empty.
	Desc string
	// Type is the type as people write it, such as "list[str]".
	Type string
	// Schema is the type as JSON Schema, with its limits. Never nil.
	Schema *jsonschema.Schema
	// Required is false when the field may be missing.
	Required bool
}

// String returns the signature as text: "question: str -> answer: str". For a
// signature that came from [Parse], parsing the text again gives an equal
// signature.
func (s *Signature) String() string {
	return sideString(s.Inputs) + " -> " + sideString(s.Outputs)
}

func sideString(fields []Field) string {
	parts := make([]string, len(fields))
	for i, f := range fields {
		parts[i] = f.Name + ": " + f.Type
	}
	return strings.Join(parts, ", ")
}

// Clone returns a copy that may be changed before its first use. Schemas are
// shared.
func (s *Signature) Clone() *Signature {
	return &Signature{
		Name: s.Name, Instructions: s.Instructions,
		Inputs:  append([]Field(nil), s.Inputs...),
		Outputs: append([]Field(nil), s.Outputs...),
		Defs:    maps.Clone(s.Defs), OpenOutputs: s.OpenOutputs,
	}
}

// Input returns the input of that name.
func (s *Signature) Input(name string) (Field, bool) { return find(s.Inputs, name) }

// Output returns the output of that name.
func (s *Signature) Output(name string) (Field, bool) { return find(s.Outputs, name) }

func find(fields []Field, name string) (Field, bool) {
	for _, f := range fields {
		if f.Name == name {
			return f, true
		}
	}
	return Field{}, false
}

// AnyField returns a field that may be missing and may hold any value.
func AnyField(name string) Field {
	return Field{Name: name, Type: "Any", Schema: &jsonschema.Schema{}}
}
