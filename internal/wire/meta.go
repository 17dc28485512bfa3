package wire

// Attachment names bytes at the end of a body; [Split] finds them.
type Attachment struct {
	Name string
	Size int
}

// CallMeta is the meta of a CALL.
type CallMeta struct {
	// Program and LM are the hashes of the definitions; LM "" means none.
	Program string
	LM      string
	// Budget is the time left in microseconds; 0 means no limit.
	Budget int64
	// Trace is a W3C traceparent, or "".
	Trace string
	// Stream is the first credit of a stream; 0 means a unary call.
	Stream int
	// Tenant is whose call it is, or "".
	Tenant string
	// Session is the session key, or "". Tenants do not share sessions.
	Session string
	// Object says what the host knows of the session's object: one of the
	// Object constants, "" for a program that is none.
	Object string
	// State is the size of the JSON value behind the attachments: the
	// constructor's arguments or a snapshot; 0 for none.
	State       int
	Attachments []Attachment
}

// What the host knows of the object that a call is for.
const (
	// ObjectNew: it is made by this call, unless the worker has it.
	ObjectNew = "new"
	// ObjectLive: the worker has it, or it is lost.
	ObjectLive = "live"
	// ObjectRestore: it is made from a snapshot, unless the worker has it.
	ObjectRestore = "restore"
)

// Usage is what one model used.
type Usage struct {
	PromptTokens     int64 `json:"prompt_tokens"`
	CompletionTokens int64 `json:"completion_tokens"`
	TotalTokens      int64 `json:"total_tokens"`
}

// ResultMeta is the meta of a RESULT.
type ResultMeta struct {
	// Usage is the token usage by model; nil if there was none.
	Usage map[string]Usage
	// Queue and Run are microseconds: between the frame's arrival at the worker
	// and the start of user code, and of running.
	Queue, Run int64
	// Spans are the worker's part of a trace as JSON, nil for none; see
	// [DecodeSpans].
	Spans []byte
	// State is the size of the object's snapshot behind the attachments, a JSON
	// value; 0 for none.
	State       int
	Attachments []Attachment
}

// ErrorMeta is the meta of an ERROR.
type ErrorMeta struct {
	// Spans are as in [ResultMeta].
	Spans []byte
}

// EventMeta is the meta of an EVENT: "item", "chunk", "status" or a kind that
// this version does not know.
type EventMeta struct{ Kind string }

// CreditMeta is the meta of a CREDIT: how many more EVENTs may be sent.
type CreditMeta struct{ N int }

// CancelMeta is the meta of a CANCEL: "canceled" or "deadline".
type CancelMeta struct{ Why string }

// NeedMeta is the meta of a NEED: the kind ("program" or "lm") and hash of the
// definition that the worker lacks.
type NeedMeta struct{ Kind, Hash string }

// DefineMeta is the meta of a DEFINE, the answer to NEED. Missing means that
// the host does not have the definition either.
type DefineMeta struct {
	Kind, Hash string
	Missing    bool
}

// PongMeta is the meta of a PONG.
type PongMeta struct {
	// Lag is by how many microseconds the worker's event loop is late.
	Lag int64
	// Running is the number of calls in flight.
	Running int
	// RSS is resident memory in bytes; 0 if the worker cannot tell.
	RSS int64
}

// GoodbyeMeta is the meta of a GOODBYE: why the worker leaves.
type GoodbyeMeta struct{ Why string }

// HostCallMeta is the meta of a HOSTCALL.
type HostCallMeta struct {
	// Method is the host's method, Call the call on whose behalf it is made;
	// 0 means none.
	Method string
	Call   uint64
	// Stream is the first credit of a host call that takes HOSTEVENT frames; 0
	// means that it takes none.
	Stream int
	// Extra is a JSON value beside the body, nil for none.
	Extra []byte
}

// HostAnswerMeta is the meta of a HOSTRESULT and of a HOSTEVENT.
type HostAnswerMeta struct {
	// Extra is a JSON value beside the body, nil for none.
	Extra []byte
}

// HostCreditMeta is the meta of a HOSTCREDIT: how many more HOSTEVENTs may be
// sent.
type HostCreditMeta = CreditMeta

// ReleaseMeta is the meta of a RELEASE: the session whose objects are to be
// closed, and the tenant whose session it is, or "".
type ReleaseMeta struct{ Tenant, Session string }
