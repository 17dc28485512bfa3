package dspooltest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"github.com/dspool/dspool/dspooltest/internal/answer"
)

// A reply is the answer to one request, before it is written.
type reply struct {
	id         string
	model      string
	texts      []string // one a choice
	finish     string
	call       *toolCall
	prompt     int // tokens
	completion int // tokens
}

type toolCall struct {
	id, name, arguments string
}

func (p *PracticeLM) compose(req *chatRequest, b Behaviour) *reply {
	r := &reply{model: req.Model, finish: "stop", prompt: req.promptTokens()}
	r.id = "chatcmpl-practice-" + strconv.FormatUint(req.hash(), 16)
	r.call = p.call(req, b)
	for i := range max(1, req.N) {
		text := ""
		if r.call == nil {
			text = p.text(req, b, uint64(i))
		} else {
			r.finish = "tool_calls"
			r.completion += tokens(r.call.arguments)
		}
		r.add(text, req.limit())
	}
	return r
}

// add adds a choice, cut to limit tokens.
func (r *reply) add(text string, limit int) {
	if limit > 0 && tokens(text) > limit {
		text = strings.ToValidUTF8(text[:4*limit], "")
		r.finish = "length"
	}
	r.texts = append(r.texts, text)
	r.completion += tokens(text)
}

// text is the text of the choice with this index.
func (p *PracticeLM) text(req *chatRequest, b Behaviour, index uint64) string {
	if b.Content != "" {
		return b.Content
	}
	o := answer.Options{Seed: p.config.Seed ^ req.Seed<<1 ^ index<<32, Set: b.Fields, Flaw: b.Malformed.flaw()}
	prompt := p.prompts.read(req.system())
	if f := req.ResponseFormat; f != nil && prompt.Format == answer.Plain && o.Flaw != answer.Prose {
		if f.Type == "json_schema" {
			return answer.Schema(f.JSONSchema.Schema, req.user(), o)
		}
		if f.Type == "json_object" {
			return string(append(answer.AppendString([]byte(`{"answer": `), prompt.Answer(req.user(), o)), '}'))
		}
	}
	return prompt.Answer(req.user(), o)
}

// call decides whether the answer is a tool call: the tool that the request
// forces, or the first one as long as no tool has answered yet.
func (p *PracticeLM) call(req *chatRequest, b Behaviour) *toolCall {
	if len(req.Tools) == 0 || b.Content != "" || strings.Contains(string(req.ToolChoice), `"none"`) {
		return nil
	}
	chosen := req.Tools[0]
	var forced tool
	if json.Unmarshal(req.ToolChoice, &forced) == nil && forced.Function.Name != "" {
		for _, t := range req.Tools {
			if t.Function.Name == forced.Function.Name {
				chosen = t
			}
		}
	} else if req.Messages[len(req.Messages)-1].Role == "tool" {
		return nil
	}
	args := answer.Arguments(chosen.Function.Parameters, req.user(), answer.Options{Seed: p.config.Seed, Set: b.Fields})
	return &toolCall{id: "call_practice_" + strconv.FormatUint(req.hash()&0xffffff, 16), name: chosen.Function.Name, arguments: args}
}

// writeReply writes the whole answer at once and returns its status, 0 if it
// was cut.
func writeReply(w http.ResponseWriter, req *chatRequest, r *reply, m Malformation) int {
	switch m {
	case EmptyBody:
		w.WriteHeader(http.StatusOK)
	case BadJSON:
		writeBody(w, []byte("<html><body>The practice LM was told to send this.</body></html>"))
	case NoChoices:
		r.texts = nil
		writeBody(w, r.body(req.older))
	case CutBody:
		body := r.body(req.older)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body[:len(body)/2])
		cut(w)
		return 0
	default:
		writeBody(w, r.body(req.older))
	}
	return http.StatusOK
}

func writeBody(w http.ResponseWriter, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // a client that left is no concern of ours
}

// body is the answer as one JSON object.
func (r *reply) body(older bool) []byte {
	object := "chat.completion"
	if older {
		object = "text_completion"
	}
	b := append(r.head(make([]byte, 0, 1024), object), `,"choices":[`...)
	for i, text := range r.texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"index":`...)
		b = strconv.AppendInt(b, int64(i), 10)
		b = append(b, `,"logprobs":null,"finish_reason":"`...)
		b = append(b, r.finish...)
		if older {
			b = answer.AppendString(append(b, `","text":`...), text)
		} else {
			b = r.message(append(b, `","message":{"role":"assistant","refusal":null,"content":`...), text)
			b = append(b, '}')
		}
		b = append(b, '}')
	}
	b = append(b, "],"...)
	return append(r.usage(b), '}')
}

func (r *reply) head(b []byte, object string) []byte {
	b = answer.AppendString(append(b, `{"id":`...), r.id)
	b = answer.AppendString(append(b, `,"object":`...), object)
	b = append(b, `,"created":1700000000,"model":`...)
	return answer.AppendString(b, r.model)
}

// message writes the content of a message and the tool call beside it.
func (r *reply) message(b []byte, text string) []byte {
	if r.call == nil {
		return answer.AppendString(b, text)
	}
	b = append(b, `null,"tool_calls":[`...)
	return append(r.call.append(b), ']')
}

func (c *toolCall) append(b []byte) []byte {
	b = answer.AppendString(append(b, `{"index":0,"id":`...), c.id)
	b = answer.AppendString(append(b, `,"type":"function","function":{"name":`...), c.name)
	b = answer.AppendString(append(b, `,"arguments":`...), c.arguments)
	return append(b, "}}"...)
}

func (r *reply) usage(b []byte) []byte {
	b = strconv.AppendInt(append(b, `"usage":{"prompt_tokens":`...), int64(r.prompt), 10)
	b = strconv.AppendInt(append(b, `,"completion_tokens":`...), int64(r.completion), 10)
	b = strconv.AppendInt(append(b, `,"total_tokens":`...), int64(r.prompt+r.completion), 10)
	return append(b, '}')
}
