package dspool

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"strings"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/sample"
)

// encodeAnswer writes a configured value as JSON.
func encodeAnswer(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fault.Wrap(fault.OutputInvalid, err, "the result is not JSON")
	}
	return raw, nil
}

// result makes the answer.
func (t *mockTask) result(ctx context.Context) (Response, error) {
	if t.handler != nil {
		return t.handled(ctx)
	}
	var given json.RawMessage
	if t.set {
		raw, err := encodeAnswer(t.answer)
		if err != nil {
			return Response{}, err
		}
		given = raw
	}
	if t.req.Program.Signature == nil || len(given) > 0 && given[0] != '{' {
		return Response{Output: given}, nil
	}
	return t.madeUp(given)
}

// remakes is how often values are made again that do not fit: where the
// alternatives of a type exclude one another, the first choice may be wrong.
const remakes = 8

// madeUp answers each output with what was given for it, or else with a value
// of its type.
func (t *mockTask) madeUp(given json.RawMessage) (Response, error) {
	set := map[string]json.RawMessage{}
	if len(given) > 0 {
		if err := json.Unmarshal(given, &set); err != nil {
			return Response{}, fault.Wrap(fault.OutputInvalid, err, "the configured answer is not an object")
		}
	}
	maps.Copy(set, t.mock.scenes.fields())
	var out Response
	var err error
	for try := range uint64(remakes) {
		if out.Output, err = t.values(set, try); err != nil {
			return Response{}, err
		}
		if _, err = t.req.Program.CheckOutput(out.Output); err == nil {
			break
		}
	}
	if err != nil {
		return Response{}, err
	}
	return out, t.chunks(out.Output)
}

// values makes up the outputs that are not set.
func (t *mockTask) values(set map[string]json.RawMessage, try uint64) (json.RawMessage, error) {
	sig := t.req.Program.compile().outputs
	m := sample.Maker{Prefix: "mock_response", Seed: t.seed() + try, Defs: sig.Defs}
	members := make(map[string]json.RawMessage, len(sig.Outputs))
	for _, f := range sig.Outputs {
		if raw, fixed := set[f.Name]; fixed {
			members[f.Name] = raw
			continue
		}
		raw, err := m.Value(f.Name, f.Schema)
		if err != nil {
			return nil, fault.Wrap(fault.Internal, err, "no value can be made up")
		}
		members[f.Name] = raw
	}
	if sig.OpenOutputs {
		maps.Copy(members, set)
	}
	return inOrder(sig.Outputs, members), nil
}

// seed is a function of the inputs, whatever the order of their members.
func (t *mockTask) seed() uint64 {
	seed := t.cfg.Seed
	var members map[string]any
	d := json.NewDecoder(bytes.NewReader(t.input))
	d.UseNumber()
	text := t.input
	if d.Decode(&members) == nil {
		if canonical, err := json.Marshal(members); err == nil {
			text = canonical
		}
	}
	seed = sample.Mix(seed ^ sample.Hash(string(text)))
	for _, name := range names(t.req.Attachments) {
		seed ^= sample.Mix(sample.Hash(name) ^ sample.Hash(string(t.req.Attachments[name])))
	}
	if t.cfg.Vary {
		seed = sample.Mix(seed + t.mock.varied.Add(1))
	}
	return seed
}

// chunks streams the text outputs word by word.
func (t *mockTask) chunks(output json.RawMessage) error {
	var members map[string]json.RawMessage
	_ = json.Unmarshal(output, &members) // it has been checked, or is no object
	for _, f := range t.req.Program.compile().outputs.Outputs {
		var value any
		_ = json.Unmarshal(members[f.Name], &value) // what is no text is not streamed
		text, ok := value.(string)
		if !ok {
			continue
		}
		words := strings.SplitAfter(text, " ")
		for i, word := range words {
			ev := Event{Kind: EventChunk, Field: f.Name, Text: word, Last: i == len(words)-1}
			if err := t.emit(ev); err != nil {
				return err
			}
		}
	}
	return nil
}
