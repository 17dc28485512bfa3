package dspool

import (
	"context"
	"fmt"
	"time"

	"github.com/dspool/dspool/internal/health"
)

// A patient is a worker as the monitor sees it.
type patient struct {
	*member
	ward *ward
}

var _ health.Subject = patient{}

// Ping feels the worker's pulse.
func (s patient) Ping(ctx context.Context) (health.Pulse, error) {
	pong, err := s.Worker.Ping(ctx)
	if err != nil {
		return health.Pulse{}, err
	}
	// The worker measures one turn of its loop; what came before its reader
	// saw the ping is in the round trip.
	return health.Pulse{Lag: max(pong.Lag, pong.RTT), RSS: pong.RSS}, nil
}

// Try makes the check's call.
func (s patient) Try(ctx context.Context) error { return s.ward.probe.run(ctx, s.member) }

// Vitals looks at the process.
func (s patient) Vitals() (health.Vitals, bool) {
	v, ok := s.Worker.Vitals()
	return health.Vitals{CPU: v.CPU, Stopped: v.Stopped(), Waiting: v.Waits()}, ok
}

// Leaving reports whether the worker only finishes what it has.
func (s patient) Leaving() bool { return s.State().Final() }

// Checked takes in a result.
func (s patient) Checked(r health.Result) {
	s.record.Add(r)
	s.ward.record.Add(r)
	if r.Alive {
		s.lag(r.Pulse.Lag)
		s.memory(r.Pulse.RSS)
	}
}

func (s patient) lag(lag time.Duration) {
	limit, board := off(s.ward.pool.cfg.Health.LagMax), s.ward.pool.board
	switch {
	case limit > 0 && lag > limit:
		board.raise(LoopLagHigh, s.ID(), fmt.Sprintf("its event loop is %s late: code that does not await holds it up", lag.Round(time.Millisecond)))
	case lag <= limit/2:
		board.clear(LoopLagHigh, s.ID())
	}
}

func (s patient) memory(rss int64) {
	soft, hard, board := s.limits.Memory, s.ward.pool.cfg.Recycle.MemoryMax, s.ward.pool.board
	switch {
	case soft > 0 && rss >= soft, hard > 0 && rss >= hard/10*9:
		board.raise(MemoryHigh, s.ID(), fmt.Sprintf("it uses %s of memory", mebibytes(rss)))
	default:
		board.clear(MemoryHigh, s.ID())
	}
	switch {
	case hard > 0 && rss >= hard:
		s.ends(ByMemoryMax)
		s.Kill(fmt.Sprintf("it used %s of memory, Recycle.MemoryMax is %s", mebibytes(rss), mebibytes(hard)))
	case soft > 0 && rss >= soft:
		s.ward.nudge()
	}
}

// Degrade takes the worker out of service. It rests before its state changes,
// so that a call which finds it degraded does not choose it again.
func (s patient) Degrade(reason string) {
	desk := s.ward.pool.desk
	desk.Rest(s.ID())
	if !s.Worker.Degrade(reason) {
		desk.Wake(s.ID())
		return
	}
	s.ward.pool.board.raise(WorkerDegraded, s.ID(), reason)
}

// Restore takes it back.
func (s patient) Restore(reason string) {
	if s.Worker.Restore(reason) {
		s.ward.pool.desk.Wake(s.ID())
	}
	s.ward.pool.board.clear(WorkerDegraded, s.ID())
}

// Replace exchanges it, gently.
func (s patient) Replace(reason string) { s.ward.replace(s.member, ByNotReady, reason) }

// GiveUp kills it.
func (s patient) GiveUp(reason string) { s.Abort(reason) }
