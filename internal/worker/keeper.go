package worker

import (
	"syscall"
	"time"

	"github.com/dspool/dspool/fault"
)

const (
	// lostGrace is the time a process has to end by itself after its
	// connection did. It is dying already; killing it at once could overwrite
	// its own exit status.
	lostGrace = 200 * time.Millisecond
	// overtime is the time between SIGTERM and SIGKILL when whoever waits has
	// no more time.
	overtime = 200 * time.Millisecond
	// giveUp is the time after SIGKILL from which on nobody waits any more for
	// a process that does not go.
	giveUp = 5 * time.Second
)

// A keeper sees one worker to its end: it takes the steps of the stop ladder
// when they are due, and clears up behind the process. It runs on one
// goroutine, which ends when the worker is gone.
type keeper struct {
	*Worker
	timer *time.Timer

	asked    bool
	lostAt   time.Time // zero: the connection stands
	orphans  bool      // calls were in flight when it was lost
	idleAt   time.Time // zero: calls are in flight
	termedAt time.Time
	killedAt time.Time
}

func (w *Worker) keep() {
	k := &keeper{Worker: w, timer: time.NewTimer(time.Hour)}
	defer k.timer.Stop()
	for !k.ended() {
		k.timer.Reset(time.Until(k.step(time.Now())))
		k.await()
	}
	k.bury()
}

// await returns when there may be something to do.
func (k *keeper) await() {
	lost := k.lost
	if !k.lostAt.IsZero() {
		lost = nil
	}
	select {
	case <-k.body.Done():
	case <-lost:
		k.lostAt, k.orphans = time.Now(), k.life.calls() > 0
	case <-k.wish.awake:
	case <-k.timer.C:
	}
}

// ended reports whether the process is gone, or will not go.
func (k *keeper) ended() bool {
	select {
	case <-k.body.Done():
		return true
	default:
		return !k.killedAt.IsZero() && time.Since(k.killedAt) >= giveUp
	}
}

// step does what is due and returns when to look again at the latest.
func (k *keeper) step(now time.Time) time.Time {
	level, since := k.wish.strongest()
	switch {
	case !k.killedAt.IsZero():
		return k.killedAt.Add(giveUp)
	case level >= abort:
		return k.kill(now)
	case k.orphans:
		return k.orphaned(now)
	case level == condemn:
		return k.neighbours(now, since)
	case level == hurry:
		return k.climb(now, overtime)
	case !k.lostAt.IsZero():
		return k.orphaned(now)
	case level == retire:
		return k.drain(now)
	default:
		return now.Add(time.Hour)
	}
}

// drain asks the worker to end, and climbs on when nothing is in flight and it
// is still there.
func (k *keeper) drain(now time.Time) time.Time {
	if !k.asked {
		k.asked = true
		_ = k.conn.Drain() // a connection that takes no DRAIN is found lost
	}
	if k.life.calls() > 0 {
		return now.Add(time.Hour)
	}
	if k.idleAt.IsZero() {
		k.idleAt = now
	}
	if due := k.idleAt.Add(k.cfg.TermGrace); now.Before(due) {
		return due
	}
	return k.climb(now, k.cfg.TermGrace)
}

// neighbours waits, within the grace, for the calls that do react.
func (k *keeper) neighbours(now, since time.Time) time.Time {
	due := since.Add(k.cfg.CancelGrace)
	if now.Before(due) && k.life.calls() > k.hung.count() {
		return due
	}
	return k.kill(now)
}

// orphaned deals with a process whose connection has ended. If calls were in
// flight it has to be gone soon, whatever else was wished: their fate is read
// from the ledger once it is, and it must not begin one of them after that.
func (k *keeper) orphaned(now time.Time) time.Time {
	grace := lostGrace
	if k.asked && !k.orphans {
		grace = k.cfg.TermGrace // it said goodbye and may have to clear up
	}
	if due := k.lostAt.Add(grace); now.Before(due) {
		return due
	}
	k.wish.blameFor(fault.WorkerCrashed, "it closed its connection but did not end, and was killed")
	return k.kill(now)
}

// climb sends SIGTERM, and SIGKILL when the grace is over.
func (k *keeper) climb(now time.Time, grace time.Duration) time.Time {
	if k.termedAt.IsZero() {
		k.termedAt = now
		k.life.move(Terminating, "SIGTERM")
		k.body.Signal(syscall.SIGTERM)
	}
	if due := k.termedAt.Add(grace); now.Before(due) {
		return due
	}
	return k.kill(now)
}

func (k *keeper) kill(now time.Time) time.Time {
	k.killedAt = now
	k.life.move(Terminating, "SIGKILL")
	k.body.Signal(syscall.SIGKILL)
	return now.Add(giveUp)
}

// bury ends the connection, once the answers that the worker had still sent
// are read, and closes Done.
func (k *keeper) bury() {
	k.life.move(Error, "the process ended")
	k.leaves()
	k.wish.fix()
	timer := time.NewTimer(reportGrace)
	defer timer.Stop()
	select {
	case <-k.conn.Done():
	case <-timer.C: // a process outside of the group holds the socket open
	}
	k.conn.Close(k.account().CrashError())
	<-k.conn.Done()
	k.exit = k.account()
	k.ledger.close()
	k.life.move(Terminating, k.exit.String())
	k.life.move(Terminated, k.exit.String())
	close(k.done)
}
