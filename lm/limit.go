package lm

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/dspool/dspool/fault"
)

// Limits bound what is sent to one model. 0 means no limit.
type Limits struct {
	// Concurrent is how many requests may be under way at once.
	Concurrent int
	// RequestsPerMinute and TokensPerMinute are the provider's own limits, so
	// that it need not refuse. Tokens are estimated by the size of a request
	// and corrected by what the provider has counted. A tenth of a minute's
	// worth may come at once.
	RequestsPerMinute, TokensPerMinute int
}

func (l Limits) none() bool { return l == Limits{} }

// bytesPerToken estimates tokens of a request before the provider counts them:
// about four bytes of English, more for JSON around it.
const bytesPerToken = 4

// A limiter lets requests through as the limits allow. Those that have to wait
// do so in order; one whose budget is too short for the wait fails at once.
type limiter struct {
	next     Exchanger
	model    string
	slots    chan struct{} // nil: no limit
	requests *bucket
	tokens   *bucket
	load     *load
}

var _ Exchanger = (*limiter)(nil)

func newLimiter(next Exchanger, model string, l Limits, w *load) *limiter {
	lim := &limiter{next: next, model: model, requests: newBucket(l.RequestsPerMinute), tokens: newBucket(l.TokensPerMinute), load: w}
	if l.Concurrent > 0 {
		lim.slots = make(chan struct{}, l.Concurrent)
	}
	return lim
}

// Exchange implements [Exchanger].
func (l *limiter) Exchange(ctx context.Context, req *Request) (*Response, error) {
	estimate := float64(len(req.Body)/bytesPerToken + 1)
	if err := l.admit(ctx, estimate); err != nil {
		return nil, err
	}
	resp, err := l.next.Exchange(ctx, req)
	if err != nil {
		l.leave()
		return nil, err
	}
	resp.Body = &leaving{ReadCloser: resp.Body, leave: sync.OnceFunc(l.leave)}
	if l.tokens == nil {
		return resp, nil // nobody asks what the answer took
	}
	resp.Body = &counting{
		ReadCloser: resp.Body, streams: req.Stream,
		tell: func(u Usage) {
			if !u.Zero() {
				l.tokens.correct(estimate - float64(u.Input+u.Output))
			}
		},
	}
	return resp, nil
}

// admit waits until the limits allow a request.
func (l *limiter) admit(ctx context.Context, estimate float64) error {
	l.load.waiting.Add(1)
	defer l.load.waiting.Add(-1)
	if err := l.requests.wait(ctx, 1, l.model); err != nil {
		return err
	}
	if err := l.tokens.wait(ctx, estimate, l.model); err != nil {
		l.requests.correct(1)
		return err
	}
	if err := l.enter(ctx); err != nil {
		l.requests.correct(1)
		l.tokens.correct(estimate)
		return err
	}
	return nil
}

// enter takes a slot.
func (l *limiter) enter(ctx context.Context) error {
	if l.slots == nil {
		return nil
	}
	select {
	case l.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return left(ctx, "while it waited for its turn at the language model "+l.model)
	}
}

func (l *limiter) leave() {
	if l.slots != nil {
		<-l.slots
	}
}

// A leaving body gives the slot back when it is closed.
type leaving struct {
	io.ReadCloser
	leave func()
}

// Close implements [io.Closer].
func (b *leaving) Close() error {
	defer b.leave()
	return b.ReadCloser.Close()
}

// A bucket fills at a rate and is emptied by requests. It may owe: who finds it
// so waits until it is even again. A nil bucket has no bottom.
type bucket struct {
	rate, burst float64 // per second, and the most it holds

	mu    sync.Mutex
	level float64
	at    time.Time
}

// burstShare is the part of a minute's worth that may come at once.
const burstShare = 0.1

func newBucket(perMinute int) *bucket {
	if perMinute <= 0 {
		return nil
	}
	burst := max(float64(perMinute)*burstShare, 1)
	return &bucket{rate: float64(perMinute) / 60, burst: burst, level: burst}
}

// wait takes n out of the bucket as soon as it holds that much, or fails if ctx
// would end before.
func (b *bucket) wait(ctx context.Context, n float64, model string) error {
	if b == nil {
		return nil
	}
	d := b.take(n, time.Now())
	if d <= 0 {
		return nil
	}
	if deadline, limited := ctx.Deadline(); limited && time.Until(deadline) < d {
		b.correct(n)
		err := fault.Newf(fault.LMRateLimit,
			"the limit of requests or tokens a minute of the language model %s would be kept in %s, which is beyond the call's budget: come back later, or raise the limit",
			model, d.Round(time.Millisecond))
		err.RetryAfter = d
		return err
	}
	if err := sleep(ctx, d); err != nil {
		b.correct(n)
		return err
	}
	return nil
}

// take takes n out and returns how long to wait until the bucket is even.
func (b *bucket) take(n float64, now time.Time) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.at.IsZero() {
		b.level = min(b.burst, b.level+b.rate*now.Sub(b.at).Seconds())
	}
	b.at = now
	// What is more than a full bucket waits until it is full.
	due := min(n, b.burst) - b.level
	b.level -= n
	return time.Duration(max(due, 0) / b.rate * float64(time.Second))
}

// correct gives back what was not used, or takes what was used beyond.
func (b *bucket) correct(n float64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.level = min(b.burst, b.level+n)
}

// Check returns what is wrong with limits, or nil.
func (l Limits) Check() error {
	if l.Concurrent < 0 || l.RequestsPerMinute < 0 || l.TokensPerMinute < 0 {
		return errors.New("must not be negative")
	}
	return nil
}
