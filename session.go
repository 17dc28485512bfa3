package dspool

import (
	"context"
	"iter"
	"maps"

	"github.com/dspool/dspool/fault"
)

// A Session is one user's place in a table of sessions: programs, a
// conversation, a language model, limits and numbers of its own. It is a
// [Runner], so typed programs and everything that wraps a Runner work with it.
//
// It is a name, not the data: making one costs nothing, any number may stand for
// the same session, and it needs no closing. All methods are safe for concurrent
// use. Methods that only read do not start a session.
//
// Get one from [Pool.Session] or [Sessions.Session].
type Session struct {
	table *Sessions
	id    string
	key   string // the id, scoped to the tenant
	seed  sessionSeed
	err   error
}

var _ Runner = (*Session)(nil)

// ID returns the session's id.
func (s *Session) ID() string { return s.id }

// Tenant returns the tenant whose session it is, "" for none.
func (s *Session) Tenant() string { return s.seed.tenant }

// Validate reports why the session cannot be used, or nil: the id or an option
// is not usable. Every other method fails with that error.
func (s *Session) Validate() error { return s.err }

// Call runs a program as the Runner below does, with what the session adds:
//
//   - Request.Session is the session's id, and Request.Tenant its tenant: a
//     request that names another tenant is refused with invalid_argument;
//   - Request.LM, if it is empty, is the session's language model;
//   - the program's input of type dspy.History, if the caller leaves it out or
//     empty, is the conversation so far; see [Session.History].
//
// When the call has succeeded and the program has such an input, its inputs and
// outputs are the next turn of the conversation. Calls that run at the same time
// do not see each other's turns; these follow in the order in which the calls
// end.
//
// Beyond the Runner's errors there is resource_exhausted, with the limit that
// was hit in its details.
func (s *Session) Call(ctx context.Context, req Request) (Response, error) {
	return s.call(ctx, req, "")
}

func (s *Session) call(ctx context.Context, req Request, program string) (Response, error) {
	v, err := s.visit(ctx, &req, program)
	if err != nil {
		return Response{}, err
	}
	defer v.leave()
	resp, err := s.table.runner.Call(ctx, req)
	v.settle(resp.Output, err)
	return resp, err
}

// Stream runs a program as the Runner below does, with what [Session.Call]
// adds. Each range over the sequence is a call of its own; one that the reader
// leaves before the result counts as canceled.
func (s *Session) Stream(ctx context.Context, req Request) iter.Seq2[Event, error] {
	return s.stream(ctx, req, "")
}

func (s *Session) stream(ctx context.Context, req Request, program string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		req := req
		v, err := s.visit(ctx, &req, program)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer v.leave()
		v.settle(nil, fault.New(fault.Canceled, "the reader left the stream"))
		for ev, err := range s.table.runner.Stream(ctx, req) {
			if err != nil || ev.Kind == EventResult {
				v.settle(ev.Data, err)
			}
			if !yield(ev, err) {
				return
			}
		}
	}
}

// Touch starts the session if there is none, and keeps it from being idle.
func (s *Session) Touch(ctx context.Context) error {
	return s.change(ctx, func(*sessionState) error { return nil })
}

// End is [Sessions.EndSession] for this session.
func (s *Session) End(ctx context.Context) error {
	if s.err != nil {
		return s.err
	}
	return s.table.forget(ctx, s.key)
}

// Info describes the session. It is not_found if there is none.
func (s *Session) Info(ctx context.Context) (SessionInfo, error) {
	var info SessionInfo
	found, err := s.view(ctx, func(st *sessionState) { info = s.table.info(st) })
	if err == nil && !found {
		err = noSession(s.id)
	}
	return info, err
}

// SetLM makes calls of this session that name no language model use the
// Runner's one of that name: it wins over the program's own choice and over the
// Runner's default, and is seen by no other session. Calls in flight are not
// touched. "" takes it back. The Runner refuses a name that it does not know
// when a call comes.
func (s *Session) SetLM(ctx context.Context, name string) error {
	if err := checkLMName(name); err != nil {
		return err
	}
	return s.change(ctx, func(st *sessionState) error {
		st.lm = name
		return nil
	})
}

// SetLimits replaces the session's limits; fields that are 0 have the table's.
// What is there already is not taken away, but for turns of the history that
// are too many.
func (s *Session) SetLimits(ctx context.Context, limits SessionLimits) error {
	if err := limits.validate(); err != nil {
		return err
	}
	return s.change(ctx, func(st *sessionState) error {
		st.limits = limits.over(s.table.cfg.Limits)
		st.stats.HistoryDropped += st.history.trim(st.limits)
		return nil
	})
}

// SetMetadata replaces what the user has noted of the session. It is kept and
// given back, and means nothing to dspool.
func (s *Session) SetMetadata(ctx context.Context, metadata map[string]string) error {
	metadata = maps.Clone(metadata)
	return s.change(ctx, func(st *sessionState) error {
		if err := st.checkMetadata(metadata); err != nil {
			return err
		}
		st.metadata = metadata
		return nil
	})
}

// change runs f on the session, started if need be, under the table's lock.
func (s *Session) change(ctx context.Context, f func(*sessionState) error) error {
	if s.err != nil {
		return s.err
	}
	if err := s.table.load(ctx); err != nil {
		return err
	}
	s.table.mu.Lock()
	defer s.table.unlock()
	st, err := s.table.open(s)
	if err != nil {
		return err
	}
	return f(st)
}

// view runs f on the session if there is one, under the table's lock.
func (s *Session) view(ctx context.Context, f func(*sessionState)) (found bool, err error) {
	if s.err != nil {
		return false, s.err
	}
	if err := s.table.load(ctx); err != nil {
		return false, err
	}
	s.table.mu.Lock()
	defer s.table.unlock()
	if err := s.table.broken[s.key]; err != nil {
		return false, err
	}
	st := s.table.find(s.key)
	if st != nil {
		f(st)
	}
	return st != nil, nil
}
