package lm

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/fault"
)

// A script answers with one step after the other, the last one for ever.
type script struct {
	steps []func() (*Response, error)
	asked []time.Time
}

func (s *script) Exchange(context.Context, *Request) (*Response, error) {
	step := s.steps[min(len(s.asked), len(s.steps)-1)]
	s.asked = append(s.asked, time.Now())
	return step()
}

func status(code int, body string, fields ...Field) func() (*Response, error) {
	return func() (*Response, error) {
		return &Response{Status: code, Header: fields, Body: io.NopCloser(strings.NewReader(body))}, nil
	}
}

func broken(code fault.Code) func() (*Response, error) {
	return func() (*Response, error) { return nil, fault.New(code, "broken") }
}

func TestRetries(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		steps  []func() (*Response, error)
		budget time.Duration
		asked  int
		status int
		code   fault.Code
		took   time.Duration
	}{
		"fine":                    {steps: []func() (*Response, error){status(200, "")}, asked: 1, status: 200},
		"a refusal is final":      {steps: []func() (*Response, error){status(400, "")}, asked: 1, status: 400},
		"a bad key is final":      {steps: []func() (*Response, error){status(401, "")}, asked: 1, status: 401},
		"a server's trouble":      {steps: []func() (*Response, error){status(500, ""), status(503, ""), status(200, "")}, asked: 3, status: 200, took: 1500 * time.Millisecond},
		"trouble for ever":        {steps: []func() (*Response, error){status(529, "")}, asked: 4, status: 529, took: 3500 * time.Millisecond},
		"a lost connection":       {steps: []func() (*Response, error){broken(fault.LMTransport), status(200, "")}, asked: 2, status: 200, took: 500 * time.Millisecond},
		"a wrong address":         {steps: []func() (*Response, error){broken(fault.InvalidArgument)}, asked: 1, code: fault.InvalidArgument},
		"asked to wait":           {steps: []func() (*Response, error){status(429, "", Field{"retry-after", "7"}), status(200, "")}, asked: 2, status: 200, took: 7 * time.Second},
		"asked to wait, in ms":    {steps: []func() (*Response, error){status(429, "", Field{"retry-after", "7"}, Field{"retry-after-ms", "900"}), status(200, "")}, asked: 2, status: 200, took: 900 * time.Millisecond},
		"asked to wait a day":     {steps: []func() (*Response, error){status(429, "", Field{"retry-after", "86400"})}, asked: 1, status: 429},
		"asked to wait for ever":  {steps: []func() (*Response, error){status(429, "", Field{"retry-after", "1e300"})}, asked: 1, status: 429},
		"asked in vain":           {steps: []func() (*Response, error){status(429, "", Field{"retry-after", "soon"}), status(200, "")}, asked: 2, status: 200, took: 500 * time.Millisecond},
		"no money left":           {steps: []func() (*Response, error){status(429, `{"error":{"code":"insufficient_quota"}}`)}, asked: 1, status: 429},
		"no time for the wait":    {steps: []func() (*Response, error){status(429, "", Field{"retry-after", "7"})}, budget: 5 * time.Second, asked: 1, status: 429},
		"no time for the backoff": {steps: []func() (*Response, error){status(500, "")}, budget: time.Second, asked: 2, status: 500, took: 500 * time.Millisecond},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.budget > 0 {
					limited, cancel := context.WithTimeout(ctx, tt.budget)
					defer cancel()
					ctx = limited
				}
				s := &script{steps: tt.steps}
				r := newRetrier(s, Retry{})
				r.random = func() float64 { return 1 }
				began := time.Now()
				resp, err := r.Exchange(ctx, &Request{})
				if len(s.asked) != tt.asked || time.Since(began) != tt.took || fault.CodeOf(err) != tt.code {
					t.Errorf("asked %d times in %s: %v; want %d in %s", len(s.asked), time.Since(began), err, tt.asked, tt.took)
				}
				if tt.status != 0 && (resp == nil || resp.Status != tt.status || resp.Attempts != tt.asked) {
					t.Errorf("response %+v, want status %d", resp, tt.status)
				}
			})
		})
	}
}

func TestARetryAfterMayBeADate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for given, want := range map[string]time.Duration{
		now.Add(9 * time.Second).Format(http.TimeFormat): 9 * time.Second,
		now.Add(-time.Hour).Format(http.TimeFormat):      0,
		"2.5": 2500 * time.Millisecond,
	} {
		got, ok := retryAfter(&Response{Header: []Field{{"retry-after", given}}}, now)
		if !ok || got != want {
			t.Errorf("%s: %s, %v", given, got, ok)
		}
	}
}

func TestACallerWhoLeavesEndsTheWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		r := newRetrier(&script{steps: []func() (*Response, error){status(429, "", Field{"retry-after", "30"})}}, Retry{})
		if _, err := r.Exchange(ctx, &Request{}); fault.CodeOf(err) != fault.Canceled {
			t.Error(err)
		}
	})
}

func TestTheBodyOfAFailureIsStillThere(t *testing.T) {
	t.Parallel()
	r := newRetrier(&script{steps: []func() (*Response, error){status(429, "insufficient_quota")}}, Retry{})
	resp, err := r.Exchange(t.Context(), &Request{})
	if err != nil {
		t.Fatal(err)
	}
	if raw, err := io.ReadAll(resp.Body); err != nil || string(raw) != "insufficient_quota" {
		t.Errorf("%q, %v", raw, err)
	}
}
