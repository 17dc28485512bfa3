package adapter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"

	"github.com/dspool/dspool/fault"
)

// A Request is a command in the original's JSON: {"id", "command", "args",
// "timestamp"}.
type Request struct {
	ID        int64           `json:"id"`
	Command   string          `json:"command"`
	Args      json.RawMessage `json:"args,omitempty"`
	Timestamp string          `json:"timestamp,omitempty"`
}

// A Response answers a Request: {"id", "success": true, "result", "timestamp"},
// or {"id", "success": false, "error", "timestamp"}. ID is nil when the request
// had none that could be read.
type Response struct {
	ID        *int64          `json:"id"`
	Success   bool            `json:"success"`
	Result    json.RawMessage `json:"result,omitempty"`
	Error     string          `json:"error,omitempty"`
	Timestamp string          `json:"timestamp"`
}

// A MessageError says what is wrong with a Request or Response.
type MessageError string

// What can be wrong with messages.
const (
	ErrDecode            MessageError = "decode_error"
	ErrMalformedResponse MessageError = "malformed_response"
	ErrMissingID         MessageError = "missing_id"
	ErrInvalidID         MessageError = "invalid_id"
	ErrMissingCommand    MessageError = "missing_command"
	ErrInvalidCommand    MessageError = "invalid_command"
	ErrInvalidArgs       MessageError = "invalid_args"
	ErrMissingSuccess    MessageError = "missing_success"
	ErrInvalidSuccess    MessageError = "invalid_success"
	ErrMissingResult     MessageError = "missing_result"
	ErrMissingError      MessageError = "missing_error"
)

// Error returns the name of what is wrong.
func (e MessageError) Error() string { return string(e) }

// previewMax is how much of a message that cannot be read is shown.
const previewMax = 100

// members reads an object.
func members(raw []byte) (map[string]json.RawMessage, error) {
	var m map[string]json.RawMessage
	if err := json.Unmarshal(raw, &m); err != nil || m == nil {
		preview := raw[:min(len(raw), previewMax)]
		return nil, fault.Wrap(fault.Protocol, ErrDecode, "the message is not a JSON object: "+string(bytes.ToValidUTF8(preview, []byte("?"))))
	}
	return m, nil
}

// wrong is the error of a message that was read and is not sound.
func wrong(why MessageError) error {
	return fault.Wrap(fault.Protocol, why, "the message is malformed")
}

// messageID reads the id of a message.
func messageID(m map[string]json.RawMessage) (int64, error) {
	raw, there := m["id"]
	if !there || string(raw) == "null" {
		return 0, wrong(ErrMissingID)
	}
	var id int64
	if json.Unmarshal(raw, &id) != nil || id < 0 {
		return 0, wrong(ErrInvalidID)
	}
	return id, nil
}

// RequestID returns the id of a message that may otherwise be unsound, and
// whether it has one.
func RequestID(raw []byte) (int64, bool) {
	m, err := members(raw)
	if err != nil {
		return 0, false
	}
	id, err := messageID(m)
	return id, err == nil
}

// DecodeRequest reads a Request. The error is a *fault.Error around a
// [MessageError]: the first thing that is wrong. It never panics.
func DecodeRequest(raw []byte) (Request, error) {
	m, err := members(raw)
	if err != nil {
		return Request{}, err
	}
	r := Request{Args: m["args"]}
	if r.ID, err = messageID(m); err != nil {
		return Request{}, err
	}
	command, there := m["command"]
	switch {
	case !there || string(command) == "null":
		return r, wrong(ErrMissingCommand)
	case json.Unmarshal(command, &r.Command) != nil || r.Command == "":
		return r, wrong(ErrInvalidCommand)
	}
	if args := bytes.TrimSpace(r.Args); len(args) == 0 || string(args) == "null" {
		r.Args = json.RawMessage("{}")
	} else if args[0] != '{' {
		return r, wrong(ErrInvalidArgs)
	}
	_ = json.Unmarshal(m["timestamp"], &r.Timestamp) // for people to read
	return r, nil
}

// DecodeResponse reads a Response. An object with an id that lacks the rest is a
// Response that failed with "Malformed response structure", as it was in the
// original. Any other error is a *fault.Error around a [MessageError]. It never
// panics.
func DecodeResponse(raw []byte) (Response, error) {
	m, err := members(raw)
	if err != nil {
		return Response{}, err
	}
	id, err := messageID(m)
	if err != nil {
		return Response{}, fault.Wrap(fault.Protocol, errors.Join(ErrMalformedResponse, err), "the message is malformed")
	}
	r := Response{ID: &id}
	if sound := r.read(m) == ""; !sound {
		return Response{ID: &id, Error: "Malformed response structure"}, nil
	}
	return r, nil
}

// ValidateResponse reports the first thing that is wrong with a Response, or
// nil. The error is a *fault.Error around a [MessageError].
func ValidateResponse(raw []byte) error {
	m, err := members(raw)
	if err != nil {
		return err
	}
	if _, err := messageID(m); err != nil {
		return err
	}
	if why := new(Response).read(m); why != "" {
		return wrong(why)
	}
	return nil
}

// read fills in what follows the id and says what is wrong with it.
func (r *Response) read(m map[string]json.RawMessage) MessageError {
	success, there := m["success"]
	switch {
	case !there:
		return ErrMissingSuccess
	case string(success) != "true" && string(success) != "false":
		return ErrInvalidSuccess
	}
	r.Success = string(success) == "true"
	_ = json.Unmarshal(m["timestamp"], &r.Timestamp) // for people to read
	if r.Success {
		if r.Result, there = m["result"]; !there {
			return ErrMissingResult
		}
		return ""
	}
	if reason, there := m["error"]; !there || json.Unmarshal(reason, &r.Error) != nil {
		return ErrMissingError
	}
	return ""
}

// Succeeded is the Response with a result.
func Succeeded(id int64, result json.RawMessage) Response {
	return Response{ID: &id, Success: true, Result: result, Timestamp: now()}
}

// Failed is the Response with an error. What it says is the error's message, as
// in "Unknown command: x".
func Failed(id int64, err error) Response {
	return Response{ID: &id, Error: text(err), Timestamp: now()}
}

// IDs makes the ids of requests: 1, 2, 3, ... The zero value is ready, and safe
// for concurrent use.
type IDs struct{ last atomic.Int64 }

// Next returns an id that this IDs has not given before.
func (i *IDs) Next() int64 { return i.last.Add(1) }

// Handle answers one request in JSON with one response in JSON, whatever it is
// given: a request that cannot be read gets a failure, with its id where that
// could be read and with null where not.
func (c *Commands) Handle(ctx context.Context, raw []byte) []byte {
	return encodeResponse(c.respond(ctx, raw))
}

func (c *Commands) respond(ctx context.Context, raw []byte) Response {
	req, err := DecodeRequest(raw)
	if err != nil {
		c.commands.Add(1)
		c.errors.Add(1)
		r := Response{Error: err.Error(), Timestamp: now()}
		if id, ok := RequestID(raw); ok {
			r.ID = &id
		}
		return r
	}
	result, err := c.Execute(ctx, req.Command, req.Args)
	if err != nil {
		return Failed(req.ID, err)
	}
	return Succeeded(req.ID, result)
}

func encodeResponse(r Response) []byte {
	raw, err := json.Marshal(r)
	if err != nil { // the result is no JSON: a bug in an adapter that is not ours
		return []byte(`{"id":null,"success":false,"error":"the result is not JSON"}`)
	}
	return raw
}
