package dspooltest

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/dspool/dspool/dspooltest/internal/answer"
	"github.com/dspool/dspool/internal/delay"
)

// stream writes the answer as server-sent events, a word a chunk, and returns
// its status, 0 if it was cut or the client left.
func (p *PracticeLM) stream(ctx context.Context, w http.ResponseWriter, req *chatRequest, r *reply, b Behaviour) int {
	if b.Malformed == BadJSON || b.Malformed == EmptyBody {
		return writeReply(w, req, r, b.Malformed)
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	s := &eventStream{w: w, reply: r, older: req.older, delay: b.ChunkDelay > 0}
	chunks := s.chunks()
	if b.Malformed == CutStream || b.Malformed == CutBody {
		chunks = chunks[:len(chunks)/2]
	}
	for i, chunk := range chunks {
		if i > 0 && delay.Wait(ctx, b.ChunkDelay) != nil || ctx.Err() != nil {
			p.counts.abandoned()
			return 0
		}
		s.send(chunk)
	}
	if b.Malformed == CutStream || b.Malformed == CutBody {
		s.flush()
		cut(w)
		return 0
	}
	if req.StreamOptions.IncludeUsage {
		s.event(append(r.usage(append(s.head(), `,"choices":[],`...)), '}'))
	}
	s.done()
	return http.StatusOK
}

// An eventStream writes events. Without a delay between them they leave
// together: an answer is one or a few writes, not one a word.
type eventStream struct {
	w     http.ResponseWriter
	reply *reply
	older bool
	delay bool
	b     []byte
}

// streamBuffer is how many bytes are gathered before they are written.
const streamBuffer = 8 << 10

func (s *eventStream) head() []byte {
	object := "chat.completion.chunk"
	if s.older {
		object = "text_completion"
	}
	return s.reply.head(nil, object)
}

// chunks returns the choices of all events, in order.
func (s *eventStream) chunks() []string {
	var out []string
	for i, text := range s.reply.texts {
		if s.older {
			out = append(out, s.olderChunks(i, text)...)
			continue
		}
		out = append(out, choice(i, `"delta":{"role":"assistant","content":""}`, "null"))
		if s.reply.call != nil {
			call := string(s.reply.call.append([]byte(`"delta":{"tool_calls":[`)))
			out = append(out, choice(i, call+"]}", "null"))
		}
		for word := range words(text) {
			delta := answer.AppendString([]byte(`"delta":{"content":`), word)
			out = append(out, choice(i, string(delta)+"}", "null"))
		}
		out = append(out, choice(i, `"delta":{}`, strconv.Quote(s.reply.finish)))
	}
	return out
}

func (s *eventStream) olderChunks(i int, text string) []string {
	var out []string
	for word := range words(text) {
		out = append(out, choice(i, string(answer.AppendString([]byte(`"text":`), word)), "null"))
	}
	return append(out, choice(i, `"text":""`, strconv.Quote(s.reply.finish)))
}

func choice(index int, delta, finish string) string {
	return `{"index":` + strconv.Itoa(index) + "," + delta + `,"logprobs":null,"finish_reason":` + finish + "}"
}

// words cuts text after every space and line end, so that the pieces joined
// are the text.
func words(text string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for text != "" {
			end := strings.IndexAny(text, " \n") + 1
			if end == 0 {
				end = len(text)
			}
			if !yield(text[:end]) {
				return
			}
			text = text[end:]
		}
	}
}

func (s *eventStream) send(choice string) {
	b := append(s.head(), `,"choices":[`...)
	b = append(b, choice...)
	s.event(append(b, "]}"...))
}

func (s *eventStream) event(data []byte) {
	s.b = append(s.b, "data: "...)
	s.b = append(s.b, data...)
	s.b = append(s.b, "\n\n"...)
	if s.delay || len(s.b) >= streamBuffer {
		s.flush()
	}
}

func (s *eventStream) done() {
	s.b = append(s.b, "data: [DONE]\n\n"...)
	s.flush()
}

func (s *eventStream) flush() {
	_, _ = s.w.Write(s.b) // a client that left shows in the context
	s.b = s.b[:0]
	if f, ok := s.w.(http.Flusher); ok {
		f.Flush()
	}
}
