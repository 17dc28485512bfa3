package adapter

import (
	"context"
	"encoding/json"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// idArgs name a program.
type idArgs struct {
	ProgramID string          `json:"program_id"`
	ID        string          `json:"id"`
	Inputs    json.RawMessage `json:"inputs"`
	LM        string          `json:"lm"`
}

func (a idArgs) id() (string, error) {
	switch {
	case a.ProgramID != "":
		return a.ProgramID, nil
	case a.ID != "":
		return a.ID, nil
	default:
		return "", fault.New(fault.InvalidArgument, "program_id is required").WithStarted(fault.StartedNo)
	}
}

// named reads the arguments of a command about one program.
func named(args json.RawMessage) (id string, in idArgs, err error) {
	if err := decode(args, &in); err != nil {
		return "", in, err
	}
	id, err = in.id()
	return id, in, err
}

func (c *Commands) createProgram(ctx context.Context, a *Local, args json.RawMessage) (any, error) {
	p, err := ParseProgram(args)
	if err != nil {
		return nil, err
	}
	return create(ctx, a, p)
}

func create(ctx context.Context, a *Local, p Program) (object, error) {
	id, err := a.CreateProgram(ctx, p)
	if err != nil {
		return nil, err
	}
	return object{"program_id": id, "status": "created", "signature": p.Spec.Signature.Description(), "program_type": p.Spec.Kind}, nil
}

func (c *Commands) executeProgram(ctx context.Context, a *Local, args json.RawMessage) (any, error) {
	out, _, err := execute(ctx, a, args)
	return out, err
}

func execute(ctx context.Context, a *Local, args json.RawMessage) (object, dspool.Response, error) {
	id, in, err := named(args)
	if err != nil {
		return nil, dspool.Response{}, err
	}
	var opts []ExecuteOption
	if in.LM != "" {
		opts = append(opts, UseLM(in.LM))
	}
	began := time.Now()
	resp, err := a.Execute(ctx, id, in.Inputs, opts...)
	if err != nil {
		return nil, resp, err
	}
	return object{"program_id": id, "outputs": resp.Output, "execution_time": time.Since(began).Seconds()}, resp, nil
}

func (c *Commands) listPrograms(ctx context.Context, a *Local, _ json.RawMessage) (any, error) {
	if err := a.trip("list_programs"); err != nil {
		return nil, err
	}
	programs, err := a.session.Programs(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // says it all
	}
	list := make([]object, len(programs))
	for i, p := range programs {
		list[i] = a.described(ProgramInfo{ID: p.ID, Spec: p.Spec, CreatedAt: p.CreatedAt, LastExecuted: p.LastExecuted, Executions: p.Executions})
		list[i]["id"] = p.ID
	}
	return object{"programs": list, "total_count": len(list)}, nil
}

// described is a program as commands show it.
func (a *Local) described(p ProgramInfo) object {
	out := object{
		"created_at": p.CreatedAt, "execution_count": p.Executions, "last_executed": nil,
		"signature": p.Spec.Signature.Description(), "program_type": p.Spec.Kind,
	}
	if !p.LastExecuted.IsZero() {
		out["last_executed"] = p.LastExecuted
	}
	if a.named {
		out["session_id"] = a.SessionID()
	}
	return out
}

func (c *Commands) deleteProgram(ctx context.Context, a *Local, args json.RawMessage) (any, error) {
	id, _, err := named(args)
	if err == nil {
		err = a.DeleteProgram(ctx, id)
	}
	if err != nil {
		return nil, err
	}
	return object{"program_id": id, "status": "deleted"}, nil
}

func (c *Commands) programInfo(ctx context.Context, a *Local, args json.RawMessage) (any, error) {
	id, _, err := named(args)
	if err != nil {
		return nil, err
	}
	if err := a.trip("get_program_info"); err != nil {
		return nil, err
	}
	p, err := a.ProgramInfo(ctx, id)
	if err != nil {
		return nil, err
	}
	out := a.described(p)
	out["program_id"], out["id"] = id, id
	return out, nil
}

// geminiModel is the model of gemini programs that name none.
const geminiModel = "gemini-1.5-flash"

// createGemini keeps an ordinary program that asks a Gemini model. The model is
// known under the name "gemini:MODEL"; one that is known already is used as it
// is.
func (c *Commands) createGemini(ctx context.Context, a *Local, args json.RawMessage) (any, error) {
	var in programArgs
	var lm lmArgs
	for _, into := range []any{&in, &lm} {
		if err := decode(args, into); err != nil {
			return nil, err
		}
	}
	if lm.Model == "" {
		lm.Model = geminiModel
	}
	lm.Provider = "google"
	in.LM = "gemini:" + lm.Model
	p, err := in.program()
	if err != nil {
		return nil, err
	}
	if _, known := a.shared.backend.LM(in.LM); !known || lm.APIKey != "" || lm.APIBase != "" {
		model, err := lm.lm()
		if err == nil {
			err = a.shared.backend.ConfigureLM(in.LM, model)
		}
		if err != nil {
			return nil, err //nolint:wrapcheck // says it all
		}
	}
	out, err := create(ctx, a, p)
	if err != nil {
		return nil, err
	}
	out["type"], out["model_name"] = "gemini", lm.Model
	return out, nil
}

// executeGemini also gives the outputs as text.
func (c *Commands) executeGemini(ctx context.Context, a *Local, args json.RawMessage) (any, error) {
	out, resp, err := execute(ctx, a, args)
	if err != nil {
		return nil, err
	}
	out["raw_response"] = string(resp.Output)
	return out, nil
}
