package adapter

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/delay"
)

// retryDelayDefault is the pause before a repetition where the error asks for
// none.
const retryDelayDefault = time.Second

// ExecuteOptions change how a Factory runs an operation. The zero value is what
// the layer says.
type ExecuteOptions struct {
	// Layer chooses the limits. Empty: that of TEST_MODE.
	Layer Layer
	// Timeout bounds each try. 0: the layer's.
	Timeout time.Duration
	// Retries is how many further tries there are, -1 for none. 0: the
	// layer's.
	Retries int
	// RetryDelay is the pause before the second try; before the n-th it is
	// n-1 times that. 0: what the error says, or 1 s.
	RetryDelay time.Duration
}

func (o ExecuteOptions) limits(layer Layer) Limits {
	l := LimitsOf(layer)
	if o.Timeout > 0 {
		l.Timeout = o.Timeout
	}
	if o.Retries != 0 {
		l.Retries = max(o.Retries, 0)
	}
	return l
}

// Execute runs an operation on an adapter, each try under the layer's timeout,
// and again as often as the layer allows while the error is recoverable. An
// operation whose program had begun is never run again. The error is an
// *[Error]. The operation has to heed its context.
func Execute[T any](ctx context.Context, f *Factory, a Adapter, operation func(context.Context, Adapter) (T, error), o ExecuteOptions) (T, error) {
	layer := f.layer(o.Layer)
	limits := o.limits(layer)
	for try := 0; ; try++ {
		out, err := attempt(ctx, layer, limits.Timeout, a, operation)
		if err == nil {
			return out, nil
		}
		e := Wrap(err, layer, map[string]string{"adapter_type": a.Name(), "attempts": strconv.Itoa(try + 1)}).
			WithOperation(a.Name(), "execute")
		if !e.Recoverable || try >= limits.Retries || delay.Wait(ctx, o.delay(e, try)) != nil {
			return out, e
		}
	}
}

func (o ExecuteOptions) delay(e *Error, try int) time.Duration {
	switch {
	case o.RetryDelay > 0:
		return o.RetryDelay * time.Duration(try+1)
	case e.RetryAfter > 0:
		return e.RetryAfter
	default:
		return retryDelayDefault
	}
}

// attempt runs an operation once.
func attempt[T any](ctx context.Context, layer Layer, timeout time.Duration, a Adapter, operation func(context.Context, Adapter) (T, error)) (out T, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	err = Guard(layer, func() (err error) {
		out, err = operation(ctx, a)
		return err
	})
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && fault.CodeOf(err) != fault.DeadlineExceeded {
		err = fault.Wrap(fault.DeadlineExceeded, err, "the operation did not end within "+timeout.String()).WithStarted(fault.From(err).Started)
	}
	return out, err
}

// Defaults of ExecuteWithFallback.
const (
	FallbackRetriesDefault = 3
	FallbackDelayDefault   = 100 * time.Millisecond
)

// cascades reports whether another adapter may do what this one could not.
func cascades(err error) bool {
	return !began(err) && fault.ClassOf(fault.CodeOf(err)).Cascade != fault.CascadeNever
}

// ExecuteWithFallback runs an operation on the first adapter that serves it, in
// the order of the names. Each gets three repetitions if o does not say
// otherwise, 100 ms apart, then 200 and 300. A warning is logged for each that
// fails. An error that is the request's or the program's own is the result: another
// adapter would not make it better, and might run user code twice.
func ExecuteWithFallback[T any](ctx context.Context, f *Factory, names []string, operation func(context.Context, Adapter) (T, error), o ExecuteOptions) (out T, err error) {
	if len(names) == 0 {
		return out, Wrap(noAdapters(), f.layer(o.Layer), nil)
	}
	if o.Retries == 0 {
		o.Retries = FallbackRetriesDefault
	}
	if o.RetryDelay == 0 {
		o.RetryDelay = FallbackDelayDefault
	}
	var errs []error
	for _, name := range names {
		a, err := f.Create(ctx, CreateOptions{Name: name, Layer: o.Layer})
		if err == nil {
			out, err = Execute(ctx, f, a, operation, o)
		}
		if err == nil || a != nil && !cascades(err) || ctx.Err() != nil {
			return out, err
		}
		f.logger.Warn("adapter failed, trying the next", "adapter", name, "error", err)
		errs = append(errs, err)
	}
	all := errors.Join(errs...)
	return out, &Error{
		Type: AllFailed, Message: "All adapters failed: " + all.Error(), Layer: f.layer(o.Layer), Cause: all,
		Class: ClassResource, Strategy: ClassResource.Strategy(),
	}
}
