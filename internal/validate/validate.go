package validate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"
)

const (
	// listedMax bounds how many violations are listed; the rest is counted.
	listedMax = 64
	// depthMax bounds how deep a value nests. Python's own limit is 1,000
	// frames, of which one level of JSON costs about two.
	depthMax = 400
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

// A Report lists what is wrong with a value. The zero value: nothing.
type Report struct {
	// Violations are in the order of the value, at most 64.
	Violations []Violation
	// More is how many violations were found beyond those listed.
	More int
}

// Options say how a value is checked.
type Options struct {
	// Root names the value itself in paths.
	Root string
	// NilAsEmpty turns null into an empty array, object or text where the
	// schema wants one of these and not null: what encoding/json makes of a
	// nil slice or map.
	NilAsEmpty bool
	// Attached names members of the root object that travel outside of the
	// JSON: they count as present, and must not be in it too.
	Attached []string
	// Open lets objects have members that their schema does not name.
	Open bool
	// Drop takes members that the schema does not name out of the root object.
	Drop bool
	// Partial misses no member of the root object, and fills in no default.
	Partial bool
	// Coerce takes the text of a number or a boolean for what it says where
	// text is not allowed, 1 and 0 for true and false, and writes numbers and
	// booleans as text where only text is allowed.
	Coerce bool
}

// A Checker is a compiled schema. It is safe for concurrent use.
type Checker struct{ root *node }

// Compile prepares a schema; references "#/$defs/NAME" are resolved among
// defs. A keyword that the package does not know how to check is an error, not
// ignored.
func Compile(root *jsonschema.Schema, defs map[string]*jsonschema.Schema) (*Checker, error) {
	c := compiler{defs: defs, made: map[*jsonschema.Schema]*node{}}
	n, err := c.node(root)
	if err != nil {
		return nil, err
	}
	return &Checker{root: n}, nil
}

// Check holds raw against the schema. It returns raw itself, or a copy where
// something had to be brought into its canonical form: a missing member with a
// default is filled in, 42.0 becomes 42 where an integer is asked for, a
// date-time without a zone is taken as UTC. The result means nothing when the
// report lists violations.
//
// The cost is one pass over raw, and memory for violations and changes only.
// Unions whose alternatives look alike read their part of the value once for
// each alternative.
func (c *Checker) Check(raw json.RawMessage, o Options) (json.RawMessage, Report) {
	w := walk{src: raw, options: o, budget: 64*len(raw) + 1<<16}
	if w.value(c.root) {
		w.space()
		if w.pos < len(w.src) {
			w.brokenf("unexpected data after the value")
		}
	}
	if len(w.report.Violations) > 0 {
		return raw, w.report
	}
	return w.edited(), w.report
}

// walk is the state of one check.
type walk struct {
	src     []byte
	pos     int
	depth   int
	path    []step
	options Options
	report  Report
	edits   []edit
	surplus surplus // of the root object
	// budget is how many bytes may be read again for unions. It keeps a
	// hostile value from being read exponentially often.
	budget int
}

// An edit replaces src[from:to] in the result.
type edit struct {
	from, to int
	text     string
}

// edited returns the source with the edits. A value that was read twice may have
// led to the same edit twice; the first counts.
func (w *walk) edited() json.RawMessage {
	if len(w.edits) == 0 {
		return w.src
	}
	slices.SortStableFunc(w.edits, func(a, b edit) int { return cmp.Or(a.from-b.from, a.to-b.to) })
	out := make([]byte, 0, len(w.src)+64*len(w.edits))
	at := 0
	for i, e := range w.edits {
		if e.from < at || i > 0 && e.from == w.edits[i-1].from {
			continue
		}
		out = append(append(out, w.src[at:e.from]...), e.text...)
		at = e.to
	}
	return append(out, w.src[at:]...)
}

// wrongf records a violation at the current path.
func (w *walk) wrongf(format string, args ...any) {
	if len(w.report.Violations) >= listedMax {
		w.report.More++
		return
	}
	w.report.Violations = append(w.report.Violations,
		Violation{Path: w.where(), Message: fmt.Sprintf(format, args...)})
}

// brokenf records that the text is not JSON. The walk cannot go on: it returns
// false, for its caller to return.
func (w *walk) brokenf(format string, args ...any) bool {
	w.wrongf("not valid JSON at byte %d: %s", w.pos+1, fmt.Sprintf(format, args...))
	return false
}
