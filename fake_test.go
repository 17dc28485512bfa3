package dspool_test

import (
	"context"
	"encoding/json"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// A fakeRunner answers with a function. It keeps the requests that it saw.
type fakeRunner struct {
	answer func(ctx context.Context, req dspool.Request) (dspool.Response, error)
	events []dspool.Event

	mu       sync.Mutex
	requests []dspool.Request
	running  atomic.Int64
	peak     atomic.Int64
}

// says returns a Runner that always answers with the same JSON.
func says(output string) *fakeRunner {
	return &fakeRunner{answer: func(context.Context, dspool.Request) (dspool.Response, error) {
		return dspool.Response{Output: json.RawMessage(output), Worker: "w1", Attempts: 1}, nil
	}}
}

func (f *fakeRunner) Call(ctx context.Context, req dspool.Request) (dspool.Response, error) {
	f.mu.Lock()
	f.requests = append(f.requests, req)
	f.mu.Unlock()
	now := f.running.Add(1)
	defer f.running.Add(-1)
	for peak := f.peak.Load(); now > peak && !f.peak.CompareAndSwap(peak, now); peak = f.peak.Load() {
	}
	return f.answer(ctx, req)
}

func (f *fakeRunner) Stream(ctx context.Context, req dspool.Request) iter.Seq2[dspool.Event, error] {
	return func(yield func(dspool.Event, error) bool) {
		for _, ev := range f.events {
			if !yield(ev, nil) {
				return
			}
		}
		resp, err := f.Call(ctx, req)
		if err != nil {
			yield(dspool.Event{}, err)
			return
		}
		yield(dspool.Event{Kind: dspool.EventResult, Data: resp.Output, Response: &resp}, nil)
	}
}

// last returns the request that was seen last.
func (f *fakeRunner) last() dspool.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.requests[len(f.requests)-1]
}

// soon returns a context that ends before a hanging test would.
func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// wantFault checks an error's code and what its message says.
func wantFault(t *testing.T, err error, code fault.Code, says ...string) {
	t.Helper()
	if fault.CodeOf(err) != code {
		t.Fatalf("error %v, want the code %s", err, code)
	}
	for _, s := range says {
		if !strings.Contains(err.Error(), s) {
			t.Errorf("%v\nwant it to say: %s", err, s)
		}
	}
}
