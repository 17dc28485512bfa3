package adapter

import (
	"context"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// Session returns the adapter of one session: its programs, its language model.
// It costs nothing; an id that cannot be one makes every use fail with
// invalid_argument. Id "" and "anonymous" are the adapter without a session.
func (a *Local) Session(id string) *Local {
	if id == "" || id == Anonymous {
		return &Local{kind: a.kind, shared: a.shared, session: a.shared.own.Session(Anonymous)}
	}
	return &Local{kind: a.kind, shared: a.shared, session: a.shared.sessions.Session(id), named: true}
}

// SessionID is the id of the adapter's session, "anonymous" for none.
func (a *Local) SessionID() string { return a.session.ID() }

// StartSession starts the session, or keeps it from being idle, and returns its
// id.
func (a *Local) StartSession(ctx context.Context) (string, error) {
	if err := a.session.Touch(ctx); err != nil {
		return "", err //nolint:wrapcheck // says it all
	}
	return a.session.ID(), nil
}

// EndSession forgets the session, its programs and its language model. It
// reports how many programs it had; an unknown session is not_found.
func (a *Local) EndSession(ctx context.Context) (programs int, err error) {
	info, err := a.session.Info(ctx)
	if err != nil {
		return 0, err //nolint:wrapcheck // says it all
	}
	a.shared.backend.ForgetLM(a.sessionLM())
	return info.Programs, a.session.End(ctx) //nolint:wrapcheck // says it all
}

// SessionInfo describes the session, or is not_found.
func (a *Local) SessionInfo(ctx context.Context) (dspool.SessionInfo, error) {
	return a.session.Info(ctx) //nolint:wrapcheck // says it all
}

// sessionLM is the name of the session's own language model.
func (a *Local) sessionLM() string { return "session:" + a.session.ID() }

// ConfigureLM implements [Adapter].
func (a *Local) ConfigureLM(ctx context.Context, lm dspool.LM) error {
	if err := a.trip("configure_lm"); err != nil {
		return err
	}
	if !a.named {
		return a.shared.backend.ConfigureLM("", lm) //nolint:wrapcheck // says it all
	}
	if err := a.session.Validate(); err != nil {
		return err //nolint:wrapcheck // says it all
	}
	if err := a.shared.backend.ConfigureLM(a.sessionLM(), lm); err != nil {
		return err //nolint:wrapcheck // says it all
	}
	return a.session.SetLM(ctx, a.sessionLM()) //nolint:wrapcheck // says it all
}

// LM returns the language model that the adapter's calls ask for, or
// lm_not_configured.
func (a *Local) LM() (dspool.LM, error) {
	if a.named {
		if lm, ok := a.shared.backend.LM(a.sessionLM()); ok {
			return lm, nil
		}
	}
	if lm, ok := a.shared.backend.LM(""); ok {
		return lm, nil
	}
	return dspool.LM{}, fault.New(fault.LMNotConfigured, "No LM is loaded: call ConfigureLM first")
}
