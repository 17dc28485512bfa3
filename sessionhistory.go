package dspool

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/dspool/dspool/signature"
)

// historyType is how a signature marks an input that takes the conversation.
const historyType = "dspy.History"

// A Turn is one exchange of a conversation: what went into a program and what
// came out.
type Turn struct {
	// At is when the call ended.
	At time.Time `json:"at"`
	// Program is the name of the program, see [Spec.String].
	Program string `json:"program,omitempty"`
	// Message is a JSON object with the program's inputs, but for the history,
	// and its outputs: a message of dspy.History. Values that travel as
	// attachments are not part of it. It is shared and read-only.
	Message json.RawMessage `json:"message"`
}

// A History is a conversation as dspy.History reads it. A typed program takes
// the conversation of its session if its inputs have a field
//
//	History dspool.History `json:"history" dspool:"type=dspy.History"`
type History struct {
	Messages []map[string]any `json:"messages"`
}

// turn is a Turn that knows the names of its members, once it has been asked.
type turn struct {
	Turn

	once  sync.Once
	known []string
}

// newTurn makes a turn of a message.
func newTurn(t Turn) (*turn, error) {
	if !json.Valid(t.Message) || !bytes.HasPrefix(bytes.TrimLeft(t.Message, " \t\r\n"), []byte("{")) {
		return nil, badField("Turn.Message", "must be a JSON object")
	}
	return &turn{Turn: t}, nil
}

// names lists the members of the message. Most turns that come back from a store
// are never told again, so they are read when they are.
func (t *turn) names() []string {
	t.once.Do(func() {
		var members map[string]json.RawMessage
		_ = json.Unmarshal(t.Message, &members) // it is an object
		t.known = slices.Collect(maps.Keys(members))
	})
	return t.known
}

// conversation is what was said, oldest first. Turns never change, and a slice
// of them that was given out stays as it is.
type conversation struct {
	turns []*turn
	bytes int
}

// full reports whether there is no room left.
func (c *conversation) full(l SessionLimits) bool {
	return l.HistoryTurns >= 0 && len(c.turns) >= l.HistoryTurns || l.HistoryBytes >= 0 && c.bytes >= l.HistoryBytes
}

// add appends a turn and returns how many were forgotten for it. A turn that is
// too large by itself is not kept, and those before it are. Where calls are
// refused when the history is full, the turn that fills it is kept whole.
func (c *conversation) add(t *turn, l SessionLimits) (dropped int64) {
	refuses := l.HistoryFull == RefuseCalls
	if !refuses && !within(0, len(t.Message), l.HistoryBytes) {
		return 1
	}
	c.turns = append(c.turns, t)
	c.bytes += len(t.Message)
	if refuses {
		return 0
	}
	return c.trim(l)
}

// trim forgets the oldest turns until the limits are kept.
func (c *conversation) trim(l SessionLimits) (dropped int64) {
	for len(c.turns) > 0 && (!within(len(c.turns), 0, l.HistoryTurns) || !within(c.bytes, 0, l.HistoryBytes)) {
		c.bytes -= len(c.turns[0].Message)
		c.turns = c.turns[1:]
		dropped++
	}
	return dropped
}

// History returns the conversation so far, oldest turn first; none for a session
// that does not exist.
//
// A program takes part in it if one of its inputs has the type dspy.History.
// Such a call is told the turns that share an input and an output with its
// program: to DSPy, the others would be questions without a text.
func (s *Session) History(ctx context.Context) ([]Turn, error) {
	var turns []*turn
	if _, err := s.view(ctx, func(st *sessionState) { turns = st.history.turns }); err != nil {
		return nil, err
	}
	out := make([]Turn, len(turns))
	for i, t := range turns {
		out[i] = t.Turn
	}
	return out, nil
}

// AppendTurn adds a turn that was made elsewhere. Its message is a JSON object;
// a time that is left out is now. If the history is full, what
// SessionLimits.HistoryFull says happens.
func (s *Session) AppendTurn(ctx context.Context, t Turn) error {
	if t.At.IsZero() {
		t.At = time.Now()
	}
	t.Message = slices.Clone(t.Message)
	made, err := newTurn(t)
	if err != nil {
		return err
	}
	return s.change(ctx, func(st *sessionState) error {
		if l := st.limits; l.HistoryFull == RefuseCalls && st.history.full(l) || !within(0, len(t.Message), l.HistoryBytes) {
			return st.exhausted("history", int64(l.HistoryBytes), "its history has no room for the turn",
				"clear it with ClearHistory, or raise SessionLimits.HistoryTurns and HistoryBytes")
		}
		st.stats.HistoryDropped += st.history.add(made, st.limits)
		return nil
	})
}

// ClearHistory forgets the conversation. A session that does not exist has none.
func (s *Session) ClearHistory(ctx context.Context) error {
	_, err := s.view(ctx, func(st *sessionState) {
		st.history = conversation{}
		s.table.touch(st)
	})
	return err
}

// A talk is a call of a program that takes the conversation.
type talk struct {
	program *Spec
	field   string                     // the input that takes it
	inputs  map[string]json.RawMessage // nil: they are not an object, which the Runner will say
}

// talkOf returns nil for a program that does not take the conversation.
func talkOf(program *Spec) *talk {
	if program == nil || program.Signature == nil || program.Validate() != nil {
		return nil
	}
	for _, f := range program.Signature.Inputs {
		if takesHistory(f) {
			return &talk{program: program, field: f.Name}
		}
	}
	return nil
}

func takesHistory(f signature.Field) bool {
	if f.Schema == nil {
		return false
	}
	if f.Schema.Extra["x-dspy"] == historyType {
		return true
	}
	for _, one := range f.Schema.AnyOf {
		if one.Extra["x-dspy"] == historyType {
			return true
		}
	}
	return false
}

// begin returns the inputs with the conversation in them, unless the caller has
// brought one.
func (t *talk) begin(input json.RawMessage, past []*turn) json.RawMessage {
	if len(input) == 0 {
		input = json.RawMessage("{}")
	}
	if json.Unmarshal(input, &t.inputs) != nil || t.inputs == nil {
		t.inputs = nil
		return input
	}
	given, present := t.inputs[t.field]
	switch {
	case present && !emptyHistory(given):
		return input
	case !present: // what the caller wrote is passed on as it is
		rest := bytes.TrimLeft(bytes.TrimLeft(input, " \t\r\n")[1:], " \t\r\n")
		out := slices.Concat([]byte(`{"`+t.field+`":`), t.tell(past))
		if rest[0] != '}' {
			out = append(out, ',')
		}
		return append(out, rest...)
	}
	t.inputs[t.field] = t.tell(past)
	whole, err := json.Marshal(t.inputs)
	if err != nil {
		return input // it was read a moment ago
	}
	return whole
}

// emptyHistory reports whether a history says nothing.
func emptyHistory(raw json.RawMessage) bool {
	var h struct {
		Messages []json.RawMessage `json:"messages"`
	}
	return json.Unmarshal(raw, &h) == nil && len(h.Messages) == 0
}

// tell writes what the program should know of the past.
func (t *talk) tell(past []*turn) json.RawMessage {
	out := []byte(`{"messages":[`)
	for _, p := range past {
		if !t.concerns(p) {
			continue
		}
		if out[len(out)-1] != '[' {
			out = append(out, ',')
		}
		out = append(out, p.Message...)
	}
	return append(out, "]}"...)
}

// concerns reports whether a turn shares an input and an output with the
// program.
func (t *talk) concerns(p *turn) bool {
	in := slices.ContainsFunc(p.names(), func(name string) bool {
		_, ok := t.program.Signature.Input(name)
		return ok
	})
	return in && slices.ContainsFunc(p.names(), func(name string) bool {
		_, ok := t.program.compile().outputs.Output(name)
		return ok
	})
}

// end returns the turn that the call was, nil if it said nothing.
func (t *talk) end(output json.RawMessage) *turn {
	var outputs map[string]json.RawMessage
	if t.inputs == nil || json.Unmarshal(output, &outputs) != nil {
		return nil
	}
	members := outputs
	if members == nil {
		members = map[string]json.RawMessage{}
	}
	for name, value := range t.inputs {
		if name != t.field {
			members[name] = value
		}
	}
	fields := slices.Concat(t.program.Signature.Inputs, t.program.compile().outputs.Outputs)
	made, err := newTurn(Turn{At: time.Now(), Program: t.program.String(), Message: inOrder(fields, members)})
	if err != nil {
		return nil
	}
	return made
}
