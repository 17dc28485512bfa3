package adapter

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// Anonymous is the session of programs that belong to none.
const Anonymous = "anonymous"

// healthWithin bounds how long a health check waits for a Backend that starts.
const healthWithin = ServiceWaitDefault

// A Local is an [Adapter] over a Backend of this process. [Local.Session] gives
// the same adapter for one session.
type Local struct {
	kind    Kind
	shared  *local
	session *dspool.Session
	named   bool // not the anonymous one
}

var _ Adapter = (*Local)(nil)

// local is what the adapters of one Backend share.
type local struct {
	backend  Backend
	own      *dspool.Sessions // of programs without a session: they never expire
	sessions *dspool.Sessions
	began    time.Time
	created  atomic.Int64
	executed atomic.Int64
	failed   atomic.Int64
	override overrides
}

// Over returns the adapter of a kind over a Backend. It does no I/O: whoever
// made the Backend starts it and stops it, or lets [Local.Shutdown] do that.
func Over(kind Kind, backend Backend) (*Local, error) {
	if backend == nil {
		return nil, fault.New(fault.InvalidArgument, "adapter: the backend must not be nil")
	}
	if !slices.Contains([]Kind{Mock, WireMock, Port, Pool}, kind) {
		return nil, fault.Newf(fault.InvalidArgument, "adapter: there is no kind %q", kind)
	}
	own, err := dspool.NewSessions(unbound{backend}, dspool.SessionsConfig{
		IdleTimeout: -1, Max: 1, Limits: dspool.SessionLimits{Programs: -1},
	})
	if err != nil {
		return nil, fmt.Errorf("adapter: %w", err)
	}
	l := &local{backend: backend, own: own, began: time.Now()}
	if s, ok := backend.(sessioned); ok {
		l.sessions = s.Sessions()
	} else if l.sessions, err = dspool.NewSessions(backend, dspool.SessionsConfig{}); err != nil {
		return nil, fmt.Errorf("adapter: %w", err)
	}
	return &Local{kind: kind, shared: l, session: own.Session(Anonymous)}, nil
}

// Name is the adapter's name.
func (a *Local) Name() string { return string(a.kind) }

// Backend is what runs the programs.
func (a *Local) Backend() Backend { return a.shared.backend }

// trip lets a mock fail a command that is no call.
func (a *Local) trip(command string) error {
	if t, ok := a.shared.backend.(tripping); ok {
		return t.Trip(command) //nolint:wrapcheck // says it all
	}
	return nil
}

// CreateProgram implements [ProgramStore].
func (a *Local) CreateProgram(ctx context.Context, p Program) (string, error) {
	if err := a.trip("create_program"); err != nil {
		return "", err
	}
	if p.ID == "" {
		p.ID = a.kind.prefix() + strings.ToLower(rand.Text())
	}
	id, err := a.session.CreateProgram(ctx, p.ID, p.Spec)
	if err == nil {
		a.shared.created.Add(1)
	}
	return id, err //nolint:wrapcheck // says it all
}

// ExecuteProgram implements [ProgramStore].
func (a *Local) ExecuteProgram(ctx context.Context, id string, inputs json.RawMessage, opts ...ExecuteOption) (json.RawMessage, error) {
	resp, err := a.Execute(ctx, id, inputs, opts...)
	return resp.Output, err
}

// Execute is [Local.ExecuteProgram] that also returns what the call cost.
func (a *Local) Execute(ctx context.Context, id string, inputs json.RawMessage, opts ...ExecuteOption) (dspool.Response, error) {
	var e execution
	for _, o := range opts {
		o.applyExecute(&e)
	}
	if e.over != nil {
		name, done, err := a.shared.override.use(a.shared.backend, *e.over)
		if err != nil {
			return dspool.Response{}, err
		}
		defer done()
		e.lm = name
	}
	resp, err := a.session.ExecuteRequest(ctx, id, dspool.Request{Input: inputs, LM: e.lm})
	a.shared.executed.Add(1)
	if err != nil {
		a.shared.failed.Add(1)
		return dspool.Response{}, err //nolint:wrapcheck // says it all
	}
	return resp, nil
}

// ListPrograms implements [ProgramStore].
func (a *Local) ListPrograms(ctx context.Context) ([]string, error) {
	if err := a.trip("list_programs"); err != nil {
		return nil, err
	}
	programs, err := a.session.Programs(ctx)
	ids := make([]string, len(programs))
	for i, p := range programs {
		ids[i] = p.ID
	}
	return ids, err //nolint:wrapcheck // says it all
}

// DeleteProgram implements [ProgramStore].
func (a *Local) DeleteProgram(ctx context.Context, id string) error {
	if err := a.trip("delete_program"); err != nil {
		return err
	}
	return a.session.DeleteProgram(ctx, id) //nolint:wrapcheck // says it all
}

// ProgramInfo implements [Adapter].
func (a *Local) ProgramInfo(ctx context.Context, id string) (ProgramInfo, error) {
	p, err := a.session.Program(ctx, id)
	if err != nil {
		return ProgramInfo{}, err //nolint:wrapcheck // says it all
	}
	info := ProgramInfo{ID: p.ID, Spec: p.Spec, CreatedAt: p.CreatedAt, LastExecuted: p.LastExecuted, Executions: p.Executions}
	if a.named {
		info.SessionID = a.session.ID()
	}
	return info, nil
}

// HealthCheck implements [Adapter]. It waits for a Backend that is starting, at
// most 30 s.
func (a *Local) HealthCheck(ctx context.Context) error {
	if err := a.trip("health_check"); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, healthWithin)
	defer cancel()
	if err := a.shared.backend.WaitReady(ctx); err != nil {
		return err //nolint:wrapcheck // says it all
	}
	st := a.shared.backend.Status()
	if st.Phase != dspool.PoolServing {
		return fault.Newf(fault.Unavailable, "%s is %s: %d of %d workers serve", a.kind, st.Phase, st.Serving, st.Want)
	}
	return nil
}

// Stats implements [Adapter].
func (a *Local) Stats(ctx context.Context) (Stats, error) {
	if err := a.trip("get_stats"); err != nil {
		return Stats{}, err
	}
	programs, err := a.session.Programs(ctx)
	return Stats{
		AdapterType: a.kind.statsType(), Layer: a.kind.layers()[0], ActivePrograms: len(programs),
		ProgramsCreated: a.shared.created.Load(), Executions: a.shared.executed.Load(), Errors: a.shared.failed.Load(),
		TrueConcurrency: true, ProtocolValidated: a.kind != Mock,
		UptimeSeconds: time.Since(a.shared.began).Seconds(), PoolStatus: a.shared.backend.Status(),
	}, err //nolint:wrapcheck // says it all
}

// SupportsLayer implements [Layered].
func (a *Local) SupportsLayer(layer Layer) bool { return slices.Contains(a.kind.layers(), layer) }

// Capabilities implements [Adapter].
func (a *Local) Capabilities() Capabilities { return a.kind.capabilities() }

// Shutdown stops the Backend: calls that run may finish until ctx ends.
func (a *Local) Shutdown(ctx context.Context) error {
	return a.shared.backend.Stop(ctx) //nolint:wrapcheck // says it all
}
