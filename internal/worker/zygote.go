package worker

import (
	"context"
	"net"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"github.com/dspool/dspool/fault"
	"github.com/dspool/dspool/internal/process"
	"github.com/dspool/dspool/internal/wire"
)

const (
	// orderGrace is the time in which an order must be answered; a fork server
	// that takes longer is broken.
	orderGrace = 10 * time.Second
	// sendGrace bounds the sending of one order.
	sendGrace = 5 * time.Second
)

// A zygote is one life of the fork server: its process and the control socket.
type zygote struct {
	cfg     *Config
	process *process.Process
	control *net.UnixConn
	hello   wire.ZygoteEvent
	broken  chan struct{} // closed when it can fork no more, and it is known why
	ended   chan struct{} // closed when it and its children are gone
	tasks   sync.WaitGroup

	mu       sync.Mutex
	dead     bool
	next     uint64
	orders   map[uint64]*order
	children map[int]*forked
}

// An order is one fork that has been asked for.
type order struct {
	body     *forked
	answer   chan error // one value
	unwanted bool       // nobody waits for the answer any more
}

func newZygote(cfg *Config, p *process.Process, control *net.UnixConn) *zygote {
	return &zygote{
		cfg: cfg, process: p, control: control,
		broken: make(chan struct{}), ended: make(chan struct{}),
		orders: make(map[uint64]*order), children: make(map[int]*forked),
	}
}

// run serves the control socket until the fork server is gone.
func (z *zygote) run() {
	defer close(z.ended)
	z.tasks.Go(func() { // a child may hold the socket open: the process counts
		<-z.process.Done()
		_ = z.control.Close()
	})
	for {
		event, err := z.receive()
		if err != nil {
			break
		}
		z.handle(event)
	}
	z.end()
}

// end fails what was ordered, and sees to the children, which die with the
// fork server. It waits a moment for the report of how that ended, so that
// whoever finds it broken can also say why.
func (z *zygote) end() {
	orders, children := z.lock()
	z.process.Kill()
	timer := time.NewTimer(reportGrace)
	defer timer.Stop()
	select {
	case <-z.process.Done():
	case <-timer.C:
	}
	close(z.broken)
	for _, o := range orders {
		o.answer <- z.brokenError()
		o.body.endOutput()
	}
	for _, child := range children {
		z.tasks.Go(child.sweep)
	}
	<-z.process.Done()
	z.tasks.Wait()
}

// lock takes everything away; nothing is added afterwards.
func (z *zygote) lock() (map[uint64]*order, map[int]*forked) {
	z.mu.Lock()
	defer z.mu.Unlock()
	z.dead = true
	orders, children := z.orders, z.children
	z.orders, z.children = nil, nil
	return orders, children
}

// killAll kills the workers that are still there.
func (z *zygote) killAll() {
	z.mu.Lock()
	defer z.mu.Unlock()
	for _, child := range z.children {
		child.Signal(syscall.SIGKILL)
	}
}

func (z *zygote) brokenError() error {
	return fault.New(fault.Unavailable, "the fork server has ended; the worker was not started")
}

func (z *zygote) handle(e wire.ZygoteEvent) {
	switch e.Event {
	case wire.ZygoteForked:
		z.forked(e)
	case wire.ZygoteRefused:
		z.refused(e)
	case wire.ZygoteExited:
		z.exited(e)
	}
}

func (z *zygote) take(id uint64) *order {
	z.mu.Lock()
	defer z.mu.Unlock()
	o := z.orders[id]
	delete(z.orders, id)
	return o
}

func (z *zygote) forked(e wire.ZygoteEvent) {
	o := z.take(e.Order)
	if o == nil {
		return
	}
	h := openHandle(e.PID)
	z.mu.Lock()
	o.body.pid, o.body.handle = e.PID, h
	z.children[e.PID] = o.body
	unwanted := o.unwanted
	z.mu.Unlock()
	if unwanted {
		o.body.Signal(syscall.SIGKILL)
	}
	o.answer <- nil
}

func (z *zygote) refused(e wire.ZygoteEvent) {
	if o := z.take(e.Order); o != nil {
		o.body.endOutput()
		o.answer <- fault.New(fault.ResourceExhausted, "the fork server could not fork: "+e.Error)
	}
}

func (z *zygote) exited(e wire.ZygoteEvent) {
	z.mu.Lock()
	child := z.children[e.PID]
	delete(z.children, e.PID)
	z.mu.Unlock()
	if child != nil {
		z.tasks.Go(func() { child.finish(report{Exit: exitOf(e), known: true}) })
	}
}

// fork orders one worker. The files are handed over, the host keeps its copies.
func (z *zygote) fork(ctx context.Context, s wire.Settings, e *ends) (*forked, error) {
	pipes, err := openPipes()
	if err != nil {
		return nil, noEnds(err)
	}
	defer pipes.closePeer()
	o := &order{body: pipes.follow(z.cfg, s.Worker), answer: make(chan error, 1)}
	id, alive := z.add(o)
	if alive {
		err = z.send(id, s, unix.UnixRights(int(e.socket.Fd()), int(pipes.outW.Fd()), int(pipes.errW.Fd()), int(e.ledger.file.Fd())))
	}
	if !alive {
		<-z.broken // so that this failure is not held against the worker
		err = z.brokenError()
	}
	if err != nil {
		z.take(id)
		pipes.closePeer()
		o.body.endOutput()
		return nil, err
	}
	return o.body, z.await(ctx, o)
}

// add enters an order. It reports false if there is nobody any more to carry it
// out.
func (z *zygote) add(o *order) (uint64, bool) {
	z.mu.Lock()
	defer z.mu.Unlock()
	if z.dead {
		return 0, false
	}
	z.next++
	z.orders[z.next] = o
	return z.next, true
}

// await waits for the answer to an order. A worker that is born after its
// order was given up is killed.
func (z *zygote) await(ctx context.Context, o *order) error {
	grace := min(orderGrace, z.cfg.StartTimeout)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case err := <-o.answer:
		return err
	case <-timer.C:
		z.process.Kill()
		<-z.broken
		return fault.Newf(fault.Unavailable, "the fork server did not answer within %v and was killed", grace)
	case <-ctx.Done():
		z.giveUp(o)
		return fault.From(ctx.Err())
	}
}

// giveUp sees to it that nobody is left of an order that is not waited for.
func (z *zygote) giveUp(o *order) {
	z.mu.Lock()
	o.unwanted = true
	born := o.body.pid != 0
	z.mu.Unlock()
	if born {
		o.body.Signal(syscall.SIGKILL)
	}
}
