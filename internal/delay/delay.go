package delay

import (
	"context"
	"time"
)

// Wait returns nil when d has passed, or ctx.Err() as soon as ctx ends. It does
// not wait if d is not positive, and never succeeds for a context that has
// ended.
func Wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err()
}
