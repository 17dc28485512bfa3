package mux

import (
	"context"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// WriteTimeoutDefault is how long a worker may refuse to take any bytes.
const WriteTimeoutDefault = 60 * time.Second

// Ledger tells which calls have started: docs/PROTOCOL.md, section 4.
type Ledger interface {
	// Started reports whether the call's user code had begun to run. It must
	// not block, and is asked only while the call holds its slot.
	Started(id uint64) bool
}

// Config says how a connection behaves. The zero value is usable.
type Config struct {
	// FrameLimit is the largest payload in bytes, both ways. Default
	// wire.FrameLimitDefault.
	FrameLimit int
	// Slots is the most calls in flight. Default wire.SlotsDefault.
	Slots int
	// Ledger tells which calls had started; nil: unknown.
	Ledger Ledger
	// Nonce is what HELLO has to repeat; "" accepts any.
	Nonce string
	// Resolve returns the definition of a kind ("program", "lm") and hash, for
	// workers that lack it. It runs on the reader and must not block. Nil: the
	// host has none.
	Resolve func(kind, hash string) ([]byte, bool)
	// HostCall serves a worker's call to the host, on a goroutine of its own.
	// Its context ends when the worker cancels the host call, when the call on
	// whose behalf it is made has stopped, and with the connection. It has to
	// return soon after that: the connection waits for it. Nil: unsupported.
	HostCall func(ctx context.Context, req *HostRequest) (HostReply, error)
	// Lost is called once when the connection has ended, with the cause, before
	// the calls in flight are settled. It returns the error that they end with,
	// each with its own Started; nil leaves the choice to the connection. It runs
	// on the connection's own goroutine and may take a moment.
	Lost func(cause error) *fault.Error
	// WriteTimeout is how long the worker may take no bytes at all before the
	// connection is given up. Default WriteTimeoutDefault, -1 never.
	WriteTimeout time.Duration
}

func (c Config) withDefaults() Config {
	if c.FrameLimit <= 0 {
		c.FrameLimit = wire.FrameLimitDefault
	}
	c.FrameLimit = min(c.FrameLimit, wire.FrameLimitMax)
	if c.Slots <= 0 {
		c.Slots = wire.SlotsDefault
	}
	if c.WriteTimeout == 0 {
		c.WriteTimeout = WriteTimeoutDefault
	}
	return c
}
