package dspooltest

import (
	"encoding/json"
	"strings"
	"time"
)

// PracticeConfig says how a [PracticeLM] behaves. The zero value answers every
// request at once and correctly.
type PracticeConfig struct {
	// Addr is where Start listens. Default: a free port of 127.0.0.1.
	Addr string
	// Seed changes the values that prompts leave open.
	Seed uint64
	// Behaviour is how requests are answered that no rule matches.
	Behaviour Behaviour
	// Rules are tried in order; the first that matches decides.
	Rules []Rule
	// Limit, if its Requests are above 0, bounds the requests of each key.
	Limit RateLimit
	// Models are the names that the model list shows. Default: "practice". Other names
	// are answered as well.
	Models []string
	// Observe, if set, sees every chat request before it is answered. It is
	// called from many goroutines at once and delays the answer.
	Observe func(PracticeRequest)
}

// A RateLimit allows Requests in every Window, which starts with the first
// request after the last one ended. Requests beyond it get status 429 with the
// time until the window ends in Retry-After.
type RateLimit struct {
	Requests int
	Window   time.Duration
}

// A Rule gives the requests that it matches a Behaviour of their own. Empty
// members match everything.
type Rule struct {
	// Contains is a text that the request's messages must contain.
	Contains string
	// Model is the model's name, without options.
	Model string
	// Match, if set, must return true. It must be safe for concurrent use.
	Match func(PracticeRequest) bool
	// Times, if above 0, is how often the rule matches before it is spent.
	Times int
	// Behaviour replaces the configuration's.
	Behaviour Behaviour
}

// A PracticeRequest is what a rule sees of a request.
type PracticeRequest struct {
	// Model is the name asked for, without options.
	Model string
	// Key is a short hash of the API key, or "" when there was none. The key
	// itself is kept nowhere.
	Key string
	// System and User are the first system and the last user message.
	System, User string
	// Stream is true when the answer is to be streamed.
	Stream bool
	// Tools is true when the request offers tools.
	Tools bool
	// Number counts requests from 1.
	Number int64
}

// A Behaviour says how one request is answered.
type Behaviour struct {
	// Latency is the time before the answer, or before the first chunk. If
	// LatencyMax is larger, a time between both that depends on the request.
	Latency, LatencyMax time.Duration
	// ChunkDelay is the time between the chunks of a stream.
	ChunkDelay time.Duration
	// Fail is the failure to answer with, if any.
	Fail Failure
	// ErrorRate, between 0 and 1, makes that share of requests fail, with
	// Fail or a server error. 0 means that Fail is for all requests.
	ErrorRate float64
	// First, if above 0, lets only the first so many requests with the same
	// messages fail or be malformed; the next are answered well.
	First int
	// RetryAfter goes with every failure that has one. Default: 1 s for 429.
	RetryAfter time.Duration
	// Malformed is what is wrong with the answer, if anything.
	Malformed Malformation
	// Content, if set, is the answer's text.
	Content string
	// Fields are the values to answer with, by the name of the field. Other
	// fields are answered as usual.
	Fields map[string]json.RawMessage
}

// A Failure is a status or an accident instead of an answer.
type Failure string

// Failures. Every status from 400 to 599 may be used as well, by its digits.
const (
	FailAuth          Failure = "401"
	FailNotFound      Failure = "404"
	FailTimeout       Failure = "408"
	FailRateLimit     Failure = "429"
	FailServer        Failure = "500"
	FailOverloaded    Failure = "503"
	FailBadRequest    Failure = "400"
	FailContextLength Failure = "context_length" // 400, the prompt is too long
	FailQuota         Failure = "quota"          // 429, out of money
	FailReset         Failure = "reset"          // the connection is cut without an answer
	FailHang          Failure = "hang"           // no answer until the client leaves
	failureNone       Failure = ""
)

// A Malformation is what is wrong with an answer of status 200.
type Malformation string

// Malformations.
const (
	BadJSON      Malformation = "bad_json"      // the body is not JSON
	EmptyBody    Malformation = "empty_body"    // the body has no bytes
	NoChoices    Malformation = "no_choices"    // the list of choices is empty
	CutBody      Malformation = "cut_body"      // the connection ends in the middle of the body
	CutStream    Malformation = "cut_stream"    // the same for a stream; other answers are sound
	Prose        Malformation = "prose"         // the text has none of the fields
	MissingField Malformation = "missing_field" // the text lacks its last field
	WrongType    Malformation = "wrong_type"    // fields have values of another type
	OutOfRange   Malformation = "out_of_range"  // fields have values beyond their limits
)

// matches reports whether the rule applies; it does not look at Times.
func (r *Rule) matches(req PracticeRequest) bool {
	if r.Model != "" && r.Model != req.Model {
		return false
	}
	if r.Contains != "" && !strings.Contains(req.User, r.Contains) && !strings.Contains(req.System, r.Contains) {
		return false
	}
	return r.Match == nil || r.Match(req)
}
