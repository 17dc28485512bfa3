package health

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A lateError is the failure of a check whose answer did not come in time.
type lateError struct {
	what  string
	after time.Duration
}

func (e *lateError) Error() string {
	return fmt.Sprintf("%s within %s", e.what, e.after.Round(time.Millisecond))
}

func isLate(err error) bool {
	var late *lateError
	return errors.As(err, &late)
}

// check asks both questions at the same time and waits for the answers until
// ctx ends.
func check(ctx context.Context, s Subject) Result {
	r := Result{At: time.Now()}
	tried := make(chan error, 1)
	if s.Leaving() {
		tried <- nil
	} else {
		go func() { tried <- s.Try(ctx) }()
	}
	pulse, pingErr := s.Ping(ctx)
	tryErr := <-tried
	r.Took = time.Since(r.At)
	r.Alive, r.Pulse = pingErr == nil, pulse
	switch {
	case pingErr != nil && ctx.Err() != nil:
		r.Err = &lateError{"it did not answer a ping", r.Took}
	case pingErr != nil:
		r.Err = fmt.Errorf("it cannot be pinged: %w", pingErr)
	case tryErr != nil && ctx.Err() != nil:
		r.Err = &lateError{"it answered a ping but not a call", r.Took}
	case tryErr != nil:
		r.Err = fmt.Errorf("the call of the check failed: %w", tryErr)
	}
	return r
}
