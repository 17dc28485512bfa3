package dspool

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/dspool/dspool/fault"
)

// A visit is one call on its way through a session.
type visit struct {
	table   *Sessions
	state   *sessionState
	program *sessionProgram // nil: the caller brought its own
	began   time.Time
	talk    *talk // nil: the program takes no history
	output  json.RawMessage
	err     error
}

// visit lets a call in and adds what the session has to the request. id names
// one of the session's programs, "" means that the request has its own. Whoever
// gets a visit must leave.
func (s *Session) visit(ctx context.Context, req *Request, id string) (*visit, error) {
	if req.Tenant != "" && req.Tenant != s.seed.tenant {
		return nil, badField("Tenant", "must be empty or the tenant of the session")
	}
	v := &visit{table: s.table, began: time.Now(), err: fault.New(fault.Internal, "the Runner did not return")}
	if id == "" {
		_ = req.Program.Validate() // compiles it before the lock is taken; the Runner tells
	}
	var past []*turn
	err := s.change(ctx, func(st *sessionState) (err error) {
		v.state = st
		if id != "" {
			if v.program, err = st.program(id); err != nil {
				return err
			}
			req.Program = v.program.spec
		}
		v.talk = talkOf(req.Program)
		if err := st.admit(v.talk != nil); err != nil {
			return err
		}
		past = st.history.turns
		if req.LM == "" {
			req.LM = st.lm
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	req.Tenant, req.Session = s.seed.tenant, s.id
	if v.talk != nil {
		req.Input = v.talk.begin(req.Input, past)
	}
	return v, nil
}

// admit counts a call in, or says which limit it breaks.
func (st *sessionState) admit(remembers bool) error {
	l := st.limits
	switch {
	case !within(st.inFlight, 1, l.InFlight):
		return st.exhausted("in_flight", int64(l.InFlight), fmt.Sprintf("calls in flight: %d", st.inFlight),
			"wait for one to end, or raise SessionLimits.InFlight")
	case !within(st.began, 1, l.Calls):
		return st.exhausted("calls", l.Calls, fmt.Sprintf("it has made %d calls", st.began),
			"end the session, or raise SessionLimits.Calls")
	case remembers && l.HistoryFull == RefuseCalls && st.history.full(l):
		return st.exhausted("history", int64(l.HistoryBytes),
			fmt.Sprintf("its history is full (turns: %d, bytes: %d)", len(st.history.turns), st.history.bytes),
			"clear it with ClearHistory, or raise SessionLimits.HistoryTurns and HistoryBytes")
	}
	st.inFlight++
	st.began++
	return nil
}

// settle notes how the call went.
func (v *visit) settle(output json.RawMessage, err error) { v.output, v.err = output, err }

// leave counts the call out. A session that has ended meanwhile, or that has
// been started anew under the same id, is left as it is.
func (v *visit) leave() {
	var said *turn
	if v.err == nil && v.talk != nil {
		said = v.talk.end(v.output)
	}
	t, st := v.table, v.state
	t.mu.Lock()
	defer t.mu.Unlock()
	st.inFlight--
	t.totals.operations++
	if v.err != nil {
		t.totals.errors++
	}
	if t.live[st.key] != st {
		return
	}
	st.stats.record(time.Since(v.began), v.err)
	if v.program != nil {
		v.program.executions++
		v.program.executed = time.Now()
	}
	if said != nil {
		st.stats.HistoryDropped += st.history.add(said, st.limits)
	}
	t.touch(st)
}
