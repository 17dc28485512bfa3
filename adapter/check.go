package adapter

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/dspool/dspool/fault"
)

// The four methods of [ProgramStore], to tell which one is missing.
type (
	creates interface {
		CreateProgram(ctx context.Context, p Program) (string, error)
	}
	executes interface {
		ExecuteProgram(ctx context.Context, id string, inputs json.RawMessage, opts ...ExecuteOption) (json.RawMessage, error)
	}
	lists interface {
		ListPrograms(ctx context.Context) ([]string, error)
	}
	deletes interface {
		DeleteProgram(ctx context.Context, id string) error
	}
)

// Check reports why a value cannot serve as an adapter: it is nil, or lacks
// methods that the contract asks for, which the message names. The error is
// invalid_argument.
func Check(candidate any) error {
	if candidate == nil {
		return fault.New(fault.InvalidArgument, "Failed to load adapter: it is nil")
	}
	var missing []string
	need := func(has bool, method string) {
		if !has {
			missing = append(missing, method)
		}
	}
	_, ok := candidate.(creates)
	need(ok, "CreateProgram")
	_, ok = candidate.(executes)
	need(ok, "ExecuteProgram")
	_, ok = candidate.(lists)
	need(ok, "ListPrograms")
	_, ok = candidate.(deletes)
	need(ok, "DeleteProgram")
	if len(missing) > 0 {
		return fault.Newf(fault.InvalidArgument, "%T does not implement required callbacks: %s", candidate, strings.Join(missing, ", "))
	}
	return nil
}

// CheckLayer reports that an adapter does not support a test layer. What does
// not say which layers it supports is taken to support all. The error is
// unsupported.
func CheckLayer(candidate any, layer Layer) error {
	if l, says := candidate.(Layered); says && !l.SupportsLayer(layer) {
		return fault.Newf(fault.Unsupported, "%T does not support test layer %s", candidate, layer)
	}
	return nil
}
