package delay_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/dspool/dspool/internal/delay"
)

// waited says how long Wait took.
func waited(ctx context.Context, d time.Duration) (time.Duration, error) {
	began := time.Now()
	err := delay.Wait(ctx, d)
	return time.Since(began), err
}

func TestWaitEndsWithItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		if took, err := waited(t.Context(), time.Hour); took != time.Hour || err != nil {
			t.Errorf("took %v: %v", took, err)
		}
	})
}

func TestWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if took, err := waited(ctx, time.Hour); took != time.Minute || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("took %v: %v", took, err)
		}
	})
}

func TestNothingToWaitForIsNoWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for _, d := range []time.Duration{0, -time.Second} {
			if took, err := waited(t.Context(), d); took != 0 || err != nil {
				t.Errorf("%v took %v: %v", d, took, err)
			}
			if took, err := waited(ended, d); took != 0 || !errors.Is(err, context.Canceled) {
				t.Errorf("%v for a context that has ended took %v: %v", d, took, err)
			}
		}
	})
}
