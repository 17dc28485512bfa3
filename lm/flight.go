package lm

import (
	"bytes"
	"context"
	"io"
	"sync"
	"time"
)

// flights lets equal requests that are made at the same time share one answer.
type flights struct {
	mu   sync.Mutex
	live map[CacheKey]*flight
	done sync.WaitGroup
}

// A flight is one request that several callers wait for. It ends when none of
// them does any more.
type flight struct {
	users  int
	cancel context.CancelFunc
	landed chan struct{} // closed when resp and err are there
	until  time.Time     // the budget of who began it, zero without one

	resp Response
	body []byte
	err  error
}

func newFlights() *flights { return &flights{live: make(map[CacheKey]*flight)} }

// do returns the answer that ask gives, or that another caller's ask is about
// to give. shared tells that it is another one's.
func (f *flights) do(ctx context.Context, key CacheKey, ask func(context.Context) (*Response, error)) (resp *Response, shared bool, err error) {
	one, shared := f.board(ctx, key, ask)
	defer f.leave(key, one)
	select {
	case <-one.landed:
	case <-ctx.Done():
		return nil, shared, left(ctx, "while it waited for the language model")
	}
	if one.err != nil {
		return nil, shared, one.err
	}
	copied := one.resp
	copied.Body = io.NopCloser(bytes.NewReader(one.body))
	return &copied, shared, nil
}

// board joins a flight, or starts one that outlives its first caller for as
// long as there are others.
func (f *flights) board(ctx context.Context, key CacheKey, ask func(context.Context) (*Response, error)) (*flight, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	until, limited := ctx.Deadline()
	if one := f.live[key]; one != nil && one.lasts(until, limited) {
		one.users++
		return one, true
	}
	free := context.WithoutCancel(ctx)
	ctx, cancel := context.WithCancel(free)
	if limited {
		cancel()
		ctx, cancel = context.WithDeadline(free, until)
	}
	one := &flight{users: 1, cancel: cancel, landed: make(chan struct{}), until: until}
	f.live[key] = one
	f.done.Go(func() {
		defer close(one.landed)
		one.fly(ctx, ask)
		f.forget(key, one)
	})
	return one, false
}

// lasts reports whether a flight has the time that a caller has.
func (o *flight) lasts(until time.Time, limited bool) bool {
	return o.until.IsZero() || limited && !until.After(o.until)
}

func (o *flight) fly(ctx context.Context, ask func(context.Context) (*Response, error)) {
	resp, err := ask(ctx)
	if err != nil {
		o.err = err
		return
	}
	defer func() { _ = resp.Body.Close() }()
	o.resp = *resp
	o.body, o.err = io.ReadAll(resp.Body)
}

// forget lets later callers ask anew.
func (f *flights) forget(key CacheKey, one *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.live[key] == one {
		delete(f.live, key)
	}
}

// leave counts a caller out; the last one ends the request.
func (f *flights) leave(key CacheKey, one *flight) {
	f.mu.Lock()
	one.users--
	last := one.users == 0
	if last && f.live[key] == one {
		delete(f.live, key)
	}
	f.mu.Unlock()
	if last {
		one.cancel()
	}
}

// wait returns when no request is under way.
func (f *flights) wait() { f.done.Wait() }
