package lm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
)

// A sender sends requests to one model's address. It is the innermost
// Exchanger.
type sender struct {
	model   string
	base    address
	keys    KeyFunc
	client  *http.Client
	timeout time.Duration // of one request until its headers, 0: none
	limit   int64         // bytes of a body
	load    *load
}

var _ Exchanger = (*sender)(nil)

// Exchange sends one request once. The connection is given up at once when ctx
// ends, also while the body is read.
func (s *sender) Exchange(ctx context.Context, req *Request) (*Response, error) {
	u, err := s.base.admit(req.URL)
	if err != nil {
		return nil, err
	}
	key, err := s.key(ctx)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	hr := (&http.Request{
		Method: req.Method, URL: u, Host: u.Host, Header: seal(u, req.Header, key),
		Body: io.NopCloser(bytes.NewReader(req.Body)), ContentLength: int64(len(req.Body)),
		GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(req.Body)), nil },
		Proto:   "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}).WithContext(ctx)
	s.load.sending.Add(1)
	stop := s.guard(cancel)
	resp, err := s.client.Do(hr)
	stop()
	if err != nil {
		why := s.failure(ctx, err)
		s.over(cancel)
		return nil, why
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		s.over(cancel)
		_ = resp.Body.Close()
		return nil, s.redirected(resp)
	}
	answer := &Response{
		Status: resp.StatusCode, Header: told(resp.Header, resp.StatusCode), Attempts: 1,
		Body: &body{cancel: sync.OnceFunc(func() { s.over(cancel) }), ctx: ctx, from: resp.Body, left: s.limit, sender: s},
	}
	if resp.StatusCode >= http.StatusBadRequest {
		if err := conceal(answer, key); err != nil {
			return nil, err
		}
	}
	return answer, nil
}

// over ends a request.
func (s *sender) over(cancel context.CancelCauseFunc) {
	cancel(nil)
	s.load.sending.Add(-1)
}

// guard ends a request whose headers do not come in time.
func (s *sender) guard(cancel context.CancelCauseFunc) (stop func()) {
	if s.timeout <= 0 {
		return func() {}
	}
	timer := time.AfterFunc(s.timeout, func() { cancel(s.slow()) })
	return func() { timer.Stop() }
}

func (s *sender) slow() *fault.Error {
	return fault.Newf(fault.LMTimeout, "the language model %s did not answer within %s", s.model, s.timeout)
}

func (s *sender) redirected(resp *http.Response) *fault.Error {
	to := "elsewhere"
	if at, err := resp.Location(); err == nil {
		to = "to " + at.Host
	}
	return fault.Newf(fault.LMTransport,
		"the language model %s at %s redirects %s (status %d), which is not followed: set APIBase to the right address",
		s.model, s.base.host, to, resp.StatusCode)
}

// failure says why there is no answer.
func (s *sender) failure(ctx context.Context, err error) *fault.Error {
	var known *fault.Error
	if cause := context.Cause(ctx); cause != nil {
		if errors.As(cause, &known) {
			return known
		}
		return fault.Wrap(fault.CodeOf(cause), cause, "the request to the language model "+s.model+" was given up")
	}
	if errors.As(err, &known) {
		return known
	}
	var reason *url.Error
	if errors.As(err, &reason) {
		err = reason.Err // without the URL, which may hold a key
	}
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return fault.Newf(fault.LMTransport, "the address %s of the language model %s cannot be found: %s", s.base.host, s.model, dns.Err)
	case isTimeout(err):
		return fault.Wrap(fault.LMTimeout, err, "the language model "+s.model+" at "+s.base.host+" did not answer in time")
	default:
		return fault.Wrap(fault.LMTransport, err, "the language model "+s.model+" at "+s.base.host+" cannot be reached")
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

// A body passes a provider's bytes on, up to a limit.
type body struct {
	ctx    context.Context //nolint:containedctx // the request's: it says why the bytes end
	cancel func()
	from   io.ReadCloser
	left   int64
	sender *sender
}

// Read implements [io.Reader]. Its errors, but for io.EOF, are faults.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, fault.Newf(fault.LMTransport, "the answer of the language model %s is larger than %d bytes", b.sender.model, b.sender.limit)
	}
	switch {
	case err == nil || errors.Is(err, io.EOF):
	case errors.Is(err, io.ErrUnexpectedEOF):
		err = fault.Newf(fault.LMTransport, "the answer of the language model %s ended before it was whole", b.sender.model)
	default:
		err = b.sender.failure(b.ctx, err)
	}
	return n, err
}

// Close gives the connection back, or ends it if the body was not read.
func (b *body) Close() error {
	b.cancel()
	return b.from.Close()
}
