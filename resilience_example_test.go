package dspool_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/dspool/dspool"
	"github.com/dspool/dspool/fault"
)

// flaky is a Runner that fails twice before it works.
func flaky() dspool.Runner {
	down := fault.New(fault.Unavailable, "no worker yet").WithStarted(fault.StartedNo)
	down.RetryAfter = time.Millisecond
	return fails(inTurn(down, down))
}

// A failed call is repeated, within its context's deadline and a budget for all
// calls.
func ExampleNewRetry() {
	retry, err := dspool.NewRetry(flaky(), dspool.RetryConfig{Backoff: dspool.FibonacciBackoff(100*time.Millisecond, time.Second)})
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := retry.Call(context.Background(), dspool.Request{})
	fmt.Println(resp.Attempts, err, retry.Status().Recovered)
	// Output: 3 <nil> 1
}

// After two failures in a row the Runner is left alone for a while.
func ExampleNewBreaker() {
	guarded, err := dspool.NewBreaker(flaky(), dspool.BreakerConfig{Name: "python", Failures: 2})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		_, err = guarded.Call(context.Background(), dspool.Request{})
	}
	var f *fault.Error
	errors.As(err, &f)
	fmt.Println(f.Code, f.RetryAfter.Round(time.Second), guarded.State())
	guarded.Reset()
	_, err = guarded.Call(context.Background(), dspool.Request{})
	fmt.Println(guarded.State(), err)
	// Output:
	// unavailable 1m0s open
	// closed <nil>
}

// One circuit per language model.
func ExampleCircuits() {
	circuits, err := dspool.NewCircuits(dspool.BreakerConfig{})
	if err != nil {
		fmt.Println(err)
		return
	}
	pool := says(`"hello"`)
	fast, slow := circuits.Guard("fast", pool), circuits.Guard("slow", pool)
	fast.Trip(time.Minute)
	fmt.Println(fast.State(), slow.State())
	// Output: open closed
}

// The pool if it can, one process if not, canned answers at the worst.
func ExampleNewFallback() {
	down := fault.New(fault.Unavailable, "no Python on this machine").WithStarted(fault.StartedNo)
	fallback, err := dspool.NewFallback(dspool.FallbackConfig{},
		dspool.Layer{Name: "pool", Runner: fails(always(down))},
		dspool.Layer{Name: "mock", Runner: says(`"a canned answer"`)},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	resp, err := fallback.Call(context.Background(), dspool.Request{})
	fmt.Println(string(resp.Output), resp.Layer, err)
	fmt.Println(fallback.Status().Layers[0].LastError)
	// Output:
	// "a canned answer" mock <nil>
	// unavailable: no Python on this machine
}
