package adapter

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool/fault"
)

// Commands are the contract as JSON commands, over one adapter. They take and
// give the objects of the original system, and work the same over every
// adapter. Safe for concurrent use: unlike there, commands run at the same time.
type Commands struct {
	adapter  *Local
	began    time.Time
	commands atomic.Int64
	errors   atomic.Int64
}

// NewCommands returns the commands over an adapter. It does no I/O.
func NewCommands(a *Local) *Commands { return &Commands{adapter: a, began: time.Now()} }

// A command takes the arguments of one call and the adapter of its session.
type command func(c *Commands, ctx context.Context, a *Local, args json.RawMessage) (any, error)

// lookup returns the command of that name, nil if there is none.
func lookup(name string) command {
	return map[string]command{
		"ping":                   (*Commands).ping,
		"configure_lm":           (*Commands).configureLM,
		"create_program":         (*Commands).createProgram,
		"execute_program":        (*Commands).executeProgram,
		"list_programs":          (*Commands).listPrograms,
		"delete_program":         (*Commands).deleteProgram,
		"get_program_info":       (*Commands).programInfo,
		"get_stats":              (*Commands).stats,
		"cleanup":                (*Commands).cleanup,
		"reset_state":            (*Commands).resetState,
		"cleanup_session":        (*Commands).cleanupSession,
		"shutdown":               (*Commands).shutdown,
		"create_gemini_program":  (*Commands).createGemini,
		"execute_gemini_program": (*Commands).executeGemini,
	}[name]
}

// sessionArgs is the argument that every command takes.
type sessionArgs struct {
	SessionID string `json:"session_id"`
}

// Execute runs a command with its arguments, a JSON object, and returns its
// result, a JSON object. Failures are errors, never results: invalid_argument
// for arguments that cannot be used, unsupported for an unknown command, else
// what the adapter reports.
func (c *Commands) Execute(ctx context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	c.commands.Add(1)
	out, err := c.run(ctx, name, args)
	if err != nil {
		c.errors.Add(1)
		return nil, err
	}
	return out, nil
}

func (c *Commands) run(ctx context.Context, name string, args json.RawMessage) (json.RawMessage, error) {
	does := lookup(name)
	if does == nil {
		return nil, fault.Newf(fault.Unsupported, "Unknown command: %.100s", name).WithStarted(fault.StartedNo)
	}
	var session sessionArgs
	if err := decode(args, &session); err != nil {
		return nil, err
	}
	var out any
	err := Guard(c.adapter.kind.layers()[0], func() (err error) {
		out, err = does(c, ctx, c.adapter.Session(session.SessionID), args)
		return err
	})
	if err != nil {
		return nil, err
	}
	raw, err := json.Marshal(out)
	if err != nil {
		return nil, fault.Wrap(fault.Internal, err, "the result is not JSON")
	}
	return raw, nil
}

// object is a JSON object.
type object = map[string]any

// worker names what answers a command that runs no program.
func (c *Commands) worker() string {
	if ws := c.adapter.shared.backend.Status().Workers; len(ws) > 0 {
		return ws[0].ID
	}
	return ""
}

func (c *Commands) mode() string {
	if c.adapter.kind == Pool {
		return "pool-worker"
	}
	return "standalone"
}

func (c *Commands) uptime() float64 { return time.Since(c.began).Seconds() }

func (c *Commands) ping(ctx context.Context, a *Local, args json.RawMessage) (any, error) {
	var in struct {
		WorkerID string `json:"worker_id"`
	}
	if err := decode(args, &in); err != nil {
		return nil, err
	}
	if err := a.trip("ping"); err != nil {
		return nil, err
	}
	if err := a.HealthCheck(ctx); err != nil {
		return nil, err
	}
	python := a.Capabilities().PythonExecution
	out := object{
		"status": "ok", "timestamp": now(), "dspy_available": python, "gemini_available": python,
		"uptime": c.uptime(), "mode": c.mode(), "worker_id": in.WorkerID,
	}
	if in.WorkerID == "" {
		out["worker_id"] = c.worker()
	}
	if a.named {
		out["current_session"] = a.SessionID()
	}
	return out, nil
}

func (c *Commands) configureLM(ctx context.Context, a *Local, args json.RawMessage) (any, error) {
	lm, err := ParseLM(args)
	if err == nil {
		err = a.ConfigureLM(ctx, lm)
	}
	if err != nil {
		return nil, err
	}
	return object{"status": "configured", "model": lm.Model, "provider": providerOf(lm.Model), "temperature": lm.Temperature}, nil
}

func (c *Commands) stats(ctx context.Context, a *Local, _ json.RawMessage) (any, error) {
	st, err := a.Stats(ctx)
	if err != nil {
		return nil, err
	}
	programs, err := c.adapter.countPrograms(ctx)
	if err != nil {
		return nil, err
	}
	python := a.Capabilities().PythonExecution
	return object{
		"programs_count": programs, "programs_created": st.ProgramsCreated, "active_programs": st.ActivePrograms,
		"executions_run": st.Executions, "total_executions": st.Executions,
		"command_count": c.commands.Load(), "error_count": c.errors.Load(),
		"uptime": c.uptime(), "uptime_seconds": c.uptime(), "memory_usage": memory(), "dspy_available": python, "gemini_available": python,
		"adapter_type": st.AdapterType, "layer": st.Layer, "protocol_validated": st.ProtocolValidated, "true_concurrency": st.TrueConcurrency,
		"pool_status": st.PoolStatus,
	}, nil
}

func (c *Commands) cleanup(ctx context.Context, a *Local, _ json.RawMessage) (any, error) {
	if err := a.trip("cleanup"); err != nil {
		return nil, err
	}
	n, err := c.adapter.clearPrograms(ctx)
	if err != nil {
		return nil, err
	}
	return object{"status": "cleaned", "programs_removed": n}, nil
}

func (c *Commands) resetState(ctx context.Context, a *Local, _ json.RawMessage) (any, error) {
	if err := a.trip("reset_state"); err != nil {
		return nil, err
	}
	n, err := c.adapter.clearPrograms(ctx)
	if err != nil {
		return nil, err
	}
	return object{
		"status": "reset", "programs_cleared": n, "commands_reset": c.commands.Swap(0), "errors_reset": c.errors.Swap(0),
	}, nil
}

func (c *Commands) cleanupSession(ctx context.Context, a *Local, _ json.RawMessage) (any, error) {
	if !a.named {
		return object{"status": "not_applicable", "session_id": nil, "programs_removed": 0}, nil
	}
	n, err := a.EndSession(ctx)
	status := "cleaned"
	switch {
	case fault.CodeOf(err) == fault.NotFound:
		status = "not_found"
	case err != nil:
		return nil, err
	}
	return object{"status": status, "session_id": a.SessionID(), "programs_removed": n}, nil
}

// shutdown stops the Backend before it answers.
func (c *Commands) shutdown(ctx context.Context, _ *Local, _ json.RawMessage) (any, error) {
	worker := c.worker()
	sessions, err := c.adapter.shared.sessions.List(ctx)
	if err != nil {
		return nil, err //nolint:wrapcheck // says it all
	}
	if err := c.adapter.Shutdown(ctx); err != nil {
		return nil, err
	}
	return object{"status": "shutting_down", "worker_id": worker, "mode": c.mode(), "sessions_cleaned": len(sessions)}, nil
}

// now is the time as the objects of the contract write it.
func now() string { return time.Now().UTC().Format(time.RFC3339Nano) }
