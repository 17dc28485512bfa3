package wire

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/dspool/dspool/fault"
)

// Fault is the body of an ERROR and of a HOSTERROR.
type Fault struct {
	Code    fault.Code    `json:"code"`
	Message string        `json:"message"`
	Started fault.Started `json:"started,omitempty"`
	// Type and Traceback are the Python exception's class and the user's own
	// frames of its traceback.
	Type         string            `json:"type,omitempty"`
	Traceback    string            `json:"traceback,omitempty"`
	RetryAfterMS int64             `json:"retry_after_ms,omitempty"`
	Details      map[string]string `json:"details,omitempty"`
}

// FaultOf returns err as it is sent to the peer. Type and traceback travel as
// members of their own. FaultOf(nil) is an internal fault: there was no error.
func FaultOf(err error) Fault {
	e := fault.From(err)
	if e == nil {
		return Fault{Code: fault.Internal, Message: "no error was given"}
	}
	f := Fault{Code: e.Code, Message: e.Message, Started: e.Started, RetryAfterMS: e.RetryAfter.Milliseconds()}
	for name, value := range e.Details {
		switch name {
		case "type":
			f.Type = value
		case "traceback":
			f.Traceback = value
		default:
			if f.Details == nil {
				f.Details = make(map[string]string, len(e.Details))
			}
			f.Details[name] = value
		}
	}
	return f
}

// Append appends the fault's JSON to dst.
func (f Fault) Append(dst []byte) []byte {
	f.Message = strings.ToValidUTF8(f.Message, string(utf8.RuneError))
	b, err := json.Marshal(f)
	if err != nil {
		// Strings and an integer always marshal; keep a valid body all the same.
		return append(dst, `{"code":"internal","message":"the error could not be encoded"}`...)
	}
	return append(dst, b...)
}

// DecodeFault reads the body of an ERROR or HOSTERROR. Code and message have to
// be there; an unknown code becomes internal and is named in the message.
func DecodeFault(b []byte) (Fault, error) {
	var f Fault
	if err := json.Unmarshal(b, &f); err != nil {
		return Fault{}, fault.Wrap(fault.Protocol, err, "fault is not the JSON object that it should be")
	}
	if f.Code == "" {
		return Fault{}, fault.New(fault.Protocol, "fault without a code")
	}
	if !slices.Contains(fault.Codes(), f.Code) {
		f.Message = "unknown code " + string(f.Code) + ": " + f.Message
		f.Code = fault.Internal
	}
	if f.Started != fault.StartedNo && f.Started != fault.StartedYes {
		f.Started = fault.StartedUnknown
	}
	f.RetryAfterMS = max(0, f.RetryAfterMS)
	return f, nil
}

// Error returns the fault as the error that a caller sees. Remote is true.
func (f Fault) Error() *fault.Error {
	e := &fault.Error{
		Code:       f.Code,
		Message:    f.Message,
		Started:    f.Started,
		RetryAfter: time.Duration(f.RetryAfterMS) * time.Millisecond,
		Remote:     true,
		Details:    f.Details,
	}
	if f.Type != "" || f.Traceback != "" {
		e.Details = make(map[string]string, len(f.Details)+2)
		maps.Copy(e.Details, f.Details)
		setNonEmpty(e.Details, "type", f.Type)
		setNonEmpty(e.Details, "traceback", f.Traceback)
	}
	return e
}

func setNonEmpty(m map[string]string, name, value string) {
	if value != "" {
		m[name] = value
	}
}
