package lifecycle

import (
	"context"
	"sync"

	"github.com/dspool/dspool/fault"
)

// Phase is where a [Cycle] stands. It only ever moves forward.
type Phase uint8

// The phases, in order.
const (
	New Phase = iota
	Started
	Stopping
	Stopped
)

// String returns the phase in lower case.
func (p Phase) String() string {
	switch p {
	case New:
		return "new"
	case Started:
		return "started"
	case Stopping:
		return "stopping"
	case Stopped:
		return "stopped"
	default:
		return "unknown"
	}
}

// A Cycle runs one start and one stop. The zero value is a Cycle in phase New.
// Safe for concurrent use.
type Cycle struct {
	mu    sync.Mutex
	phase Phase
	hurry context.CancelCauseFunc
	done  chan struct{}
	err   error
}

// Phase returns where the cycle stands.
func (c *Cycle) Phase() Phase {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.phase
}

// Start runs begin, unless an earlier Start did: then it returns nil. Calls
// that come while begin runs wait for it. After Stop it fails. An error of
// begin leaves the cycle as it was, so that Start may be tried again.
func (c *Cycle) Start(begin func() error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch c.phase {
	case New:
		if err := begin(); err != nil {
			return err
		}
		c.phase = Started
		return nil
	case Started:
		return nil
	default:
		return fault.New(fault.ShuttingDown, "it was stopped and cannot be started again: make a new one").WithStarted(fault.StartedNo)
	}
}

// Stop runs end, once, however often and wherever it is called, and waits for
// it. The context that end gets ends as soon as that of any caller does, with
// that context's error as its cause: a second Stop with less patience hurries
// the first one. Stop before Start
// runs end too, with began false.
func (c *Cycle) Stop(ctx context.Context, end func(ctx context.Context, began bool) error) error {
	c.mu.Lock()
	if c.done == nil {
		began := c.phase == Started
		patience, hurry := context.WithCancelCause(context.WithoutCancel(ctx))
		c.phase, c.hurry, c.done = Stopping, hurry, make(chan struct{})
		go c.end(patience, began, end)
	}
	hurry, done := c.hurry, c.done
	c.mu.Unlock()

	select {
	case <-done:
	case <-ctx.Done():
		hurry(ctx.Err())
		<-done
	}
	return c.err
}

// end runs the stop and lets everybody go who waits for it.
func (c *Cycle) end(ctx context.Context, began bool, end func(context.Context, bool) error) {
	err := end(ctx, began)
	c.mu.Lock()
	c.phase, c.err = Stopped, err
	c.mu.Unlock()
	c.hurry(nil)
	close(c.done)
}

// Done is closed when a Stop has run to its end, and nil before any Stop.
func (c *Cycle) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.done
}
