package adapter

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/signature"
)

// cleanupWithin bounds the deletion of a temporary program.
const cleanupWithin = 5 * time.Second

// ExecuteSignature runs a signature once: it checks the inputs, keeps a
// temporary program, runs it, and always deletes it, also when the call fails
// or ctx ends. The error is an *[Error].
func (f *Factory) ExecuteSignature(ctx context.Context, a Adapter, sig *signature.Signature, inputs json.RawMessage, o ExecuteOptions) (json.RawMessage, error) {
	layer := f.layer(o.Layer)
	if err := checkInputs(sig, inputs); err != nil {
		return nil, Wrap(err, layer, map[string]string{"adapter_type": a.Name()}).WithOperation(a.Name(), "execute_signature")
	}
	spec := &dspool.Spec{Kind: dspool.KindPredict, Signature: sig}
	return Execute(ctx, f, a, func(ctx context.Context, a Adapter) (json.RawMessage, error) {
		return temporary(ctx, a, spec, inputs)
	}, o)
}

// temporary keeps a program for one call.
func temporary(ctx context.Context, a Adapter, spec *dspool.Spec, inputs json.RawMessage) (out json.RawMessage, err error) {
	id, err := a.CreateProgram(ctx, Program{ID: "temp_program_" + strings.ToLower(rand.Text()), Spec: spec})
	if err != nil {
		return nil, err
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupWithin)
		defer cancel()
		err = errors.Join(err, a.DeleteProgram(ctx, id))
		if err != nil {
			out = nil
		}
	}()
	return a.ExecuteProgram(ctx, id, inputs)
}

// checkInputs says what is wrong with inputs, all of it, field by field.
func checkInputs(sig *signature.Signature, inputs json.RawMessage) error {
	if sig == nil {
		return fault.New(fault.InvalidArgument, "Program signature is required")
	}
	missing, err := sig.MissingInputs(inputs)
	if err != nil {
		return err //nolint:wrapcheck // says it all
	}
	var problems []string
	for _, name := range missing {
		problems = append(problems, "Missing required input: "+name)
	}
	if _, err := sig.CheckInput(inputs); err != nil {
		f := fault.From(err)
		for _, field := range sig.Inputs {
			if why := f.Details["input."+field.Name]; why != "" && !slices.Contains(missing, field.Name) {
				problems = append(problems, "Invalid input for "+field.Name+": "+why)
			}
		}
		if len(problems) == 0 {
			return f
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return fault.New(fault.InvalidArgument, strings.Join(problems, "; ")).WithStarted(fault.StartedNo)
}
