package lm

import (
	"context"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/fault"
)

// A slow provider answers after a while and knows how many ask at once.
type slow struct {
	takes time.Duration
	body  string

	mu         sync.Mutex
	now, most  int
	asked      int
	lastCancel error
}

func (s *slow) Exchange(ctx context.Context, _ *Request) (*Response, error) {
	s.mu.Lock()
	s.now++
	s.asked++
	s.most = max(s.most, s.now)
	s.mu.Unlock()
	err := sleep(ctx, s.takes)
	if err == nil && ctx.Err() != nil {
		err = left(ctx, "in time")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now--
	if s.lastCancel = err; err != nil {
		return nil, err
	}
	return &Response{Status: 200, Body: io.NopCloser(strings.NewReader(s.body))}, nil
}

// finish makes a request and reads its answer.
func finish(ctx context.Context, e Exchanger, req *Request) (string, error) {
	resp, err := e.Exchange(ctx, req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	return string(raw), err
}

// crowd makes n requests at once and returns their errors.
func crowd(ctx context.Context, n int, e Exchanger, req func(int) *Request) []error {
	errs := make([]error, n)
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { _, errs[i] = finish(ctx, e, req(i)) })
	}
	wg.Wait()
	return errs
}

func same(*testing.T) func(int) *Request { return func(int) *Request { return &Request{} } }

func TestOnlySoManyAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{takes: time.Second}
		l := newLimiter(s, "m", Limits{Concurrent: 3}, &load{})
		began := time.Now()
		for _, err := range crowd(t.Context(), 9, l, same(t)) {
			if err != nil {
				t.Error(err)
			}
		}
		if s.most != 3 || time.Since(began) != 3*time.Second {
			t.Errorf("%d at once, %s", s.most, time.Since(began))
		}
	})
}

func TestSoManyRequestsAMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(&slow{}, "m", Limits{RequestsPerMinute: 60}, &load{}) // 6 at once, then one a second
		began := time.Now()
		for range 26 {
			if _, err := finish(t.Context(), l, &Request{}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 19*time.Second || took > 21*time.Second {
			t.Errorf("26 requests took %s", took)
		}
	})
}

func TestSoManyTokensAMinuteAsTheProviderCountsThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{body: `{"usage":{"prompt_tokens":50,"completion_tokens":50}}`}
		l := newLimiter(s, "m", Limits{TokensPerMinute: 6000}, &load{}) // 600 at once, then 100 a second
		began := time.Now()
		for range 26 {
			if _, err := finish(t.Context(), l, &Request{Body: []byte("tiny")}); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took < 18*time.Second || took > 21*time.Second {
			t.Errorf("2600 tokens took %s", took)
		}
	})
}

func TestAWaitBeyondTheBudgetFailsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(&slow{}, "m", Limits{RequestsPerMinute: 6}, &load{})
		if _, err := finish(t.Context(), l, &Request{}); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		_, err := finish(ctx, l, &Request{})
		if fault.CodeOf(err) != fault.LMRateLimit || fault.From(err).RetryAfter != 10*time.Second || time.Since(began) > 0 {
			t.Errorf("%v after %s, retry after %s", err, time.Since(began), fault.From(err).RetryAfter)
		}
		_ = sleep(t.Context(), 10*time.Second)
		if _, err := finish(ctx, l, &Request{}); err == nil {
			t.Error("a call whose time is over was let through")
		}
	})
}

func TestWhoGivesUpWaitingTakesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(&slow{takes: time.Minute}, "m", Limits{Concurrent: 1, RequestsPerMinute: 600, TokensPerMinute: 6000}, &load{})
		go func() { _, _ = finish(t.Context(), l, &Request{}) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := finish(ctx, l, &Request{}); fault.CodeOf(err) != fault.DeadlineExceeded {
			t.Error(err)
		}
		if l.requests.level < 58 {
			t.Errorf("%f requests are left of 60", l.requests.level)
		}
		_ = sleep(t.Context(), time.Minute)
		synctest.Wait()
		if _, err := finish(t.Context(), l, &Request{}); err != nil {
			t.Error(err)
		}
	})
}

func TestEqualRequestsShareAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{takes: time.Second, body: "yes"}
		c := &cached{next: s, id: "m", store: NewMemoryCache(0), flights: newFlights()}
		var mu sync.Mutex
		shared := 0
		errs := crowd(t.Context(), 10, c, func(i int) *Request {
			return &Request{Tenant: fmt.Sprint(i % 2), Told: func(u Use) {
				mu.Lock()
				defer mu.Unlock()
				if u.Shared {
					shared++
				}
			}}
		})
		for _, err := range errs {
			if err != nil {
				t.Error(err)
			}
		}
		if s.asked != 2 || shared != 8 {
			t.Errorf("%d requests for 2 tenants, %d shared", s.asked, shared)
		}
		if body, err := finish(t.Context(), c, &Request{Tenant: "0"}); body != "yes" || err != nil || s.asked != 2 {
			t.Errorf("%q, %v: asked %d times", body, err, s.asked)
		}
	})
}

func TestASharedRequestOutlivesItsFirstCallerAndNotItsLast(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{takes: time.Minute, body: "yes"}
		c := &cached{next: s, id: "m", store: NewMemoryCache(0), flights: newFlights()}
		first, leave := context.WithCancel(t.Context())
		second, leaveToo := context.WithCancel(t.Context())
		ended := make(chan error, 2)
		for _, ctx := range []context.Context{first, second} {
			go func() {
				_, err := finish(ctx, c, &Request{})
				ended <- err
			}()
			synctest.Wait()
		}
		leave()
		if err := <-ended; fault.CodeOf(err) != fault.Canceled {
			t.Error(err)
		}
		synctest.Wait()
		if s.now != 1 {
			t.Error("the request ended with its first caller")
		}
		leaveToo()
		<-ended
		c.flights.wait()
		if s.now != 0 || s.lastCancel == nil || s.asked != 1 {
			t.Errorf("%d are under way, asked %d", s.now, s.asked)
		}
	})
}

// A caller with more time than the one who asked first does not share its end.
func TestAFlightIsSharedByThoseWhoseBudgetItLasts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &slow{takes: 10 * time.Second, body: "x"}
		f := newFlights()
		defer f.wait()
		do := func(budget time.Duration) (bool, error) {
			ctx, cancel := context.WithTimeout(t.Context(), budget)
			defer cancel()
			_, shared, err := f.do(ctx, CacheKey{}, func(ctx context.Context) (*Response, error) { return s.Exchange(ctx, nil) })
			return shared, err
		}
		var callers sync.WaitGroup
		for _, c := range []struct {
			budget time.Duration
			shared bool
			code   fault.Code
		}{{5 * time.Second, false, fault.DeadlineExceeded}, {4 * time.Second, true, fault.DeadlineExceeded}, {20 * time.Second, false, ""}, {15 * time.Second, true, ""}} {
			callers.Go(func() {
				if shared, err := do(c.budget); shared != c.shared || fault.CodeOf(err) != c.code {
					t.Errorf("%s: shared %v, %v", c.budget, shared, err)
				}
			})
			synctest.Wait()
		}
		callers.Wait()
		if s.asked != 2 {
			t.Errorf("asked %d times", s.asked)
		}
	})
}

func TestALimiterCountsThoseThatWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var at load
		l := newLimiter(&slow{takes: time.Second}, "m", Limits{Concurrent: 1}, &at)
		var callers sync.WaitGroup
		for range 3 {
			callers.Go(func() { _, _ = finish(t.Context(), l, &Request{}) })
		}
		for want := int64(2); want >= 0; want-- {
			synctest.Wait()
			if n := at.waiting.Load(); n != want {
				t.Errorf("%d wait, want %d", n, want)
			}
			<-time.After(time.Second)
		}
		callers.Wait()
	})
}
