package validate

import (
	"encoding/json"

	"github.com/google/jsonschema-go/jsonschema"
)

// A Violation is one thing that is wrong with a value.
type Violation struct {
	// Path says where, as in "input.items[2].price".
	Path string
	// Message says what is wrong there.
	Message string
}

// String returns "path: message".
func (v Violation) String() string { return v.Path + ": " + v.Message }

// A Checker is a compiled schema. It is safe for concurrent use.
type Checker struct{}

// Compile prepares a schema.
func Compile(root *jsonschema.Schema, defs map[string]*jsonschema.Schema) (*Checker, error) {
	return &Checker{}, nil
}

// Options say how a value is checked.
type Options struct {
	// Root is the name of the value itself in paths.
	Root string
	// NilAsEmpty turns null into an empty array, object or text where the
	// schema wants one of these: what encoding/json makes of a nil slice.
	NilAsEmpty bool
	// Attached names members that travel outside of the JSON.
	Attached []string
}

// A Report lists what is wrong.
type Report struct {
	Violations []Violation
	// More is how many violations were found beyond those listed.
	More int
}

// Check holds raw against the schema. It returns raw itself, or a changed copy
// where a value had to be put into its canonical form.
func (c *Checker) Check(raw json.RawMessage, o Options) (json.RawMessage, Report) {
	return raw, Report{}
}
