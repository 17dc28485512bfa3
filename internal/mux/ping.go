package mux

import (
	"context"
	"time"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/wire"
)

// ping is a PING under way.
type ping struct {
	sent time.Time
	pong Pong // written before the Pending is done
}

// Ping asks the worker for a sign of life and waits for it. A draining worker
// answers too. The error is that of ctx, or why there is no connection.
func (c *Conn) Ping(ctx context.Context) (Pong, error) {
	p := &Pending{conn: c, done: make(chan struct{}), ping: &ping{sent: time.Now()}}
	if err := c.sendPing(p); err != nil {
		return Pong{}, err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		c.forget(p)
		return Pong{}, fault.From(ctx.Err())
	}
	if p.outcome.Err != nil {
		return Pong{}, p.outcome.Err
	}
	return p.ping.pong, nil
}

// forget gives the slot of a ping back that nobody waits for any more: a worker
// that does not answer would use them up. A late answer finds no ping.
func (c *Conn) forget(p *Pending) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.find(p.id) == p {
		c.free(p)
	}
}

func (c *Conn) sendPing(p *Pending) error {
	c.mu.Lock()
	switch {
	case c.closing || !c.started || c.out.failed != nil:
		defer c.mu.Unlock()
		return c.refuse
	case c.held == len(c.table):
		defer c.mu.Unlock()
		return never(fault.Unavailable, "every slot of the connection is taken: no number for a ping")
	}
	c.hold(p)
	c.send(wire.Frame{Type: wire.TypePing, ID: p.id})
	return nil
}

// pong settles the ping that a PONG answers.
func (c *Conn) pong(f wire.Frame) {
	meta, err := wire.DecodePongMeta(f.Meta)
	c.mu.Lock()
	p := c.find(f.ID)
	if p == nil || p.ping == nil {
		c.counts.Late++
		c.mu.Unlock()
		return
	}
	c.free(p)
	c.mu.Unlock()
	if err != nil {
		c.complain(f.ID, err)
		p.settle(Outcome{Err: fault.From(err)})
		return
	}
	p.ping.pong = Pong{
		RTT: time.Since(p.ping.sent), Lag: time.Duration(meta.Lag) * time.Microsecond,
		Running: meta.Running, RSS: meta.RSS,
	}
	p.settle(Outcome{})
}
