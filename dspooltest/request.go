package dspooltest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/dspool/dspool/internal/sample"
)

// chatRequest is the part of a request's body that changes the answer.
type chatRequest struct {
	Model          string          `json:"model"`
	Messages       []message       `json:"messages"`
	Prompt         content         `json:"prompt"` // of the older form
	Stream         bool            `json:"stream"`
	StreamOptions  streamOptions   `json:"stream_options"`
	N              int             `json:"n"`
	Seed           uint64          `json:"seed"`
	MaxTokens      int             `json:"max_tokens"`
	MaxCompletion  int             `json:"max_completion_tokens"`
	ResponseFormat *responseFormat `json:"response_format"`
	Tools          []tool          `json:"tools"`
	ToolChoice     json.RawMessage `json:"tool_choice"`

	options string // after the question mark of the model's name
	older   bool
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type message struct {
	Role    string  `json:"role"`
	Content content `json:"content"`
}

type responseFormat struct {
	Type       string `json:"type"`
	JSONSchema struct {
		Schema json.RawMessage `json:"schema"`
	} `json:"json_schema"`
}

type tool struct {
	Function struct {
		Name       string          `json:"name"`
		Parameters json.RawMessage `json:"parameters"`
	} `json:"function"`
}

// content is text, or a list of parts of which the text counts.
type content string

// UnmarshalJSON takes both forms, and null.
func (c *content) UnmarshalJSON(raw []byte) error {
	switch raw[0] {
	case 'n':
		return nil
	case '[':
		return c.fromParts(raw)
	default:
		return json.Unmarshal(raw, (*string)(c))
	}
}

func (c *content) fromParts(raw []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(raw, &parts); err != nil {
		return err
	}
	var b strings.Builder
	for _, part := range parts {
		var p struct {
			Text string `json:"text"`
		}
		if part[0] == '"' {
			_ = json.Unmarshal(part, &p.Text)
		} else if err := json.Unmarshal(part, &p); err != nil {
			return err
		}
		b.WriteString(p.Text)
	}
	*c = content(b.String())
	return nil
}

// bodyLimit is the largest request that is read.
const bodyLimit = 256 << 20

// choicesLimit is the largest n.
const choicesLimit = 128

func readRequest(w http.ResponseWriter, r *http.Request) (*chatRequest, error) {
	var buf bytes.Buffer
	if r.ContentLength > 0 && r.ContentLength < bodyLimit {
		buf.Grow(int(r.ContentLength) + bytes.MinRead)
	}
	if _, err := io.Copy(&buf, http.MaxBytesReader(w, r.Body, bodyLimit)); err != nil {
		return nil, err
	}
	var req chatRequest
	if err := json.Unmarshal(buf.Bytes(), &req); err != nil {
		return nil, fmt.Errorf("we could not parse the JSON body of your request: %w", err)
	}
	req.older = !strings.HasSuffix(r.URL.Path, "/chat/completions")
	req.Model, req.options, _ = strings.Cut(req.Model, "?")
	return &req, req.check()
}

func (r *chatRequest) check() error {
	switch {
	case r.Model == "":
		return errors.New("you must provide a model parameter")
	case r.older && r.Prompt == "":
		return errors.New("you must provide a prompt parameter")
	case !r.older && len(r.Messages) == 0:
		return errors.New("[] is too short - 'messages'")
	case r.N < 0 || r.N > choicesLimit:
		return fmt.Errorf("n must be between 1 and %d", choicesLimit)
	}
	return nil
}

// system is the first message of the system, also in its newer name.
func (r *chatRequest) system() string {
	if r.older {
		return string(r.Prompt)
	}
	for _, m := range r.Messages {
		if m.Role == "system" || m.Role == "developer" {
			return string(m.Content)
		}
	}
	return ""
}

// user is the last message of the user.
func (r *chatRequest) user() string {
	for _, v := range slices.Backward(r.Messages) {
		if v.Role == "user" {
			return string(v.Content)
		}
	}
	return string(r.Prompt)
}

// hash tells requests with other messages apart.
func (r *chatRequest) hash() uint64 {
	h := sample.Hash(r.Model) ^ sample.Hash(string(r.Prompt))
	for i, m := range r.Messages {
		h = h*31 + sample.Hash(string(m.Content)) + uint64(i)
	}
	return h
}

// promptTokens counts as providers do, roughly: four bytes a token and four
// tokens around each message.
func (r *chatRequest) promptTokens() int {
	n := tokens(string(r.Prompt))
	for _, m := range r.Messages {
		n += 4 + tokens(string(m.Content))
	}
	return n
}

func tokens(s string) int { return (len(s) + 3) / 4 }

// limit is the most tokens that the answer may have, 0 for any number.
func (r *chatRequest) limit() int {
	if r.MaxCompletion > 0 {
		return r.MaxCompletion
	}
	return r.MaxTokens
}
