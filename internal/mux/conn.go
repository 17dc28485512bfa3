package mux

import (
	"context"
	"io"
	"sync"
	"sync/atomic"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// Conn is one connection to a worker. All methods may be called concurrently.
type Conn struct {
	rw      io.ReadWriteCloser
	cfg     Config
	greeted chan struct{} // closed when hello is valid
	done    chan struct{}
	out     outbox
	host    hostCalls

	// mu guards what follows and the outbox's queue: a call takes it once.
	mu       sync.Mutex
	hello    wire.Hello
	table    []*Pending // by id modulo its length
	next     uint64
	inFlight int          // calls, not pings
	held     int          // slots taken: calls and pings
	refuse   *fault.Error // why no call can begin, nil while one can
	started  bool
	closing  bool
	cause    error // why the connection ends
	goodbye  string
	counts   Counts // but for what was received

	// Only the reader adds to them.
	framesIn, bytesIn atomic.Uint64
}

// New returns a connection over rw, which it owns from now on. Nothing is read
// or written before [Conn.Start].
//
// If rw is a syscall.Conn, like the connections of package net, frames are
// written to its descriptor directly, past its Write method.
func New(rw io.ReadWriteCloser, cfg Config) *Conn {
	c := &Conn{
		rw:      rw,
		cfg:     cfg.withDefaults(),
		greeted: make(chan struct{}),
		done:    make(chan struct{}),
		next:    1,
		refuse:  fault.New(fault.Unavailable, "the worker has not said HELLO yet").WithStarted(fault.StartedNo),
	}
	c.table = make([]*Pending, c.cfg.Slots)
	c.out.init(c)
	c.host.init(c)
	return c
}

// Start starts the connection and waits for the worker's HELLO. After an error
// the connection is closed.
func (c *Conn) Start(ctx context.Context) (wire.Hello, error) {
	if !c.launch() {
		return wire.Hello{}, fault.New(fault.InvalidArgument, "the connection was started or closed before")
	}
	select {
	case <-c.greeted:
		return c.hello, nil
	case <-c.done:
		return wire.Hello{}, c.Err()
	case <-ctx.Done():
		err := fault.From(ctx.Err())
		c.Close(err)
		return wire.Hello{}, err
	}
}

// launch starts the reader and the writer, once.
func (c *Conn) launch() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.started || c.closing {
		return false
	}
	c.started = true
	c.out.launch()
	go c.run()
	return true
}

// Drain asks the worker to finish its calls and leave. No call can begin from
// now on.
func (c *Conn) Drain() error {
	c.mu.Lock()
	if c.closing || !c.started {
		c.mu.Unlock()
		return fault.New(fault.Unavailable, "there is no connection to the worker")
	}
	c.refuse = fault.New(fault.ShuttingDown, "the worker is draining").WithStarted(fault.StartedNo)
	c.send(wire.Frame{Type: wire.TypeDrain})
	return nil
}

// Release tells the worker that a session of a tenant is over: its objects are closed. The
// error says that there is no connection any more.
func (c *Conn) Release(tenant, session string) error {
	c.mu.Lock()
	if c.closing || !c.started {
		c.mu.Unlock()
		return fault.New(fault.Unavailable, "there is no connection to the worker")
	}
	c.send(wire.Frame{Type: wire.TypeRelease, Meta: wire.ReleaseMeta{Tenant: tenant, Session: session}.Append(nil)})
	return nil
}

// Close ends the connection and returns at once; [Conn.Done] tells when all is
// over. The calls in flight end with cause if it is a *fault.Error; nil means
// that the host is shutting down. Only the first cause counts.
func (c *Conn) Close(cause error) {
	if cause == nil {
		cause = fault.New(fault.ShuttingDown, "the host closed the connection to the worker")
	}
	c.mu.Lock()
	first := c.shut(cause)
	started := c.started
	c.mu.Unlock()
	if !first {
		return
	}
	_ = c.rw.Close() // whatever it says, the descriptor is gone
	if !started {
		c.host.stop()
		close(c.done)
	}
}

// shut lets no call begin any more and keeps the first cause. The caller holds
// mu. It reports whether it was the first.
func (c *Conn) shut(cause error) bool {
	if c.closing {
		return false
	}
	c.closing = true
	c.cause = cause
	c.refuse = &fault.Error{
		Code: fault.Unavailable, Started: fault.StartedNo, Cause: cause,
		Message: "the connection to the worker has ended",
	}
	return true
}

// Done is closed when the connection has ended, every call has its outcome and
// all goroutines of the connection are gone.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Err returns why the connection ended, or nil while it lives.
func (c *Conn) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// InFlight returns the number of calls whose work has not stopped.
func (c *Conn) InFlight() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.inFlight
}

// Goodbye returns the reason in the worker's GOODBYE, or "" if it sent none.
func (c *Conn) Goodbye() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.goodbye
}

// Counts returns what the connection has counted so far.
func (c *Conn) Counts() Counts {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := c.counts
	counts.Received = Traffic{Frames: c.framesIn.Load(), Bytes: c.bytesIn.Load()}
	return counts
}
