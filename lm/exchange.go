package lm

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/dspool/dspool/fault"
)

// An Exchanger sends a request and returns the provider's response. It is safe
// for concurrent use. What the provider answers, errors included, is a
// Response; an error is a failure of this side and a *fault.Error.
type Exchanger interface {
	// Exchange sends a request and returns once the answer begins. It gives
	// up, and closes the connection, when ctx ends.
	Exchange(ctx context.Context, req *Request) (*Response, error)
}

// A Field is one header field.
type Field [2]string

// A Request is one HTTP request of a worker's. It is read-only.
type Request struct {
	// Method, URL, Header and Body are what DSPy made, with [KeyMark] where the
	// key belongs. Body is not copied.
	Method string
	URL    string
	Header []Field
	Body   []byte
	// Stream says that the worker takes the body in pieces.
	Stream bool
	// Rollout, if not "", keeps otherwise equal requests apart in the cache.
	Rollout string
	// Tenant and Program are on whose behalf the request is made; both may be
	// "".
	Tenant, Program string
	// Instead, if not nil, says that another model was to answer and failed.
	Instead *Instead
	// Told, if not nil, is told once what the request has used: when the answer
	// has been read or closed, or when there was none.
	Told func(Use)
}

// Instead is the model that a request was meant for at first, and how that one
// failed.
type Instead struct {
	// ID is what the model was added under, see [Egress.Add].
	ID string
	// Code is its failure.
	Code fault.Code
	// Model is its name; Exchange fills it in for Told.
	Model string
}

// A Response is a provider's answer. Its body has to be closed.
type Response struct {
	Status int
	// Header holds the fields that DSPy looks at.
	Header []Field
	// Body ends with an error if the provider's does not come whole.
	Body io.ReadCloser
	// Cached says that the answer came from the cache, Attempts how many
	// requests were sent for it.
	Cached   bool
	Attempts int
}

// told keeps the header fields that the worker has a use for: those that say
// what the body is and, in a failure, when to come back and whom to ask.
func told(h http.Header, status int) []Field {
	fields := []Field{{"content-type", h.Get("Content-Type")}}
	if status < http.StatusBadRequest {
		return fields
	}
	for name, values := range h {
		low := strings.ToLower(name)
		if low == "retry-after" || low == "retry-after-ms" || strings.Contains(low, "ratelimit") || strings.Contains(low, "request-id") {
			fields = append(fields, Field{low, values[0]})
		}
	}
	return fields
}
