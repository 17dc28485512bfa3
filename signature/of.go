package signature

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/gotype"
)

// Of makes a signature of two struct types, fields in the order of their
// declaration, named and left out after the rules of encoding/json. Types
// follow from the Go types; []byte is bytes, [time.Time] a datetime,
// json.RawMessage and any are Any. A field that is a pointer, or has omitempty
// or omitzero, may be missing or null; no other slice or map may be null.
//
// The tag jsonschema:"..." describes a field. The tag dspool sets limits:
//
//	Score float64  `json:"score" dspool:"desc=how sure you are, min=0,max=1"`
//	Mood  string   `json:"mood" dspool:"enum=good|bad"`
//	Tags  []string `json:"tags" dspool:"minlen=1,maxlen=5,pattern=^[a-z]+$"`
//
// Its keys are desc, min, max, gt, lt, multiple, minlen, maxlen, pattern, enum,
// format, unique, default and type (one of DSPy's types, such as dspy.Image).
// On slices and maps, minlen and maxlen count entries and all other limits mean
// each entry. Any other key is an error.
//
// Of does not refuse reserved names: [Signature.Validate] does. The error is a
// *fault.Error with the code invalid_argument and names every Go field at fault.
func Of(in, out reflect.Type) (*Signature, error) {
	set := gotype.NewSet()
	sig := &Signature{Name: NameDefault}
	var errs []string
	for _, part := range []struct {
		side side
		t    reflect.Type
		into *[]Field
	}{{inputs, in, &sig.Inputs}, {outputs, out, &sig.Outputs}} {
		t, err := set.Type(part.t, string(part.side))
		switch {
		case err != nil:
			errs = append(errs, strings.ReplaceAll(err.Error(), "\n", "; "))
		case t.Fields == nil:
			errs = append(errs, fmt.Sprintf("the %ss are a struct, not %s", part.side, part.t))
		default:
			*part.into = goFields(t.Fields)
		}
	}
	if len(errs) > 0 {
		return nil, fault.New(fault.InvalidArgument, strings.Join(errs, "; "))
	}
	if len(set.Defs) > 0 {
		sig.Defs = set.Defs
	}
	return sig, nil
}

func goFields(fields []gotype.Field) []Field {
	out := make([]Field, len(fields))
	for i, f := range fields {
		out[i] = Field{Name: f.Name, Desc: f.Desc, Type: typeText(f.Schema), Schema: f.Schema, Required: f.Required}
	}
	return out
}
