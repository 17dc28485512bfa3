package signature

import (
	"errors"
	"fmt"
	"strings"

	"github.com/dspool/dspool/fault"
)

// nameMax is the longest field name that DSPy's answer parsers match reliably.
const nameMax = 64

// Validate reports everything that would stop DSPy from working with this
// signature: a side without fields, a name that is no identifier, is used twice
// or collides with a name that DSPy or Python uses for itself. The error is a
// *fault.Error with the code invalid_argument.
func (s *Signature) Validate() error {
	return s.validate(reservedReason)
}

// ValidateNames is [Signature.Validate] for the user's own Python, where DSPy's
// reserved names do no harm: it refuses only what Python itself cannot take.
func (s *Signature) ValidateNames() error {
	return s.validate(func(string, side) string { return "" })
}

// side tells inputs from outputs.
type side string

const (
	inputs  side = "input"
	outputs side = "output"
)

func (s *Signature) validate(reserved func(string, side) string) error {
	var errs []error
	seen := map[string]side{}
	for _, part := range []struct {
		side   side
		fields []Field
	}{{inputs, s.Inputs}, {outputs, s.Outputs}} {
		if len(part.fields) == 0 {
			errs = append(errs, fmt.Errorf("the signature has no %ss: give at least one field on each side of \"->\"", part.side))
		}
		for _, f := range part.fields {
			errs = append(errs, f.problem(part.side, seen, reserved))
			seen[f.Name] = part.side
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fault.New(fault.InvalidArgument, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if _, err := s.input.get(s.InputSchema, s.Defs); err != nil {
		return err
	}
	_, err := s.output.get(s.OutputSchema, s.Defs)
	return err
}

// problem returns what is wrong with one field, or nil.
func (f Field) problem(on side, seen map[string]side, reserved func(string, side) string) error {
	if why := badName(f.Name); why != "" {
		return fmt.Errorf("%s %q: %s", on, f.Name, why)
	}
	if first, twice := seen[f.Name]; twice {
		return fmt.Errorf("%s", repeated(f.Name, first, on))
	}
	if why := reserved(f.Name, on); why != "" {
		return fmt.Errorf("%s %q: %s", on, f.Name, why)
	}
	if f.Schema == nil {
		return fmt.Errorf("%s %q has no schema", on, f.Name)
	}
	return nil
}

// repeated says that a name was used before.
func repeated(name string, first, second side) string {
	if first == second {
		return fmt.Sprintf("%s %q is named twice; rename one of them", second, name)
	}
	return fmt.Sprintf("%q is both an input and an output; rename one of them", name)
}

// badName says why Python cannot take a name for a field, or "".
func badName(name string) string {
	switch {
	case name == "":
		return "a field needs a name"
	case len(name) > nameMax:
		return fmt.Sprintf("the name is longer than %d characters", nameMax)
	case name[0] == '_':
		return "a field's name must not begin with an underscore"
	case !identifier(name):
		return "a field's name is made of ASCII letters, digits and underscores and begins with a letter"
	case keyword(name):
		return "this is a keyword of Python; use another name, such as " + quote(name+"_value")
	}
	return ""
}

// identifier reports whether name matches [A-Za-z][A-Za-z0-9_]*.
func identifier(name string) bool {
	for i := range len(name) {
		c := name[i]
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
		if !letter && (i == 0 || c != '_' && (c < '0' || c > '9')) {
			return false
		}
	}
	return name != ""
}

// keyword reports whether Python reserves the word.
func keyword(name string) bool {
	switch name {
	case "False", "None", "True", "and", "as", "assert", "async", "await",
		"break", "class", "continue", "def", "del", "elif", "else", "except",
		"finally", "for", "from", "global", "if", "import", "in", "is",
		"lambda", "nonlocal", "not", "or", "pass", "raise", "return", "try",
		"while", "with", "yield":
		return true
	}
	return false
}

// reservedReason says why DSPy cannot take a name for a field, or "".
func reservedReason(name string, on side) string {
	instead := "; use another name, such as " + quote(name+"_value")
	switch {
	case strings.HasPrefix(name, "model_"):
		return `names that begin with "model_" belong to pydantic` + instead
	case strings.HasPrefix(name, "dspy_"):
		return `DSPy hides fields whose names begin with "dspy_"` + instead
	case signatureMember(name):
		return "the name collides with a member of dspy.Signature" + instead
	case modelMember(name):
		return "the name collides with a member of pydantic.BaseModel" + instead
	case on == inputs && callArgument(name):
		return "the name collides with an argument of dspy.Predict" + instead
	case on == outputs && predictionMember(name):
		return "the name collides with a member of dspy.Prediction" + instead
	}
	return ""
}

// signatureMember lists the public attributes of dspy.Signature and its
// metaclass. Some break the building of a signature, the others are hidden.
func signatureMember(name string) bool {
	switch name {
	case "fields", "instructions", "input_fields", "output_fields", "signature",
		"append", "append_instructions", "prepend", "insert", "delete", "equals",
		"dump_state", "load_state", "with_instructions", "with_updated_fields",
		"register", "mro":
		return true
	}
	return false
}

// modelMember lists the public attributes of pydantic.BaseModel that do not
// begin with "model_".
func modelMember(name string) bool {
	switch name {
	case "construct", "copy", "dict", "from_orm", "json", "parse_file",
		"parse_obj", "parse_raw", "schema", "schema_json",
		"update_forward_refs", "validate":
		return true
	}
	return false
}

// callArgument lists the names that dspy.Predict takes for itself when it is
// called, some of them silently.
func callArgument(name string) bool {
	switch name {
	case "lm", "config", "self", "new_signature", "demos", "prediction", "completions":
		return true
	}
	return false
}

// predictionMember lists attributes of dspy.Prediction that would hide an
// output of the same name.
func predictionMember(name string) bool {
	switch name {
	case "items", "keys", "get", "copy", "toDict", "completions", "inputs":
		return true
	}
	return false
}

func quote(s string) string { return `"` + s + `"` }
