package dspool

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/dspool/dspool/fault"
)

// A SessionProgram describes a program that a session keeps. It is the reader's
// own copy; the Spec is shared and read-only.
type SessionProgram struct {
	ID           string    `json:"id"`
	Spec         *Spec     `json:"spec"`
	CreatedAt    time.Time `json:"created_at"`
	LastExecuted time.Time `json:"last_executed,omitzero"`
	Executions   int64     `json:"execution_count"`
}

// sessionProgram is a program of one session. The table's lock guards it.
type sessionProgram struct {
	id                string
	spec              *Spec
	bytes             int // of the definition
	created, executed time.Time
	executions        int64
}

// keep enters a program. The Spec is sound.
func (st *sessionState) keep(p *sessionProgram) {
	p.bytes = definitionSize(p.spec)
	st.programs[p.id] = p
	st.programBytes += p.bytes
}

// definitionSize is the size of a program's definition, which is known once the
// program has been validated.
func definitionSize(spec *Spec) int {
	definition, _, _ := spec.Definition()
	return len(definition)
}

func (p *sessionProgram) describe() SessionProgram {
	return SessionProgram{ID: p.id, Spec: p.spec, CreatedAt: p.created, LastExecuted: p.executed, Executions: p.executions}
}

// CreateProgram keeps a program in the session under an id, and returns the id.
// An empty id means that one is made. An id that is in use is refused with
// invalid_argument: delete that program first. The program is a definition on
// this side: it outlives every worker, and any worker can run it.
func (s *Session) CreateProgram(ctx context.Context, id string, spec *Spec) (string, error) {
	if err := spec.Validate(); err != nil {
		return "", refuse(err)
	}
	if id == "" {
		id = "program_" + strings.ToLower(rand.Text())
	}
	if err := checkID("program id", id); err != nil {
		return "", err
	}
	err := s.change(ctx, func(st *sessionState) error { return st.create(id, spec) })
	if err != nil {
		return "", err
	}
	return id, nil
}

func (st *sessionState) create(id string, spec *Spec) error {
	if st.programs[id] != nil {
		return fault.Newf(fault.InvalidArgument, "program id: the session has a program %q already: delete it first, or choose another id", id).
			WithStarted(fault.StartedNo)
	}
	if !within(len(st.programs), 1, st.limits.Programs) {
		return st.exhausted("programs", int64(st.limits.Programs), fmt.Sprintf("it keeps %d programs", len(st.programs)),
			"delete some, or raise SessionLimits.Programs")
	}
	if size := definitionSize(spec); !within(st.programBytes, size, st.limits.ProgramBytes) {
		return st.exhausted("program_bytes", int64(st.limits.ProgramBytes),
			fmt.Sprintf("its programs have %d bytes, and this one %d", st.programBytes, size),
			"delete some, or raise SessionLimits.ProgramBytes")
	}
	st.keep(&sessionProgram{id: id, spec: spec, created: time.Now()})
	return nil
}

// Programs lists the session's programs, the oldest first; none for a session
// that does not exist.
func (s *Session) Programs(ctx context.Context) ([]SessionProgram, error) {
	out := []SessionProgram{}
	_, err := s.view(ctx, func(st *sessionState) {
		for _, p := range st.programs {
			out = append(out, p.describe())
		}
	})
	slices.SortFunc(out, func(a, b SessionProgram) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	return out, err
}

// Program describes one of the session's programs, or is not_found.
func (s *Session) Program(ctx context.Context, id string) (SessionProgram, error) {
	var out SessionProgram
	err := s.withProgram(ctx, id, func(_ *sessionState, p *sessionProgram) { out = p.describe() })
	return out, err
}

// DeleteProgram forgets one of the session's programs, or is not_found. Calls of
// it that are in flight are not touched.
func (s *Session) DeleteProgram(ctx context.Context, id string) error {
	return s.withProgram(ctx, id, func(st *sessionState, p *sessionProgram) {
		delete(st.programs, id)
		st.programBytes -= p.bytes
		s.table.touch(st)
	})
}

// withProgram runs f on a program of the session, under the table's lock.
func (s *Session) withProgram(ctx context.Context, id string, f func(*sessionState, *sessionProgram)) error {
	if err := checkID("program id", id); err != nil {
		return err
	}
	missing := noProgram(s.id, id)
	_, err := s.view(ctx, func(st *sessionState) {
		if p := st.programs[id]; p != nil {
			missing = nil
			f(st, p)
		}
	})
	switch {
	case err != nil:
		return err
	case missing != nil:
		return missing
	default:
		return nil
	}
}

// program returns one of the session's programs.
func (st *sessionState) program(id string) (*sessionProgram, error) {
	if p := st.programs[id]; p != nil {
		return p, nil
	}
	return nil, noProgram(st.id, id)
}

func noProgram(session, id string) *fault.Error {
	return fault.Newf(fault.NotFound, "session %q has no program %q: create it first", session, id).WithStarted(fault.StartedNo)
}

// Execute runs one of the session's programs with the inputs, a JSON object. It
// is [Session.Call] in all else.
func (s *Session) Execute(ctx context.Context, id string, input json.RawMessage) (Response, error) {
	return s.ExecuteRequest(ctx, id, Request{Input: input})
}

// ExecuteRequest is [Session.Execute] for callers that set more of the request.
// Its Program is not looked at.
func (s *Session) ExecuteRequest(ctx context.Context, id string, req Request) (Response, error) {
	if err := checkID("program id", id); err != nil {
		return Response{}, err
	}
	return s.call(ctx, req, id)
}

// ExecuteStream runs one of the session's programs and yields what it produces,
// as [Session.Stream] does. The request's Program is not looked at.
func (s *Session) ExecuteStream(ctx context.Context, id string, req Request) iter.Seq2[Event, error] {
	if err := checkID("program id", id); err != nil {
		return func(yield func(Event, error) bool) { yield(Event{}, err) }
	}
	return s.stream(ctx, req, id)
}
