package lm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/delay"
)

// Defaults of Retry.
const (
	RetriesDefault       = 3
	RetryBaseDefault     = 500 * time.Millisecond
	RetryCapDefault      = 20 * time.Second
	RetryAfterMaxDefault = time.Minute
)

// errorBodyLimit is how much of a failure's body is looked at and passed on.
const errorBodyLimit = 1 << 20

// Retry says how requests that failed are sent again. Waits are drawn evenly
// between nothing and a bound that doubles each time ("full jitter", Brooker,
// Exponential Backoff And Jitter, 2015), and never go beyond the call's budget.
type Retry struct {
	// Max is how often a request is sent again. Defaults to RetriesDefault, -1
	// is never.
	Max int
	// Base is the first bound of a wait and Cap the largest. Default to
	// RetryBaseDefault and RetryCapDefault.
	Base, Cap time.Duration
	// AfterMax is the longest Retry-After that is waited for; the provider's
	// answer is passed on at once if it asks for more. Defaults to
	// RetryAfterMaxDefault.
	AfterMax time.Duration
}

func (r Retry) withDefaults() Retry {
	if r.Max == 0 {
		r.Max = RetriesDefault
	}
	r.Max = max(r.Max, 0)
	r.Base = or(r.Base, RetryBaseDefault)
	r.Cap = or(r.Cap, RetryCapDefault)
	r.AfterMax = or(r.AfterMax, RetryAfterMaxDefault)
	return r
}

func or[T comparable](value, otherwise T) T {
	var zero T
	if value == zero {
		return otherwise
	}
	return value
}

// A retrier sends a request again while that may help.
type retrier struct {
	next   Exchanger
	pace   Retry
	random func() float64 // in [0, 1)
}

var _ Exchanger = (*retrier)(nil)

func newRetrier(next Exchanger, r Retry) *retrier {
	return &retrier{next: next, pace: r.withDefaults(), random: rand.Float64}
}

// Exchange sends a request until it is answered for good, the budget of ctx
// does not allow another wait, or it was sent often enough. What came last is
// returned as it is.
func (r *retrier) Exchange(ctx context.Context, req *Request) (*Response, error) {
	for attempt := 1; ; attempt++ {
		resp, err := r.next.Exchange(ctx, req)
		if resp != nil {
			resp.Attempts = attempt
		}
		if attempt > r.pace.Max || !passing(ctx, resp, err) {
			return resp, err
		}
		wait, ok := r.wait(ctx, attempt, resp)
		if !ok {
			return resp, err
		}
		if resp != nil {
			_ = resp.Body.Close()
		}
		if err := sleep(ctx, wait); err != nil {
			return nil, err
		}
	}
}

// wait is how long to wait before the next attempt; false if there is no time
// for it.
func (r *retrier) wait(ctx context.Context, attempt int, resp *Response) (time.Duration, bool) {
	bound := min(r.pace.Cap, r.pace.Base<<min(attempt-1, 20))
	wait := time.Duration(float64(bound) * r.random())
	if asked, ok := retryAfter(resp, time.Now()); ok {
		if asked > r.pace.AfterMax {
			return 0, false
		}
		wait = max(wait, asked)
	}
	deadline, limited := ctx.Deadline()
	return wait, !limited || time.Until(deadline) > wait
}

// passing reports whether what went wrong may pass by itself.
func passing(ctx context.Context, resp *Response, err error) bool {
	if ctx.Err() != nil {
		return false
	}
	if err != nil {
		code := fault.CodeOf(err)
		return code == fault.LMTransport || code == fault.LMTimeout
	}
	switch resp.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout, 529: // Anthropic's "overloaded"
		return true
	case http.StatusTooManyRequests:
		return !spent(resp)
	default:
		return false
	}
}

// spent reports whether a 429 says that the account has no money left, which
// does not pass. It replaces the body by what it has read of it.
func spent(resp *Response) bool {
	raw, _ := io.ReadAll(io.LimitReader(resp.Body, errorBodyLimit))
	_ = resp.Body.Close()
	resp.Body = io.NopCloser(bytes.NewReader(raw))
	return bytes.Contains(raw, []byte("insufficient_quota"))
}

// retryAfter is how long a provider asks to be left alone.
func retryAfter(resp *Response, now time.Time) (time.Duration, bool) {
	if resp == nil {
		return 0, false
	}
	for _, f := range resp.Header {
		if f[0] == "retry-after-ms" {
			if ms, err := strconv.ParseFloat(f[1], 64); err == nil && ms >= 0 {
				return seconds(ms / 1000), true
			}
		}
	}
	for _, f := range resp.Header {
		if f[0] != "retry-after" {
			continue
		}
		if s, err := strconv.ParseFloat(f[1], 64); err == nil && s >= 0 {
			return seconds(s), true
		}
		if at, err := http.ParseTime(f[1]); err == nil {
			return max(at.Sub(now), 0), true
		}
	}
	return 0, false
}

// seconds turns a number of seconds into a duration, bounded by a year.
func seconds(s float64) time.Duration {
	return time.Duration(min(s, 365*24*3600) * float64(time.Second))
}

// sleep waits, or returns why ctx ended.
func sleep(ctx context.Context, d time.Duration) error {
	if delay.Wait(ctx, d) == nil {
		return nil
	}
	return left(ctx, "while it waited to ask the language model again")
}

// left is the error of a call that ended meanwhile.
func left(ctx context.Context, when string) *fault.Error {
	var known *fault.Error
	if cause := context.Cause(ctx); errors.As(cause, &known) {
		return known
	}
	code, message := fault.Canceled, "the call was given up "
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		code, message = fault.DeadlineExceeded, "the call's time budget ran out "
	}
	return fault.Wrap(code, context.Cause(ctx), message+when)
}
