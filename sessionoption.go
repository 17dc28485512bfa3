package dspool

import (
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/dspool/dspool/fault"
)

// A SessionOption says how a session starts. It changes nothing in one that
// there is already; see [Session.SetLM] and its kin for that. Only
// [SessionTenant] is a part of which session it is.
type SessionOption interface{ applySession(seed *sessionSeed) }

// sessionSeed is what a session starts with.
type sessionSeed struct {
	tenant   string
	user, lm string
	limits   SessionLimits
	metadata map[string]string
}

// sessionOption is a SessionOption made of a function.
type sessionOption func(*sessionSeed)

func (f sessionOption) applySession(seed *sessionSeed) { f(seed) }

// SessionTenant says whose session it is. It is a part of the session's name: the
// same id is another session for another tenant, and for none. The rules for ids
// of sessions hold for tenants too.
func SessionTenant(id string) SessionOption {
	return sessionOption(func(s *sessionSeed) { s.tenant = id })
}

// SessionUser notes whose session it is. It means nothing to dspool.
func SessionUser(id string) SessionOption {
	return sessionOption(func(s *sessionSeed) { s.user = id })
}

// SessionLM is the language model that the session starts with, see
// [Session.SetLM].
func SessionLM(name string) SessionOption {
	return sessionOption(func(s *sessionSeed) { s.lm = name })
}

// SessionLimit bounds the session; fields that are 0 have the table's limits.
func SessionLimit(limits SessionLimits) SessionOption {
	return sessionOption(func(s *sessionSeed) { s.limits = limits })
}

// SessionMetadata is what the session starts with, see [Session.SetMetadata].
func SessionMetadata(metadata map[string]string) SessionOption {
	return sessionOption(func(s *sessionSeed) { s.metadata = maps.Clone(metadata) })
}

func (s *sessionSeed) check() error {
	if err := checkTenant("session tenant", s.tenant); err != nil {
		return err
	}
	if s.user != "" {
		if err := checkID("session user", s.user); err != nil {
			return err
		}
	}
	if err := checkLMName(s.lm); err != nil {
		return err
	}
	return s.limits.validate()
}

// checkLMName refuses what cannot be the name of a language model; "" is none.
func checkLMName(name string) error {
	if name == "" {
		return nil
	}
	if err := checkID("session LM", name); err != nil {
		return err
	}
	return nil
}

// validate returns everything that is wrong with limits in one error.
func (l SessionLimits) validate() error {
	k := &checker{path: "SessionLimits"}
	l.check(k, "")
	if len(k.errs) == 0 {
		return nil
	}
	return fault.Wrap(fault.InvalidArgument, errors.Join(k.errs...), "the limits are not usable").WithStarted(fault.StartedNo)
}

// start makes the state of a new session.
func (s *sessionSeed) start(id string, base SessionLimits) *sessionState {
	now := time.Now()
	return &sessionState{
		id: id, tenant: s.tenant, key: scoped(s.tenant, id), user: s.user, created: now, active: now, lm: s.lm,
		limits: s.limits.over(base), metadata: maps.Clone(s.metadata),
		programs: map[string]*sessionProgram{},
	}
}

// checkMetadata holds metadata against the session's limit.
func (st *sessionState) checkMetadata(metadata map[string]string) error {
	size := 0
	for name, value := range metadata {
		size += len(name) + len(value)
	}
	if within(0, size, st.limits.MetadataBytes) {
		return nil
	}
	return st.exhausted("metadata_bytes", int64(st.limits.MetadataBytes),
		fmt.Sprintf("its metadata has %d bytes", size), "keep less in it, or raise SessionLimits.MetadataBytes")
}
