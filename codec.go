package dspool

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/gotype"
	"github.com/dspool/dspool/internal/validate"
)

// attachmentMin is the size from which []byte inputs travel beside the JSON.
// Below it, base64 costs less than a second part.
const attachmentMin = 1 << 10

// codec turns Go values into the inputs of a call and its result into Go
// values. It is made once per program and safe for concurrent use.
type codec struct {
	in, out       *gotype.Type
	inputs        *validate.Checker
	outputs       *validate.Checker // nil: the Spec checks outputs
	discardOutput bool              // Out has no fields
}

// newCodec describes the types. free is for programs whose result Python's own
// annotations decide: any type will do, and members that Out lacks are ignored.
func newCodec(in, out reflect.Type, free bool) (*codec, error) {
	set := gotype.NewSet()
	c := &codec{}
	var errs [2]error
	c.in, errs[0] = set.Type(in, "input")
	c.out, errs[1] = set.Type(out, "output")
	if err := errors.Join(errs[:]...); err != nil {
		return nil, fault.New(fault.InvalidArgument, strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	if c.in.Fields == nil && in.Kind() != reflect.Map {
		return nil, fault.Newf(fault.InvalidArgument, "the inputs are a struct, not %s: each field is an argument", in)
	}
	c.discardOutput = c.out.Fields != nil && len(c.out.Fields) == 0
	var err error
	if c.inputs, err = validate.Compile(c.in.Schema, set.Defs); err == nil && free {
		c.outputs, err = validate.Compile(c.out.Schema, set.Defs)
	}
	if err != nil {
		return nil, fault.Wrap(fault.InvalidArgument, err, "the types' schema cannot be used")
	}
	return c, nil
}

// encode writes the inputs of a call. in is a pointer to a value of the type In.
func (c *codec) encode(in any) (json.RawMessage, map[string][]byte, error) {
	v := reflect.ValueOf(in).Elem()
	if v.Kind() == reflect.Pointer && v.IsNil() {
		return nil, nil, fault.Newf(fault.InvalidArgument, "input: expected a value, found a nil %s", v.Type())
	}
	found := c.in.Check(v)
	if err := found.Report.Fault(fault.InvalidArgument, "input"); err != nil {
		return nil, nil, err
	}
	rest, blobs := c.in.Detach(v, attachmentMin)
	if rest == nil {
		rest = in
	}
	raw, err := json.Marshal(rest)
	if err != nil {
		return nil, nil, fault.Wrap(fault.InvalidArgument, err, "input: cannot be written as JSON")
	}
	if !c.in.Limited && !found.Nils && !found.Foreign {
		return raw, blobs, nil
	}
	out, report := c.inputs.Check(raw, validate.Options{Root: "input", NilAsEmpty: true, Attached: names(blobs)})
	return out, blobs, report.Fault(fault.InvalidArgument, "input")
}

// decode reads the result of a call into out, a pointer to a value of the type
// Out.
func (c *codec) decode(spec *Spec, resp Response, out any) error {
	if c.discardOutput {
		return nil
	}
	raw, err := c.checked(spec, resp)
	if err != nil {
		return err
	}
	if _, whole := resp.Attachments[""]; !whole {
		if err := c.unmarshal(raw, out); err != nil {
			return err
		}
	}
	for name, data := range resp.Attachments {
		if !c.out.Attach(reflect.ValueOf(out).Elem(), name, data) && name == "" {
			return fault.Newf(fault.OutputInvalid, "output: expected %T, found bytes", out)
		}
	}
	return nil
}

// checked holds the result against the signature, or against the Go type.
func (c *codec) checked(spec *Spec, resp Response) (json.RawMessage, error) {
	attached := names(resp.Attachments)
	_, whole := resp.Attachments[""]
	switch {
	case whole:
		return nil, nil
	case c.outputs == nil:
		return spec.CheckOutput(resp.Output, attached...)
	}
	raw := resp.Output
	if len(raw) == 0 {
		raw = json.RawMessage("null")
		if len(attached) > 0 {
			raw = json.RawMessage("{}")
		}
	}
	out, report := c.outputs.Check(raw, validate.Options{Root: "output", Attached: attached, Open: true})
	return out, report.Fault(fault.OutputInvalid, "output")
}

// unmarshal keeps numbers exact where the Go type leaves them open.
func (c *codec) unmarshal(raw json.RawMessage, out any) error {
	var err error
	if c.out.Dynamic {
		d := json.NewDecoder(bytes.NewReader(raw))
		d.UseNumber()
		err = d.Decode(out)
	} else {
		err = json.Unmarshal(raw, out)
	}
	var mismatch *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &mismatch):
		path := strings.TrimSuffix("output."+mismatch.Field, ".")
		return fault.Newf(fault.OutputInvalid, "%s: the JSON %s does not fit the Go type %s", path, mismatch.Value, mismatch.Type)
	default:
		return fault.Wrap(fault.OutputInvalid, err, fmt.Sprintf("output: cannot be read into %T", out))
	}
}
